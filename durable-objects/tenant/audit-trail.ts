/**
 * The tenant's audit trail: a change and its entry are one transaction, so neither is ever there without the other.
 * Refused credentials are entered within bounds. Nothing secret is ever handed to it.
 */
import { toIso, type Clock } from '../../shared/core/clock.ts';
import type { Result } from '../../shared/core/result.ts';
import type {
  AuditAction,
  AuditActor,
  AuditDetails,
  AuditEntry,
  AuditPage,
  AuditQuery,
} from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import { AuditStore } from './audit-store.ts';
import { countAuthFailure, endFlood, type Flood } from './auth-failures.ts';

/** What an entry says beside who and what: on what, and with which circumstances. */
export type AuditNote = { readonly target: string | null; readonly details?: AuditDetails };

export const MaxAuditPage = 500;

const system: AuditActor = { kind: 'system', id: 'system' };

export class AuditTrail {
  readonly #storage: DurableObjectStorage;
  readonly #store: AuditStore;
  /** Read anew for each entry, since the object's own can be replaced. */
  readonly #clock: () => Clock;
  #flood: Flood | undefined;

  constructor(storage: DurableObjectStorage, tenant: string, clock: () => Clock) {
    this.#storage = storage;
    this.#store = new AuditStore(storage.sql, tenant);
    this.#clock = clock;
    this.#flood = this.#store.flood();
  }

  /**
   * Makes a change and enters it, both or neither. `note` says what is to be entered, undefined where the work found
   * nothing to change. A refusal changes nothing and so is not entered.
   */
  change<T>(
    actor: AuditActor,
    action: AuditAction,
    work: () => Result<T>,
    note: (done: T) => AuditNote | undefined,
  ): Result<T> {
    return this.#storage.transactionSync(() => {
      const done = work();
      const entered = done.ok ? note(done.value) : undefined;
      if (entered) this.enter(actor, action, entered);
      return done;
    });
  }

  /** Enters what has happened. Inside a transaction of the caller's where it belongs to a change. */
  enter(
    { kind, id }: AuditActor,
    action: AuditAction,
    { target, details = {} }: AuditNote,
    outcome: AuditEntry['outcome'] = 'succeeded',
  ): void {
    this.#store.append({ time: toIso(this.#clock().now()), actor: { kind, id }, action, target, outcome, details });
  }

  /** `claimed`: whom the credential claimed to be. `times`: how often, where they were gathered. */
  enterAuthFailure(claimed: AuditActor, reason: string, times: number): void {
    const step = countAuthFailure(this.#flood, this.#clock().now(), times);
    if (step.keep) {
      this.#storage.transactionSync(() => {
        if (step.ended) this.#enterCount(step.ended);
        if (step.record) this.enter(claimed, 'auth.failed', { target: null, details: { reason, times } }, 'refused');
        this.#store.keepFlood(step.flood);
      });
    }
    this.#flood = step.flood;
  }

  list(query: AuditQuery): List<AuditEntry> {
    this.#endFlood();
    const canonical = (time: string | undefined) => (time === undefined ? undefined : toIso(Date.parse(time)));
    return this.#store.list({ ...query, from: canonical(query.from), to: canonical(query.to) });
  }

  page(after: number, limit: number): AuditPage {
    if (after === 0) this.#endFlood();
    return this.#store.page(after, Math.min(limit, MaxAuditPage));
  }

  #endFlood(): void {
    const ended = endFlood(this.#flood, this.#clock().now());
    if (!ended) return;
    const flood = { ...ended, counted: 0 };
    this.#storage.transactionSync(() => {
      this.#enterCount(ended);
      this.#store.keepFlood(flood);
    });
    this.#flood = flood;
  }

  #enterCount({ since, counted }: Flood): void {
    const details = { at_least: counted, since: toIso(since) };
    this.enter(system, 'auth.failures_counted', { target: null, details }, 'refused');
  }
}
