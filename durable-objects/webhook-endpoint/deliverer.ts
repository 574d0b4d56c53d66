/**
 * Delivers what is in the queue: several at once, results written together, one run at a time. What comes, or becomes due,
 * while attempts hang goes out beside them. It knows no platform; the clock, the way out and the notices are given to it.
 * An event leaves the queue only in the transaction that enters the attempt which settled it, so a crash repeats attempts,
 * with the same ids, and forgets none.
 */
import type { Clock } from '../../shared/core/clock.ts';
import type { EventDraft } from '../../shared/contracts/events.ts';
import { toIso } from '../../shared/core/clock.ts';
import type { DeliveryPlan } from '../../shared/contracts/webhooks.ts';
import { resolvesWithin, Wake } from '../runtime/wake.ts';
import {
  attemptDelaysMs,
  concurrencyFor,
  goodHealth,
  isGivenUp,
  judgeAttempt,
  noteAttempt,
  type AttemptResult,
  type Health,
} from './delivery-rules.ts';
import type { Attempt, EndpointState, Queued, WebhookEndpointStore } from './webhook-endpoint-store.ts';

/** Cloudflare lets an invocation wait for so many answers at once. */
const MostAtOnce = 6;
const PageSize = 64;
const TogetherAtMost = 16;
/** A run ends by itself after so many: Cloudflare grants an invocation 10,000 requests. */
const MostInOneRun = 5_000;

/** What came of sending one event once. */
export type Sent = Pick<Attempt, 'headers' | 'status' | 'answer' | 'fault'> & { readonly result: AttemptResult };
export type Send = (plan: DeliveryPlan, message: Queued, now: number) => Promise<Sent>;
/** What holds now, asked again and again during a run; null where the webhook is gone. */
export type FindPlan = () => Promise<DeliveryPlan | null>;

/** `under`: the revision of the settings by which it was sent. */
type Done = { readonly attempt: Attempt; readonly result: AttemptResult; readonly under: number };

export type DelivererDeps = {
  readonly webhook: string;
  readonly store: WebhookEndpointStore;
  readonly clock: () => Clock;
  readonly transaction: (work: () => void) => void;
  readonly send: Send;
  /** Inside the transaction. */
  readonly notify: (draft: EventDraft) => void;
  readonly random: () => number;
  readonly delays?: readonly number[];
};

export class Deliverer {
  readonly #deps: DelivererDeps;
  readonly #wake = new Wake();
  #running: Promise<void> = Promise.resolve();
  #stops = 0;

  constructor(deps: DelivererDeps) {
    this.#deps = deps;
  }

  /** When there is something to send next. A receiver that is spared is not asked before. */
  dueAt(ordered: boolean): number | undefined {
    return this.#nextDue(ordered, this.#deps.store.state().health, new Set());
  }

