/**
 * Answers that were given before, in memory alone: bounded by bytes, the one that was asked for longest ago goes first,
 * and none is given after its time. Whose an answer is, is part of its key: see `cache-key.ts`.
 */
import type { Clock } from '../shared/core/clock.ts';

/** What an answer costs besides its characters: its key and the map's own. */
const EntryBytes = 256;
/** One answer may have this share of the whole. */
const MaxShare = 1 / 16;

export type CacheLimits = {
  /** 0 keeps nothing. */
  readonly maxBytes: number;
  readonly ttlMs: number;
};

type Entry = { readonly answer: string; readonly bytes: number; readonly expiresAt: number };

export class ResponseCache {
  readonly #limits: CacheLimits;
  readonly #clock: Clock;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(limits: CacheLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  find(key: string): string | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#drop(key, entry);
    if (this.#clock.now() >= entry.expiresAt) return undefined;
    this.#add(key, entry);
    return entry.answer;
  }

  keep(key: string, answer: string): void {
    const { maxBytes, ttlMs } = this.#limits;
    // A string may take two bytes for each of its characters.
    const bytes = answer.length * 2 + EntryBytes;
    if (bytes > maxBytes * MaxShare) return;
    const before = this.#entries.get(key);
    if (before) this.#drop(key, before);
    this.#add(key, { answer, bytes, expiresAt: this.#clock.now() + ttlMs });
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= maxBytes) return;
      this.#drop(oldest, entry);
    }
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}
