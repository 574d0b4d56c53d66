/**
 * Vectors of queries that a node has embedded, so that the same question asks it once. Per tenant, space and text; kept
 * under a hash, without the text; bounded in number and time, the longest unused goes first.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { TenantId } from '../core/ids.ts';

export type CachedQuery = { readonly tenant: TenantId; readonly space: string; readonly text: string };
type Kept = { readonly at: number; readonly vector: Float32Array };

const MaxQueries = 1_000;
/** A model may be replaced by another one under its name. */
const TtlMs = 10 * 60_000;

export class QueryCache {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock, max = MaxQueries) {
    this.#clock = clock;
    this.#max = max;
  }

  get size(): number {
    return this.#kept.size;
  }

  find(query: CachedQuery): Float32Array | undefined {
    const key = keyOf(query);
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    this.#kept.delete(key);
    const age = this.#clock.now() - kept.at;
    if (age < 0 || age >= TtlMs) return undefined;
    this.#kept.set(key, kept);
    return kept.vector;
  }

  keep(query: CachedQuery, vector: Float32Array): void {
    const key = keyOf(query);
    this.#kept.delete(key);
    if (this.#kept.size >= this.#max) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(key, { at: this.#clock.now(), vector });
  }
}

function keyOf({ tenant, space, text }: CachedQuery): string {
  return createHash('sha256')
    .update(JSON.stringify([tenant, space, text]))
    .digest('base64');
}
