/**
 * The rules of a vector shard: exact scores, metadata filters, the best k, the terms of a full-text query.
 * Pure: no storage, no clock, no Cloudflare type. Order is total (score, then id), so the same data always
 * gives the same answer, whatever the order in which it was loaded.
 */
import {
  compareRanked,
  type VectorFilter,
  type VectorMetadata,
  type VectorMetric,
} from '../../shared/store/vector-index.ts';

/** A query's terms may cover so much of the corpus; the commonest beyond it say nothing and cost most. */
const CoveredShare = 0.05;
const CoveredMinimum = 500;
/** A term that occurs in so many times more documents than are ranked is noise. */
const NoiseFactor = 4;

export type Scored = { readonly id: string; readonly score: number };

export function isZero(vector: Float32Array): boolean {
  return vector.every((value) => value === 0);
}

export function computeNorm(values: Float32Array): number {
  let squares = 0;
  for (let at = 0; at < values.length; at++) squares += values[at]! * values[at]!;
  return Math.sqrt(squares);
}

/** How a score is compared: the higher the better, so a distance counts as its negative. */
export function computeRank(metric: VectorMetric, query: Float32Array, values: Float32Array): number {
  let dot = 0;
  let squares = 0;
  let distance = 0;
  for (let at = 0; at < query.length; at++) {
    const value = values[at]!;
    const gap = query[at]! - value;
    dot += query[at]! * value;
    squares += value * value;
    distance += gap * gap;
  }
  if (metric === 'euclidean') return -Math.sqrt(distance);
  return metric === 'dot' || squares === 0 ? dot : dot / Math.sqrt(squares);
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
    if (last && compareRanked(last, entry) <= 0) return;
    let low = 0;
    let high = this.#best.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareRanked(this.#best[middle]!, entry) < 0) low = middle + 1;
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

export type MetadataPredicate = (metadata: VectorMetadata | undefined) => boolean;

type Value = VectorMetadata[string];
export type Condition = VectorFilter[string];

/** Expects a validated filter. Only own members count, and a vector without the member matches no comparison. */
export function compileFilter(filter: VectorFilter | undefined): MetadataPredicate | undefined {
  if (filter === undefined) return undefined;
  const tests = Object.entries(filter).map(([key, condition]) => {
    const holds = compileCondition(condition);
    return (metadata: VectorMetadata) => Object.hasOwn(metadata, key) && holds(metadata[key]!);
  });
  return (metadata) => metadata !== undefined && tests.every((test) => test(metadata));
}

/** Whether a member's value meets a condition. A list is equal to what it contains; an empty one is no member. */
export function compileCondition(condition: Condition): (value: Value) => boolean {
  const { $eq, $ne, $in, $nin, $lt, $lte, $gt, $gte } = toComparison(condition);
  const hasBound = $lt !== undefined || $lte !== undefined || $gt !== undefined || $gte !== undefined;
  return (value) => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (values.length === 0) return false;
    if ($eq !== undefined && !values.includes($eq)) return false;
    if ($ne !== undefined && values.includes($ne)) return false;
    if ($in !== undefined && !$in.some((wanted) => values.includes(wanted))) return false;
    if ($nin !== undefined && $nin.some((unwanted) => values.includes(unwanted))) return false;
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

export function toComparison(condition: Condition): Exclude<Condition, string | number | boolean> {
  return typeof condition === 'object' ? condition : { $eq: condition };
}

/** `documents`: how many hold the term; Infinity where it is noise. */
export type TermFrequency = { readonly term: string; readonly documents: number };
/** Of `common` terms each occurs so often that alone it tells little. */
export type ChosenTerms = { readonly terms: readonly string[]; readonly areCommon: boolean };

/** How many documents are worth ranking for a query. */
export function computeFrequencyCap(documents: number): number {
  return Math.max(CoveredMinimum, Math.ceil(documents * CoveredShare));
}

/** Up to how many documents a term's frequency is worth counting: beyond it says nothing. */
export function computeNoise(documents: number): number {
  return NoiseFactor * computeFrequencyCap(documents);
}

/**
 * The rarest terms, as long as they cover no more than the cap. Where even the rarest one goes beyond, all that are no
 * noise, and where there is nothing else the noise.
 */
export function chooseTerms(frequencies: readonly TermFrequency[], corpus: number): ChosenTerms {
  const cap = computeFrequencyCap(corpus);
  const rarestFirst = frequencies
    .filter(({ documents }) => documents > 0)
    .toSorted((a, b) => a.documents - b.documents);
  let covered = 0;
  const telling = rarestFirst.filter(({ documents }) => (covered += documents) <= cap);
  if (telling.length > 0) return { terms: telling.map(({ term }) => term), areCommon: false };
  const common = rarestFirst.filter(({ documents }) => documents < Infinity);
  return { terms: (common.length > 0 ? common : rarestFirst).map(({ term }) => term), areCommon: true };
}
