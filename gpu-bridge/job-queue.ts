/**
 * The jobs that wait for room on a node, and whose turn it is: lanes in their order, inside a lane the tenant that has
 * been served the fewest tokens, inside a tenant the oldest. Pure; the pool waits and wakes. A job that would not begin in
 * time is refused when it comes, with the time after which to ask again.
 */
import { fail, type Failure } from '../shared/core/failure.ts';

export const lanes = ['interactive', 'standard', 'batch'] as const;
export type Lane = (typeof lanes)[number];

export type QueueLimits = {
  /** Of all jobs that wait. */
  readonly maxJobs: number;
  /** The longest wait, by lane. */
  readonly waitMs: Readonly<Record<Lane, number>>;
};

export const defaultQueueLimits: QueueLimits = {
  maxJobs: 256,
  waitMs: { interactive: 20_000, standard: 60_000, batch: 240_000 },
};

/** How full the queue may be for a lane to be let in: as it fills, the jobs that can wait are sent away first. */
const fillLimits: Readonly<Record<Lane, number>> = { interactive: 1, standard: 0.8, batch: 0.5 };
/** Of the queue, where others wait too. */
const TenantShare = 0.5;
const StartIntervalWeight = 0.1;
const MinRetryMs = 250;
const MaxRetryMs = 30_000;
const MaxTenants = 10_000;

export type QueuedJob = { readonly tenant: string; readonly lane: Lane };
type Entry<J> = { readonly job: J; readonly at: number };

export class JobQueue<J extends QueuedJob> {
  readonly #limits: QueueLimits;
  readonly #entries = new Set<Entry<J>>();
  /** The tokens that each tenant was served, since it last had nothing to do. */
  readonly #served = new Map<string, number>();
  #startIntervalMs = 0;
  #lastStartAt: number | undefined;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#entries.size;
  }

  count(lane: Lane): number {
    let waiting = 0;
    for (const { job } of this.#entries) if (job.lane === lane) waiting++;
    return waiting;
  }

  holds(matches: (job: J) => boolean): boolean {
    for (const { job } of this.#entries) if (matches(job)) return true;
    return false;
  }

  /** Why the job may not wait; undefined where it does now. */
  enter(job: J, now: number): Failure | undefined {
    const { maxJobs } = this.#limits;
    const ownCount = this.#countOf(job.tenant);
    const retryAfterMs = this.#retryAfterMs();
    if (ownCount >= Math.max(1, maxJobs * TenantShare)) {
      return fail('rate_limit_exceeded', 'Too many of your requests wait for a node already.', { retryAfterMs });
    }
    if (this.length >= maxJobs * fillLimits[job.lane] || this.#isTooLong(job)) {
      return fail('service_unavailable', 'All nodes with this model are busy. Wait as long as retry-after-ms says.', {
        retryAfterMs,
      });
    }
    if (ownCount === 0) this.#join(job.tenant);
    this.#entries.add({ job, at: now });
    return undefined;
  }

  /** The next job that can be placed. It leaves the queue. */
  takeNext(canPlace: (job: J) => boolean, now: number): J | undefined {
    let next: Entry<J> | undefined;
    for (const entry of this.#entries) {
      if ((!next || this.#isBefore(entry.job, next.job)) && canPlace(entry.job)) next = entry;
    }
    if (!next) return undefined;
    this.#entries.delete(next);
    const interval = now - (this.#lastStartAt ?? next.at);
    this.#startIntervalMs += (interval - this.#startIntervalMs) * StartIntervalWeight;
    this.#lastStartAt = now;
    return next.job;
  }

  /** The job waits no more: its caller has left, or its time is over. */
  leave(job: J): boolean {
    for (const entry of this.#entries) if (entry.job === job) return this.#entries.delete(entry);
    return false;
  }

  refuseLate(): Failure {
    return fail(
      'service_unavailable',
      'No node with this model had room in time. Wait as long as retry-after-ms says.',
      {
        retryAfterMs: this.#retryAfterMs(),
      },
    );
  }

  /** What a job reads and writes counts for its tenant. */
  charge(tenant: string, tokens: number): void {
    if (this.#served.size >= MaxTenants && !this.#served.has(tenant)) this.#served.clear();
    this.#served.set(tenant, (this.#served.get(tenant) ?? 0) + tokens);
  }

  #isBefore(one: J, other: J): boolean {
    if (one.lane !== other.lane) return lanes.indexOf(one.lane) < lanes.indexOf(other.lane);
    return (this.#served.get(one.tenant) ?? 0) < (this.#served.get(other.tenant) ?? 0);
  }

  /** Who comes back from having nothing to do has saved up nothing: it stands with the least served of those that wait. */
  #join(tenant: string): void {
    let least = Number.POSITIVE_INFINITY;
    for (const { job } of this.#entries) least = Math.min(least, this.#served.get(job.tenant) ?? 0);
    if (Number.isFinite(least)) this.#served.set(tenant, Math.max(this.#served.get(tenant) ?? 0, least));
  }

  #countOf(tenant: string): number {
    let count = 0;
    for (const { job } of this.#entries) if (job.tenant === tenant) count++;
    return count;
  }

  /** Those in the lanes after its own do not make it wait. */
  #isTooLong(job: J): boolean {
    let ahead = 0;
    for (const entry of this.#entries) if (lanes.indexOf(entry.job.lane) <= lanes.indexOf(job.lane)) ahead++;
    return ahead > 0 && this.#startIntervalMs * ahead > this.#limits.waitMs[job.lane];
  }

  #retryAfterMs(): number {
    return Math.round(Math.min(Math.max(this.#startIntervalMs * (this.length + 1), MinRetryMs), MaxRetryMs));
  }
}
