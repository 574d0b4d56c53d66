/**
 * The desk of a tenant's custom hostnames, and the duty that brings each one on. A hostname leads here from the moment
 * that it is active, by a row in D1, until it is removed or its proof is gone: first the row goes, then all else. Of two
 * tenants that claim a name the one that proves it has it; a claim alone keeps nobody out.
 */
import { RpcTarget } from 'cloudflare:workers';
import { randomBase32, type DomainId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { withTrace, type AuditActor } from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { Domain } from '../../shared/contracts/domains.ts';
import type { Found } from '../../shared/hostnames/find-challenge.ts';
import type { HostnameProvider } from '../../shared/hostnames/hostname-provider.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { AuditTrail } from './audit-trail.ts';
import { beginDomain, decideDomain, questionOf, type DomainOutcome } from './domain-rules.ts';
import { stateOf, toDomain, type DomainRow, type DomainStore } from './domain-store.ts';
import type { Entitlements } from './entitlements.ts';

const TokenLength = 40;
/** Looked at in one run of the duty. */
const AtOnce = 20;
const system: AuditActor = { kind: 'system', id: 'system' };
const noDomain = () => err('not_found', 'There is no such custom hostname.');

export type DomainWays = {
  readonly findChallenge: (hostname: string, token: string) => Promise<Result<Found>>;
  readonly provider: HostnameProvider;
  readonly addRoute: (hostname: string) => Promise<Result<undefined>>;
  readonly removeRoute: (hostname: string) => Promise<Result<undefined>>;
  readonly arm: () => Promise<void>;
};

export class DomainDesk extends RpcTarget {
  readonly #store: DomainStore;
  readonly #entitlements: Entitlements;
  readonly #trail: AuditTrail;
  readonly #ways: DomainWays;
  readonly #now: () => number;

  constructor(store: DomainStore, entitlements: Entitlements, trail: AuditTrail, ways: DomainWays, now: () => number) {
    super();
    this.#store = store;
    this.#entitlements = entitlements;
    this.#trail = trail;
    this.#ways = ways;
    this.#now = now;
  }

  get duty(): Duty {
    return { name: 'domains', dueAt: () => this.#store.dueAt(), run: (now) => this.#run(now) };
  }

  list(limit: number, cursor: string | undefined): List<Domain> {
    return this.#store.list(limit, cursor);
  }

  find(id: string): Result<Domain> {
    const row = this.#store.find(id);
    return row ? ok(toDomain(row)) : noDomain();
  }

  /** A repeated run of the same request finds the domain. */
  async create(id: DomainId, hostname: string, actor: AuditActor): Promise<Result<Domain>> {
    const made = this.#trail.change(
      actor,
      'domain.created',
      () => {
        const known = this.#store.findByHostname(hostname);
        if (known) {
          return known.id === id
            ? ok({ row: known, isNew: false })
            : err('conflict', `The hostname "${hostname}" is claimed here already.`, { param: 'hostname' });
        }
        const room = this.#entitlements.requireRoom('domains', this.#store.count());
        if (!room.ok) return room;
        const now = this.#now();
        this.#store.add(id, hostname, randomBase32(TokenLength), beginDomain(now), now);
        return ok({ row: this.#store.find(id)!, isNew: true });
      },
      ({ isNew }) => (isNew ? { target: id, details: { hostname } } : undefined),
    );
    if (!made.ok) return made;
    await this.#ways.arm();
    return ok(toDomain(made.value.row));
  }

  /** Checks now; one that has failed begins anew. `traceparent`: of the request that asks for it. */
  async verify(id: string, traceparent?: string): Promise<Result<Domain>> {
    const row = this.#store.find(id);
    if (!row) return noDomain();
    const now = this.#now();
    const state = row.status === 'failed' ? beginDomain(now) : { ...stateOf(row), nextCheckAt: now };
    this.#store.keep(id, state);
    await this.#advance(this.#store.find(id)!, traceparent);
    await this.#ways.arm();
    return this.find(id);
  }

  async delete(id: string, actor: AuditActor): Promise<Result<undefined>> {
    const row = this.#store.find(id);
    if (!row) return noDomain();
    const gone = await this.#close(row);
    if (!gone.ok) return gone;
    return this.#trail.change(
      actor,
      'domain.deleted',
      () => {
        this.#store.delete(id);
        return ok();
      },
      () => ({ target: id, details: { hostname: row.hostname } }),
    );
  }

  /** Before the tenant goes: no hostname leads here, and no provider holds one for it. */
  async release(): Promise<void> {
    for (const row of this.#store.all()) {
      const gone = await this.#close(row);
      if (!gone.ok) throw new Error(`${row.hostname} could not be released: ${gone.failure.reason}`);
      this.#store.delete(row.id);
    }
  }

  async #close(row: DomainRow): Promise<Result<undefined>> {
    const unrouted = await this.#ways.removeRoute(row.hostname);
    if (!unrouted.ok) return unrouted;
    return row.verified_at === null ? ok() : this.#ways.provider.remove(row.hostname, row.provider_ref);
  }

  async #run(now: number): Promise<void> {
    for (const row of this.#store.due(now, AtOnce)) await this.#advance(row);
  }

  /** As far as it goes at once: what is proven is set up in the same run. */
  async #advance(row: DomainRow, traceparent?: string): Promise<void> {
    for (let at: DomainRow | undefined = row; at && questionOf(at.status);) {
      const outcome = questionOf(at.status) === 'provision' ? await this.#provision(at) : await this.#check(at);
      const present = this.#store.find(at.id);
      // Removed, or begun anew, while it was looked at.
      if (!present || present.status !== at.status || present.since !== at.since) return;
      at = await this.#settle(present, outcome, traceparent);
    }
  }

  async #settle(row: DomainRow, outcome: DomainOutcome, traceparent?: string): Promise<DomainRow | undefined> {
    const now = this.#now();
    const next = decideDomain(stateOf(row), outcome, now, Math.random);
    if (row.status === 'active' && next.status === 'failed') {
      const gone = await this.#close(row);
      if (!gone.ok) throw new Error(`${row.hostname} could not be closed: ${gone.failure.reason}`);
    }
    const entry = next.status === row.status ? undefined : entries[next.status];
    this.#trail.change(
      withTrace(system, traceparent),
      entry ?? 'domain.verified',
      () => {
        this.#store.keep(row.id, next);
        this.#store.markChecked(row.id, now);
        return ok();
      },
      () => (entry ? { target: row.id, details: { hostname: row.hostname, reason: next.reason } } : undefined),
    );
    const goesOn = row.status !== next.status && next.status === 'verified';
    return goesOn ? this.#store.find(row.id) : undefined;
  }

  async #check(row: DomainRow): Promise<DomainOutcome> {
    const found = await this.#ways.findChallenge(row.hostname, row.token);
    if (!found.ok) return { kind: 'unknown', reason: 'the check could not be made' };
    if (found.value.method === null) return { kind: 'unproven', reason: found.value.reason };
    this.#store.markVerified(row.id, found.value.method, this.#now());
    return { kind: 'proven' };
  }

  async #provision(row: DomainRow): Promise<DomainOutcome> {
    const made = await this.#ways.provider.setUp(row.hostname, row.provider_ref);
    if (!made.ok) return { kind: 'unknown', reason: 'the hostname could not be set up yet' };
    const { state, ref, reason = 'it is being set up' } = made.value;
    this.#store.keepRef(row.id, ref);
    if (state !== 'active') return { kind: state === 'failed' ? 'lost' : 'setting_up', reason };
    const routed = await this.#ways.addRoute(row.hostname);
    if (routed.ok) return { kind: 'set_up' };
    return routed.failure.code === 'conflict'
      ? { kind: 'lost', reason: 'another tenant has this hostname' }
      : { kind: 'unknown', reason: 'the hostname could not be set up yet' };
  }
}

const entries = {
  pending: undefined,
  verifying: undefined,
  verified: 'domain.verified',
  active: 'domain.activated',
  failed: 'domain.failed',
} as const;
