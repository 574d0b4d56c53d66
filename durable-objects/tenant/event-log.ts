/**
 * A tenant's event log: what happened, in order, for streams, sockets and webhooks. It is the outbox of the tenant's own
 * object: whoever changes something enters the event in the same transaction, so neither is ever there without the other.
 * Events of the tenant's other objects come in by `carry`, at least once, and are in once: their ids are their own.
 */
import type { Clock } from '../../shared/core/clock.ts';
import { mintId } from '../../shared/core/ids.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type {
  CarriedEvent,
  EventData,
  EventDraft,
  EventFilter,
  EventQuery,
  EventType,
  PlatformEvent,
} from '../../shared/contracts/events.ts';
import { EventStore, type PlacedEvent } from './event-store.ts';

/** Whom an event is about, beside its data: what listeners filter by; and from which span it comes. */
export type EventScope = Pick<EventDraft, 'agent' | 'environment' | 'traceparent'>;

const DayMs = 24 * 60 * 60 * 1000;
export const DefaultRetentionDays = 30;
/** Newer ones are kept whatever their number; of older ones, at most so many. */
export const MaxEvents = 250_000;
const PruneBatch = 5_000;

export class EventLog {
  readonly #store: EventStore;
  readonly #clock: () => Clock;
  readonly #entered: () => void;
  #told = false;

  /** `entered`: called once after the transaction that entered something, in the same turn of the object. */
  constructor(sql: SqlStorage, clock: () => Clock, entered: () => void = () => {}) {
    this.#store = new EventStore(sql);
    this.#clock = clock;
    this.#entered = entered;
  }

  /** Inside the transaction of what has happened. Returns the event's id. */
  enter<T extends EventType>(type: T, data: EventData<T>, scope: EventScope = {}): string {
    const now = this.#clock().now();
    const id = mintId('event', now);
    this.#store.add(id, now, { ...scope, type, data } as unknown as EventDraft);
    this.wake();
    return id;
  }

  /** From another object of this tenant. Returns those that were not in yet. */
  carry<E extends CarriedEvent>(events: readonly E[]): E[] {
    const fresh = events.filter(({ id, at, ...draft }) => this.#store.add(id, at, draft as unknown as EventDraft));
    if (fresh.length > 0) this.wake();
    return fresh;
  }

  list({ limit, cursor, ...filter }: EventQuery): List<PlatformEvent> {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number.parseInt(cursor, 10);
    const placed = this.#store.before(Number.isSafeInteger(before) ? before : 0, filter, limit + 1);
    const list = toList(placed, limit, ({ position }) => String(position));
    return { ...list, data: list.data.map(({ event }) => event) };
  }

  after(position: number, filter: EventFilter, limit: number): PlacedEvent[] {
    return this.#store.after(position, filter, limit);
  }

  /** Where the events since a time begin, and those up to a time end. Undefined where there is none. */
  span(since: number, until: number): { readonly first: number; readonly last: number } | undefined {
    return this.#store.span(since, until);
  }

  head(): number {
    return this.#store.head();
  }

  /** The position from which somebody goes on who has seen an event; undefined where that one is not kept any more. */
  positionOf(id: string): number | undefined {
    return this.#store.positionOf(id);
  }

  /** Where a listener begins who has seen nothing: now, or where `since` says. */
  startOf({ since }: EventFilter): number {
    return since === undefined ? this.head() : 0;
  }

  /** When the oldest event is to go. Nothing goes that a receiver (`held`: the position before its next) still waits for. */
  pruneDueAt(days: number, held: number): number | undefined {
    const oldest = this.#store.oldest();
    if (!oldest || oldest.position > held) return undefined;
    return this.#store.head() - oldest.position < MaxEvents ? oldest.at + days * DayMs : oldest.at;
  }

  prune(days: number, held: number): void {
    this.#store.prune(held, this.#clock().now() - days * DayMs, MaxEvents, PruneBatch);
  }

  /** Tells those who look after events that there is something to do. */
  wake(): void {
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      this.#entered();
    });
  }
}
