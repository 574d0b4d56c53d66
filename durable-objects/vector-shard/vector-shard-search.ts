/**
 * The two lanes of a shard's search, over its store and the copy of the vectors in RAM that it keeps.
 * The copy is loaded at the first search and follows every write after its transaction; losing it costs time only.
 * Exact always: what the RAM budget leaves out is read and scored from SQLite.
 */
import type { VectorFilter } from '../../shared/store/vector-index.ts';
import { ResidentVectors } from './resident-vectors.ts';
import {
  BestK,
  chooseTerms,
  compileFilter,
  computeDot,
  computeFrequencyCap,
  formatMatchExpression,
  isZero,
  normalise,
  parseTerms,
  type Scored,
} from './vector-shard.ts';
import type { StoredVector, VectorShardStore } from './vector-shard-store.ts';

export type SearchScope = { readonly namespace?: string; readonly filter?: VectorFilter };

export class VectorShardSearch {
  readonly #store: VectorShardStore;
  readonly #maxResidentBytes: number | undefined;
  #resident: ResidentVectors | undefined;

  constructor(store: VectorShardStore, maxResidentBytes?: number) {
    this.#store = store;
    this.#maxResidentBytes = maxResidentBytes;
  }

  noteWritten(vectors: readonly StoredVector[]): void {
    for (const vector of vectors) {
      this.#resident?.remove(vector.id);
      this.#resident?.add({ ...vector, unit: normalise(vector.values) });
    }
  }

  noteDeleted(ids: readonly string[]): void {
    for (const id of ids) this.#resident?.remove(id);
  }

  /** The `k` vectors of the scope nearest to this one, best first. A vector of zeros is near to nothing. */
  findNearest(vector: Float32Array | readonly number[], scope: SearchScope, k: number): readonly Scored[] {
    const unit = normalise(vector);
    const resident = this.#load();
    if (!resident || isZero(unit)) return [];
    const namespace = scope.namespace ?? '';
    const accepts = compileFilter(scope.filter);
    const best = new BestK(k);
    resident.scan(unit, namespace, accepts, best);
    if (resident.spilledFrom === undefined) return best.toArray();
    for (const stored of this.#store.readFrom(resident.spilledFrom)) {
      if (stored.namespace !== namespace || (accepts && !accepts(stored.metadata))) continue;
      best.offer(stored.id, computeDot(normalise(stored.values), 0, unit));
    }
    return best.toArray();
  }

  /** The ids of the scope whose text holds a telling word of this one, best BM25 first. */
  findMatching(text: string, scope: SearchScope, k: number): readonly string[] {
    const cap = computeFrequencyCap(this.#store.count());
    const frequencies = parseTerms(text).map((term) => ({
      term,
      documents: this.#store.countPassages(formatMatchExpression([term]), cap),
    }));
    const terms = chooseTerms(frequencies, cap);
    const ids: string[] = [];
    if (terms.length === 0) return ids;
    const accepts = compileFilter(scope.filter);
    for (const hit of this.#store.searchPassages(formatMatchExpression(terms), scope.namespace ?? '')) {
      if (!accepts || accepts(hit.metadata)) ids.push(hit.id);
      if (ids.length === k) break;
    }
    return ids;
  }

  #load(): ResidentVectors | undefined {
    if (this.#resident) return this.#resident;
    const dimensions = this.#store.readDimensions();
    if (dimensions === 0) return undefined;
    const resident = new ResidentVectors(dimensions, this.#maxResidentBytes);
    for (const vector of this.#store.readFrom(0)) {
      resident.add({ ...vector, unit: normalise(vector.values) });
      if (resident.spilledFrom !== undefined) break;
    }
    this.#resident = resident;
    return resident;
  }
}
