/**
 * The tenant's audit trail: a change and its entry are one transaction, so neither is ever there without the other.
 * Refusals are entered within bounds. Nothing secret is ever handed to it. An action that the catalogue of
 * events knows is an event as well, by the same call and in the same transaction.
 */
import { toIso, type Clock } from '../../shared/core/clock.ts';
import { isId } from '../../shared/core/ids.ts';
import type { Result } from '../../shared/core/result.ts';
import {
  MaxAccessInput,
  systemActor,
  type AuditAction,
  type AuditActor,
  type AuditDetails,
  type AuditEntry,
  type AuditPage,
  type AuditQuery,
  type MemoryAccess,
} from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import { isEventType, type CarriedEvent, type EventData, type EventType } from '../../shared/contracts/events.ts';
import { AuditStore } from './audit-store.ts';
import { countAuthFailure, endFlood, type Flood, type FloodKind } from './auth-failures.ts';
import type { EventLog, EventScope } from './event-log.ts';

/** What an entry says beside who and what: on what, and with which circumstances. */
export type AuditNote = { readonly target: string | null; readonly details?: AuditDetails };

export const MaxAuditPage = 500;

const countActions = { auth: 'auth.failures_counted', admission: 'admission.refusals_counted' } as const;

export class AuditTrail {
  readonly #storage: DurableObjectStorage;
  readonly #store: AuditStore;
  /** The operator's trail has none: events are a tenant's. */
  readonly #events: EventLog | undefined;
  /** Read anew for each entry, since the object's own can be replaced. */
  readonly #clock: () => Clock;
  #floods: Map<FloodKind, Flood>;

  constructor(storage: DurableObjectStorage, tenant: string, events: EventLog | undefined, clock: () => Clock) {
    this.#storage = storage;
    this.#store = new AuditStore(storage.sql, tenant);
    this.#events = events;
    this.#clock = clock;
    this.#floods = this.#store.floods();
  }

  /** After rows were written or dropped past this trail. */
  reload(): void {
    this.#floods = this.#store.floods();
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
    { kind, id, traceparent }: AuditActor,
    action: AuditAction,
    { target, details = {} }: AuditNote,
    outcome: AuditEntry['outcome'] = 'succeeded',
  ): void {
    this.#append({ kind, id }, action, { target, details }, outcome);
    if (outcome !== 'succeeded' || !isEventType(action) || target === null) return;
    this.#events?.enter(action, { id: target, actor: { kind, id }, ...details } as EventData<EventType>, {
      ...scopeOf(target, details),
      traceparent,
    });
  }

  /** What was changed of agents' state in their own objects: those are events already. */
  enterStateChanges(events: readonly CarriedEvent[]): void {
    for (const event of events) {
      if (event.type !== 'agent.state_changed') continue;
      const { id: target, actor, part, item } = event.data;
      this.#append(actor, event.type, { target, details: { part, item } }, 'succeeded');
    }
  }

  /** `claimed`: whom the credential claimed to be. `times`: how often, where they were gathered. */
  enterAuthFailure(claimed: AuditActor, reason: string, times: number): void {
    this.#enterBounded('auth', claimed, 'auth.failed', { target: null, details: { reason, times } }, times);
  }

  /** Time, agent, action, input and context of an access to memory. */
  enterMemoryAccess(actor: AuditActor, { agentId, action, input, contextId }: MemoryAccess): void {
    const details = { action, input: input.slice(0, MaxAccessInput), context_id: contextId };
    this.enter(actor, 'memory.accessed', { target: agentId, details });
  }

  /** A good credential was refused what it asked for. */
  enterRefusal(actor: AuditActor, note: AuditNote): void {
    this.#enterBounded('admission', actor, 'admission.refused', note, 1);
  }

  #append(
    { kind, id }: AuditActor,
    action: AuditAction,
    { target, details = {} }: AuditNote,
    outcome: AuditEntry['outcome'],
  ): void {
    this.#store.append({ time: toIso(this.#clock().now()), actor: { kind, id }, action, target, outcome, details });
  }

  #enterBounded(kind: FloodKind, actor: AuditActor, action: AuditAction, note: AuditNote, times: number): void {
    const step = countAuthFailure(this.#floods.get(kind), this.#clock().now(), times);
    if (step.keep) {
      this.#storage.transactionSync(() => {
        if (step.ended) this.#enterCount(kind, step.ended);
        if (step.record) this.enter(actor, action, note, 'refused');
        this.#store.keepFlood(kind, step.flood);
      });
    }
    this.#floods.set(kind, step.flood);
  }

  list(query: AuditQuery): List<AuditEntry> {
    this.#endFloods();
    const canonical = (time: string | undefined) => (time === undefined ? undefined : toIso(Date.parse(time)));
    return this.#store.list({ ...query, from: canonical(query.from), to: canonical(query.to) });
  }

  page(after: number, limit: number): AuditPage {
    if (after === 0) this.#endFloods();
    return this.#store.page(after, Math.min(limit, MaxAuditPage));
  }

  #endFloods(): void {
    for (const [kind, flood] of this.#floods) {
      const ended = endFlood(flood, this.#clock().now());
      if (!ended) continue;
      const over = { ...ended, counted: 0 };
      this.#storage.transactionSync(() => {
        this.#enterCount(kind, ended);
        this.#store.keepFlood(kind, over);
      });
      this.#floods.set(kind, over);
    }
  }

  #enterCount(kind: FloodKind, { since, counted }: Flood): void {
    const details = { at_least: counted, since: toIso(since) };
    this.enter(systemActor, countActions[kind], { target: null, details }, 'refused');
  }
}

/** The agent and the environment that an entry names are what its event is about. */
function scopeOf(target: string, { agent, environment }: AuditDetails): EventScope {
  return {
    agent: isId('agent', target) ? target : typeof agent === 'string' ? agent : null,
    environment: (typeof environment === 'string' ? environment : null) as NonNullable<
      EventScope['environment']
    > | null,
  };
}
