/**
 * The event log of one response. Every event has a number, without gap or repeat. An event that says something new (an
 * item, a state, an end) is stored, confirmed on disk, and only then shown. A fragment of an open item is shown at once,
 * and stored with those that follow it: the numbers that may be used so are reserved on disk before. What was shown and
 * died with its process is thereby known by its numbers, and `Turn.fillIn` takes it back (docs/turns.md).
 */
import type { ResponseId } from '../../shared/core/ids.ts';
import type { ResponseEvent } from '../../shared/contracts/responses.ts';
import type { ConversationStore } from './conversation-store.ts';

/** What follows within this time shares one write: far below what a reader can notice, far above what a write takes. */
const GatherMs = 8;
/** So long a fragment that was shown waits for its write. */
const StoreEveryMs = 1_000;
/** Numbers reserved by a write: twice what came since the one before, within these. */
const LeastReserved = 32;
const MostReserved = 256;

const fragments: ReadonlySet<ResponseEvent['type']> = new Set([
  'response.output_text.delta',
  'response.function_call_arguments.delta',
  'response.mcp_call_arguments.delta',
]);

export class EventLog {
  readonly #responseId: ResponseId;
  readonly #store: ConversationStore;
  readonly #storage: DurableObjectStorage;
  readonly #onShow: () => void;
  readonly #frames: string[];
  #written: number;
  #confirmed: number;
  #shown: number;
  /** One past the last event that is not a fragment. */
  #firm: number;
  /** Fragments below this number may be shown before they are stored; and what it is once the last write is confirmed. */
  #reserved: number;
  #promised: number;
  #over = false;
  #isFlushing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wake: () => void = () => {};
  #changed: Promise<void>;

  /** `past`: frames that an earlier isolate stored; numbering goes on after them. */
  constructor(
    responseId: ResponseId,
    store: ConversationStore,
    storage: DurableObjectStorage,
    past: readonly string[],
    onShow: () => void = () => {},
  ) {
    this.#responseId = responseId;
    this.#store = store;
    this.#storage = storage;
    this.#onShow = onShow;
    this.#frames = [...past];
    this.#written = past.length;
    this.#confirmed = past.length;
    this.#shown = past.length;
    this.#firm = past.length;
    this.#reserved = past.length;
    this.#promised = past.length;
    this.#changed = this.#nextChange();
  }

  get length(): number {
    return this.#frames.length;
  }

  /** No further event will come. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Appends events that are shown once they are on disk. */
  append(events: readonly ResponseEvent[]): void {
    this.stage(events);
    void this.#flush();
  }

  /** Appends what a model says while it says it: fragments are shown at once, where their numbers are reserved. */
  stream(events: readonly ResponseEvent[]): void {
    for (const event of events) {
      this.#push(event);
      if (!fragments.has(event.type)) this.#firm = this.#frames.length;
    }
    this.#show();
    if (this.#shown < this.#frames.length) void this.#flush();
    else this.#timer ??= setTimeout(() => void this.#flush(), StoreEveryMs);
  }

  /** Appends events without showing them: they go with what is written next. */
  stage(events: readonly ResponseEvent[]): void {
    for (const event of events) this.#push(event);
    if (events.length > 0) this.#firm = this.#frames.length;
  }

  /** As `checkpoint`, for the first events of all: what cannot be written is thrown at once. */
  begin(events: readonly ResponseEvent[], commit: () => void): void {
    this.stage(events);
    this.#storage.transactionSync(() => {
      commit();
      this.#write();
    });
    void this.#confirm().catch(() => {});
  }

  /** Appends events in one transaction with what they mean, and shows them once that is on disk. */
  async checkpoint(events: readonly ResponseEvent[], commit: () => void): Promise<void> {
    this.stage(events);
    this.#storage.transactionSync(() => {
      this.#write();
      commit();
    });
    await this.#confirm();
  }

  /** Appends the last events in one transaction with what they mean, and closes the log. */
  async finish(events: readonly ResponseEvent[], commit: () => void): Promise<void> {
    this.stage(events);
    this.#storage.transactionSync(() => {
      this.#write();
      commit();
    });
    await this.#storage.sync();
    this.#confirmed = this.#written;
    this.#close();
  }

  /** Nothing more is written by this log, and its readers come back: another one goes on from the disk. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#close();
  }

  /** Frames from number `from` on, as far as they may be shown. */
  read(from: number): readonly string[] {
    return this.#frames.slice(from, this.#shown);
  }

  /** Resolves when there is more to read or the log is over. */
  changed(): Promise<void> {
    return this.#changed;
  }

  #push(event: ResponseEvent): void {
    this.#frames.push(JSON.stringify({ ...event, sequence_number: this.#frames.length }));
  }

  /** Writes what has come, and again until nothing waits to be shown. */
  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      do {
        if (this.#over) return;
        this.#write();
        await this.#confirm();
        await new Promise((resolve) => setTimeout(resolve, GatherMs));
      } while (this.#shown < this.#frames.length);
    } catch {
      // What could not be written is tried again by the next append, and at the latest by finish, which reports it.
    } finally {
      this.#isFlushing = false;
    }
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const fresh = this.#frames.slice(this.#written);
    if (fresh.length === 0) return;
    const end = this.#written + fresh.length;
    const isOpen = this.#firm < end;
    this.#promised = isOpen ? end + Math.min(Math.max(LeastReserved, 2 * fresh.length), MostReserved) : end;
    this.#store.addFrames(this.#responseId, this.#written, fresh, this.#promised);
    this.#written = end;
    // Until it is known which of both reservations is on disk, each has to cover what is shown.
    this.#reserved = Math.min(this.#reserved, this.#promised);
  }

  async #confirm(): Promise<void> {
    const written = this.#written;
    await this.#storage.sync();
    this.#confirmed = Math.max(this.#confirmed, written);
    if (written === this.#written) this.#reserved = this.#promised;
    this.#show();
  }

  /** All that is confirmed, and fragments after it whose numbers are reserved. */
  #show(): void {
    const fragmentsEnd = this.#confirmed < this.#firm ? 0 : Math.min(this.#frames.length, this.#reserved);
    const end = Math.max(this.#confirmed, fragmentsEnd);
    if (end <= this.#shown) return;
    this.#shown = end;
    this.#notify();
  }

  #close(): void {
    this.#over = true;
    this.#shown = Math.max(this.#shown, this.#confirmed);
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#changed = this.#nextChange();
    wake();
    this.#onShow();
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
