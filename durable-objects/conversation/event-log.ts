/**
 * The event log of one response. An event is numbered, stored, confirmed on disk, and only then shown: what a client
 * has seen can always be read again from its number on. The first of a burst goes out at once; what follows within a
 * few milliseconds shares one write, so a fast model costs no more than a slow one.
 */
import type { ResponseId } from '../../shared/core/ids.ts';
import type { ResponseEvent } from '../../shared/contracts/responses.ts';
import type { ConversationStore } from './conversation-store.ts';

/** Far below what a reader can notice, far above what a write takes. */
const GatherMs = 8;

export class EventLog {
  readonly #responseId: ResponseId;
  readonly #store: ConversationStore;
  readonly #storage: DurableObjectStorage;
  readonly #onShow: () => void;
  readonly #frames: string[];
  #written: number;
  #shown: number;
  #over = false;
  #isFlushing = false;
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
    this.#shown = past.length;
    this.#changed = this.#nextChange();
  }

  get length(): number {
    return this.#frames.length;
  }

  /** No further event will come. */
  get isOver(): boolean {
    return this.#over;
  }

  append(events: readonly ResponseEvent[]): void {
    this.stage(events);
    if (!this.#isFlushing) void this.#flush();
  }

  /** Appends events without showing them: they go with what is written next. */
  stage(events: readonly ResponseEvent[]): void {
    for (const event of events) this.#frames.push(JSON.stringify({ ...event, sequence_number: this.#frames.length }));
  }

  /** Appends events in one transaction with what they mean, and shows them once that is on disk. */
  async checkpoint(events: readonly ResponseEvent[], commit: () => void): Promise<void> {
    this.stage(events);
    this.#storage.transactionSync(() => {
      this.#write();
      commit();
    });
    const written = this.#written;
    await this.#storage.sync();
    this.#show(written);
  }

  /** Appends the last events in one transaction with what they mean, and closes the log. */
  async finish(events: readonly ResponseEvent[], commit: () => void): Promise<void> {
    this.stage(events);
    this.#storage.transactionSync(() => {
      this.#write();
      commit();
    });
    await this.#storage.sync();
    this.#over = true;
    this.#show(this.#written);
  }

  /** Confirmed frames from number `from` on. */
  read(from: number): readonly string[] {
    return this.#frames.slice(from, this.#shown);
  }

  /** Resolves when there is more to read or the log is over. */
  changed(): Promise<void> {
    return this.#changed;
  }

  async #flush(): Promise<void> {
    this.#isFlushing = true;
    try {
      while (this.#written < this.#frames.length) {
        this.#write();
        const confirmed = this.#written;
        await this.#storage.sync();
        this.#show(confirmed);
        await new Promise((resolve) => setTimeout(resolve, GatherMs));
      }
    } catch {
      // What could not be written is tried again by the next append, and at the latest by finish, which reports it.
    } finally {
      this.#isFlushing = false;
    }
  }

  #write(): void {
    const fresh = this.#frames.slice(this.#written);
    if (fresh.length === 0) return;
    this.#store.addFrames(this.#responseId, this.#written, fresh);
    this.#written += fresh.length;
  }

  #show(upTo: number): void {
    this.#shown = Math.max(this.#shown, upTo);
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
