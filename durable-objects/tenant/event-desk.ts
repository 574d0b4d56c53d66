/** The desk of a tenant's event log: it is read over RPC, and the tenant's other objects carry their events to it. */
import { RpcTarget } from 'cloudflare:workers';
import type { Principal } from '../../shared/core/principal.ts';
import { ok, type Result } from '../../shared/core/result.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { CarriedEvent, EventFilter, EventQuery, PlatformEvent } from '../../shared/contracts/events.ts';
import type { ObjectSize } from './estate-store.ts';
import type { EventFeed } from './event-feed.ts';
import type { EventLog } from './event-log.ts';

export class EventDesk extends RpcTarget {
  readonly #storage: DurableObjectStorage;
  readonly #log: EventLog;
  readonly #feed: EventFeed;
  readonly #isThere: () => boolean;
  readonly #taken: (events: readonly CarriedEvent[], from?: ObjectSize) => void;

  /** `taken`: told of what is new of the tenant's other objects, in the transaction that enters it, and from whom. */
  constructor(
    storage: DurableObjectStorage,
    log: EventLog,
    feed: EventFeed,
    isThere: () => boolean,
    taken: (events: readonly CarriedEvent[], from?: ObjectSize) => void,
  ) {
    super();
    this.#isThere = isThere;
    this.#storage = storage;
    this.#log = log;
    this.#feed = feed;
    this.#taken = taken;
  }

  list(query: EventQuery): List<PlatformEvent> {
    return this.#log.list(query);
  }

  /**
   * Entered when this returns; to be called until it has. A tenant that was deleted takes in nothing more. `from`: whose
   * they are, and how large it is now.
   */
  carry(events: readonly CarriedEvent[], from?: ObjectSize): void {
    if (!this.#isThere()) return;
    this.#storage.transactionSync(() => this.#taken(this.#log.carry(events), from));
  }

  /** Server-sent events from the one after `lastEventId` on, or from now on. */
  stream(reader: Principal, filter: EventFilter, lastEventId: string | undefined): Result<ReadableStream<Uint8Array>> {
    return ok(this.#feed.stream(reader, filter, lastEventId));
  }
}
