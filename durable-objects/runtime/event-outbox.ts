/**
 * How an object of a tenant raises events: `enter` in the transaction of what has happened, `deliver` after it. What the
 * tenant's object has not taken stays and is delivered again, with the same id; its object's alarm sees to it.
 */
import { mintId } from '../../shared/core/ids.ts';
import { ok, type Result } from '../../shared/core/result.ts';
import type { CarriedEvent, EventDraft } from '../../shared/contracts/events.ts';
import type { Duty } from './alarm-scheduler.ts';
import { OutboxStore } from './outbox-store.ts';

const BatchSize = 200;
/** Events are delivered at once; this is for those that were not. */
const DeliverLaterMs = 5_000;

export class EventOutbox {
  readonly #store: OutboxStore;
  readonly #now: () => number;
  readonly #carry: (events: readonly CarriedEvent[]) => Promise<Result<unknown>>;
  readonly #entered: (event: CarriedEvent) => void;
  #delivering: Promise<Result<undefined>> | undefined;
  #deliverAt: number | undefined;
  /** For the alarm of an object with several duties. */
  readonly duty: Duty = {
    name: 'events',
    dueAt: () => (this.isEmpty ? (this.#deliverAt = undefined) : (this.#deliverAt ??= this.#now() + DeliverLaterMs)),
    run: async () => {
      const delivered = await this.deliver();
      if (!delivered.ok) throw new Error(delivered.failure.reason ?? delivered.failure.message);
    },
  };

  /** `entered`: told of each event in the transaction that enters it. */
  constructor(
    sql: SqlStorage,
    now: () => number,
    carry: (events: readonly CarriedEvent[]) => Promise<Result<unknown>>,
    entered: (event: CarriedEvent) => void = () => {},
  ) {
    this.#store = new OutboxStore(sql);
    this.#now = now;
    this.#carry = carry;
    this.#entered = entered;
  }

  get isEmpty(): boolean {
    return this.#store.isEmpty();
  }

  /** Inside the transaction of what has happened. */
  enter(...drafts: readonly EventDraft[]): void {
    const at = this.#now();
    const events = drafts.map((draft) => ({ ...draft, id: mintId('event', at), at }));
    this.#store.put(events);
    for (const event of events) this.#entered(event);
  }

  /** Until nothing is left, or the tenant's object does not take it. */
  async deliver(): Promise<Result<undefined>> {
    while (this.#delivering) await this.#delivering;
    this.#delivering = this.#deliverAll();
    try {
      return await this.#delivering;
    } finally {
      this.#delivering = undefined;
    }
  }

  async #deliverAll(): Promise<Result<undefined>> {
    for (;;) {
      const events = this.#store.first(BatchSize);
      if (events.length === 0) return ok();
      const carried = await this.#carry(events);
      if (!carried.ok) return carried;
      this.#store.remove(events.map(({ id }) => id));
    }
  }
}
