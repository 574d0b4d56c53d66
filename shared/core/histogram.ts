/**
 * Histograms that merge: how many values fell into each of many buckets, every bucket 3.9 % wider than the one before. So a
 * percentile is right to 2 % of itself, however many histograms were merged into the one that is asked. Pure, plain data: the
 * same object counts in an isolate, crosses RPC and lies in a database as JSON.
 */
export type Histogram = {
  count: number;
  sum: number;
  /** By bucket. Bucket 0 is for what is as good as nothing; bucket n ends at `Least * Growth ** n`. */
  readonly buckets: Record<number, number>;
};

const Growth = 1.039;
const Least = 0.01;
/** Ends above ten days, where the unit is a millisecond. */
const LastBucket = Math.ceil(Math.log(1e9 / Least) / Math.log(Growth));
/** What a bucket is told as: nothing in it is further away than 2 %. */
const Middle = 2 / (Growth + 1);

export function emptyHistogram(): Histogram {
  return { count: 0, sum: 0, buckets: {} };
}

/** A negative value, of a clock that was set back, counts as nothing. */
export function addValue(histogram: Histogram, value: number, times = 1): void {
  const bucket = bucketOf(value);
  histogram.count += times;
  histogram.sum += Math.max(0, value) * times;
  histogram.buckets[bucket] = (histogram.buckets[bucket] ?? 0) + times;
}

export function addHistogram(to: Histogram, other: Histogram): void {
  to.count += other.count;
  to.sum += other.sum;
  for (const [bucket, count] of Object.entries(other.buckets)) {
    to.buckets[Number(bucket)] = (to.buckets[Number(bucket)] ?? 0) + count;
  }
}

/** The value that a share of all values do not exceed, by nearest rank; null where there is none. */
export function percentileOf({ count, buckets }: Histogram, share: number): number | null {
  if (count === 0) return null;
  let left = Math.max(1, Math.ceil(share * count));
  let last = 0;
  // Whole numbers as keys: in ascending order, whatever order they came in.
  for (const [bucket, counted] of Object.entries(buckets)) {
    last = Number(bucket);
    left -= counted;
    if (left <= 0) break;
  }
  return last === 0 ? 0 : Least * Growth ** last * Middle;
}

/** How many values do not exceed each of the bounds; right where a bound is not within 2 % of a value. */
export function countsUpTo({ buckets }: Histogram, bounds: readonly number[]): number[] {
  const counted = Object.entries(buckets).map(([bucket, count]) => [Number(bucket), count] as const);
  return bounds.map((bound) => {
    const last = bucketOf(bound);
    return counted.reduce((sum, [bucket, count]) => (bucket <= last ? sum + count : sum), 0);
  });
}

function bucketOf(value: number): number {
  if (!(value > Least)) return 0;
  return Math.min(LastBucket, Math.ceil(Math.log(value / Least) / Math.log(Growth)));
}