  /** Until nothing is due and nothing under way, or the plan lets nothing be sent. Rejects where the plan cannot be had. */
  run(findPlan: FindPlan): Promise<void> {
    return (this.#running = this.#run(findPlan));
  }

  /** Something came into the queue. */
  ring(): void {
    this.#wake.ring();
  }

  /** Begins nothing more; resolves when what is under way is over and written. */
  async stop(): Promise<void> {
    this.#stops += 1;
    await this.#running.catch(() => {});
  }

  async #run(findPlan: FindPlan): Promise<void> {
    const stops = this.#stops;
    const { store, clock } = this.#deps;
    /** Under way, or over and not written yet: not to be begun again. */
    const busy = new Set<number>();
    let inFlight = 0;
    let begun = 0;
    let done: Done[] = [];
    let page: Queued[] = [];
    let state = store.state();
    let revision = state.givenUpRevision;
    let failure: { readonly error: unknown } | undefined;
    const begin = (plan: DeliveryPlan, message: Queued) => {
      busy.add(message.sequence);
      inFlight++;
      begun++;
      void this.#attempt(plan, message, clock().now()).then((each) => {
        inFlight--;
        done.push(each);
        this.#wake.ring();
      });
    };
    for (;;) {
      const { rung } = this.#wake;
      let plan: DeliveryPlan | null = null;
      try {
        failure = undefined;
        plan = await findPlan();
      } catch (error) {
        failure = { error };
      }
      const now = clock().now();
      const hasFailed = done.some(({ attempt }) => attempt.verdict.kind !== 'delivered');
      let isIdle = inFlight === 0;
      let nextDue: number | undefined;
      revision = plan?.revision ?? revision;
      if (plan && maySend(plan, state) && !hasFailed && begun < MostInOneRun && this.#stops === stops) {
        const atOnce = concurrencyFor(state.health, plan.ordered, MostAtOnce);
        while (inFlight < atOnce && state.health.spareUntil <= now) {
          if (page.length === 0) page = this.#page(plan.ordered, now, busy);
          const next = page.shift();
          if (!next) break;
          begin(plan, next);
        }
        if (inFlight < atOnce) nextDue = this.#nextDue(plan.ordered, state.health, busy);
        isIdle = page.length === 0;
      }
      // Together, unless nothing else is to be done meanwhile, or how to go on depends on it.
      if (done.length >= TogetherAtMost || (done.length > 0 && (isIdle || hasFailed))) {
        const settled = done;
        done = [];
        state = this.#settle(revision, state, settled);
        for (const { attempt } of settled) busy.delete(attempt.message.sequence);
        if (hasFailed) page = [];
        continue;
      }
      if (inFlight === 0 && done.length === 0) break;
      if (nextDue === undefined) await rung;
      else await resolvesWithin(rung, nextDue - clock().now());
    }
    if (failure) throw failure.error;
  }

  #nextDue(ordered: boolean, { spareUntil }: Health, busy: ReadonlySet<number>): number | undefined {
    const due = this.#deps.store.nextDue(ordered, busy);
    return due === undefined ? undefined : Math.max(due, spareUntil);
  }

  #page(ordered: boolean, now: number, busy: ReadonlySet<number>): Queued[] {
    const { store } = this.#deps;
    const limit = PageSize + busy.size;
    const page = (ordered ? store.first(limit) : store.due(now, limit)).filter(({ sequence }) => !busy.has(sequence));
    const late = page.findIndex(({ due }) => due > now);
    return late < 0 ? page : page.slice(0, late);
  }

  async #attempt(plan: DeliveryPlan, message: Queued, at: number): Promise<Done> {
    const { send, clock, random, delays = attemptDelaysMs } = this.#deps;
    const { result, ...rest } = await send(plan, message, at);
    const now = clock().now();
    const verdict = judgeAttempt(result, message.attempts + 1, now, random, delays);
    return {
      attempt: { message, at, durationMs: now - at, verdict, url: plan.url, ...rest },
      result,
      under: plan.revision,
    };
  }

  /** What an attempt under earlier settings (`revision`: of the present ones) says of a receiver, gives up none. */
  #settle(revision: number, before: EndpointState, done: readonly Done[]): EndpointState {
    const { store, transaction, notify, webhook: id, clock, random } = this.#deps;
    let { health, givenUpRevision } = before;
    transaction(() => {
      const now = clock().now();
      for (const { attempt, result, under } of done) {
        const changed = noteAttempt(health, result, attempt.at, now, random);
        health = changed.health;
        const { verdict, message } = attempt;
        const { traceparent } = message;
        if (changed.notice === 'failing') notify(trouble('webhook.endpoint_failing', id, health, attempt));
        if (changed.notice === 'recovered') notify({ type: 'webhook.endpoint_recovered', data: { id }, traceparent });
        if (verdict.kind === 'exhausted') {
          const data = { id, event: message.id, attempts: message.attempts + 1 };
          notify({ type: 'webhook.exhausted', data, traceparent });
        }
        const isLost = verdict.kind === 'endpoint_gone' || (verdict.kind === 'exhausted' && isGivenUp(health, now));
        if (isLost && under === revision && givenUpRevision !== revision) {
          givenUpRevision = revision;
          notify(trouble('webhook.endpoint_disabled', id, health, attempt));
        }
      }
      store.settle(done.map(({ attempt }) => attempt));
      if (givenUpRevision === revision) {
        // What is waiting stays in the tenant's log, from where it can be replayed.
        store.clear();
        health = goodHealth;
      }
      if (health !== before.health || givenUpRevision !== before.givenUpRevision)
        store.keep({ health, givenUpRevision });
    });
    return { health, givenUpRevision };
  }
}

function maySend({ enabled, paused, revision }: DeliveryPlan, { givenUpRevision }: EndpointState): boolean {
  return enabled && !paused && givenUpRevision !== revision;
}

function describe({ status, fault }: Attempt): string {
  return status === null ? `no answer: ${fault}` : status === 410 ? 'it answered 410 Gone' : `it answered ${status}`;
}

function trouble(
  type: 'webhook.endpoint_failing' | 'webhook.endpoint_disabled',
  id: string,
  { failingSince, failures }: Health,
  attempt: Attempt,
): EventDraft {
  const failing_since = failingSince === null ? null : toIso(failingSince);
  const data = { id, reason: describe(attempt), failing_since, failures };
  return { type, data, traceparent: attempt.message.traceparent };
}
