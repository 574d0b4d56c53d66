/**
 * The rules of a vector shard: cosine scores, metadata filters, the best k, the terms of a full-text query, fusion.
 * Pure: no storage, no clock, no Cloudflare type. Order is total (score, then id), so the same data always
 * gives the same answer, whatever the order in which it was loaded.
 */
import type { VectorFilter, VectorMetadata, VectorMetadataValue } from '../../shared/store/vector-index.ts';

/** The constant of reciprocal rank fusion. */
const FusionK = 60;
const MaxTerms = 32;
const MaxTermChars = 64;
/** A query's terms may cover so much of the corpus; the commonest beyond it say nothing and cost most. */
const CoveredShare = 0.05;
const CoveredMinimum = 500;

export type Scored = { readonly id: string; readonly score: number };

/** A copy with length 1; a vector of zeros stays one, and its cosine with anything is 0. */
export function normalise(values: Float32Array | readonly number[]): Float32Array<ArrayBuffer> {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]! * values[at]!;
  const scale = sum === 0 ? 0 : 1 / Math.sqrt(sum);
  const unit = new Float32Array(values.length);
  for (let at = 0; at < values.length; at++) unit[at] = values[at]! * scale;
  return unit;
}

export function isZero(vector: Float32Array): boolean {
  return vector.every((value) => value === 0);
}

/** The dot product of `query` and the row of `matrix` at `offset`. */
export function computeDot(matrix: Float32Array, offset: number, query: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < query.length; at++) sum += matrix[offset + at]! * query[at]!;
  return sum;
}

/** Four rows at once: four independent sums keep the pipeline full. Each is the very number that computeDot gives. */
export function computeFourDots(
  matrix: Float32Array,
  offsets: readonly [number, number, number, number],
  query: Float32Array,
  sums: Float64Array,
): void {
  const [o0, o1, o2, o3] = offsets;
  const length = query.length;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let at = 0; at < length; at++) {
    const value = query[at]!;
    s0 += matrix[o0 + at]! * value;
    s1 += matrix[o1 + at]! * value;
    s2 += matrix[o2 + at]! * value;
    s3 += matrix[o3 + at]! * value;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

/** Keeps the best `k` of what it is offered. `floor` is the score below which an offer is in vain. */
export class BestK {
  readonly #k: number;
  readonly #best: Scored[] = [];
  floor = -Infinity;

  constructor(k: number) {
    this.#k = k;
  }

  offer(id: string, score: number): void {
    const entry = { id, score };
    const last = this.#best[this.#k - 1];
    if (last && compareScored(last, entry) <= 0) return;
    let low = 0;
    let high = this.#best.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareScored(this.#best[middle]!, entry) < 0) low = middle + 1;
      else high = middle;
    }
    this.#best.splice(low, 0, entry);
    if (this.#best.length > this.#k) this.#best.pop();
    if (this.#best.length === this.#k) this.floor = this.#best[this.#k - 1]!.score;
  }

  toArray(): readonly Scored[] {
    return this.#best;
  }
}

function compareScored(a: Scored, b: Scored): number {
  return b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

export type MetadataPredicate = (metadata: VectorMetadata | undefined) => boolean;

/** Expects a validated filter. Only own members count, and a vector without the member matches no comparison. */
export function compileFilter(filter: VectorFilter | undefined): MetadataPredicate | undefined {
  if (filter === undefined) return undefined;
  const tests = Object.entries(filter).map(([key, condition]) => {
    const holds = compileCondition(condition);
    return (metadata: VectorMetadata) => Object.hasOwn(metadata, key) && holds(metadata[key]!);
  });
  return (metadata) => metadata !== undefined && tests.every((test) => test(metadata));
}

function compileCondition(condition: VectorFilter[string]): (value: VectorMetadataValue) => boolean {
  if (typeof condition !== 'object') return (value) => value === condition;
  const { $eq, $ne, $in, $nin, $lt, $lte, $gt, $gte } = condition;
  const hasBound = $lt !== undefined || $lte !== undefined || $gt !== undefined || $gte !== undefined;
  return (value) => {
    if ($eq !== undefined && value !== $eq) return false;
    if ($ne !== undefined && value === $ne) return false;
    if ($in !== undefined && !$in.includes(value)) return false;
    if ($nin !== undefined && $nin.includes(value)) return false;
    if (!hasBound) return true;
    if (typeof value !== 'number') return false;
    return !(
      value >= ($lt ?? Infinity) ||
      value > ($lte ?? Infinity) ||
      value <= ($gt ?? -Infinity) ||
      value < ($gte ?? -Infinity)
    );
  };
}

/** The distinct words of a text: letters, digits and marks, so nothing in them can be an operator of FTS5. */
export function parseTerms(text: string): readonly string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
  return [...new Set(words.filter((word) => word.length <= MaxTermChars))].slice(0, MaxTerms);
}

/** Up to how many documents a term's frequency is worth counting. */
export function computeFrequencyCap(documents: number): number {
  return Math.max(CoveredMinimum, Math.ceil(documents * CoveredShare));
}

/** The rarest terms, as long as they cover no more than the cap; always one, when there is one that occurs. */
export function chooseTerms(
  frequencies: readonly { readonly term: string; readonly documents: number }[],
  cap: number,
): readonly string[] {
  const rarestFirst = frequencies
    .filter(({ documents }) => documents > 0)
    .toSorted((a, b) => a.documents - b.documents);
  let covered = 0;
  return rarestFirst
    .filter(({ documents }, place) => (covered += documents) <= cap || place === 0)
    .map(({ term }) => term);
}

/** An FTS5 expression that matches any of the terms. Each is a quoted string and can hold no quote. */
export function formatMatchExpression(terms: readonly string[]): string {
  return terms.map((term) => `"${term}"`).join(' OR ');
}

/** Reciprocal rank fusion of ranked lanes, each best first. */
export function fuseRanks(lanes: readonly (readonly string[])[], topK: number): readonly Scored[] {
  const scores = new Map<string, number>();
  for (const lane of lanes) {
    for (const [rank, id] of lane.entries()) scores.set(id, (scores.get(id) ?? 0) + 1 / (FusionK + rank + 1));
  }
  return [...scores]
    .map(([id, score]) => ({ id, score }))
    .sort(compareScored)
    .slice(0, topK);
}
