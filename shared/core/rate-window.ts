/**
 * A sliding window of requests, counted in buckets of a second: within any sixty seconds no more than the limit pass.
 * Pure. A bucket counts until the last moment of its second has left the window, so the bound is never exceeded; a
 * bucket that lies in the future, because the clock was set back, counts as well.
 */
export const RateWindowSeconds = 60;

export type RateBucket = { readonly second: number; readonly count: number };

export type RateDecision =
  | { readonly kind: 'granted'; readonly requests: number; readonly second: number; readonly state: RateState }
  | { readonly kind: 'refused'; readonly retryAfterMs: number; readonly state: RateState };

/** What the rate headers say. */
export type RateState = { readonly limit: number; readonly remaining: number; readonly resetMs: number };

/** What one grant takes of what is left, where its holder may admit further requests of its own. */
const GrantShare = 8;

export function decideRate(buckets: readonly RateBucket[], limit: number, more: boolean, now: number): RateDecision {
  const second = Math.floor(now / 1000);
  const live = buckets.filter((bucket) => bucket.count > 0 && bucket.second >= second - RateWindowSeconds);
  const used = live.reduce((sum, { count }) => sum + count, 0);
  const left = limit - used;
  const leavesAt = (bucket: RateBucket) => Math.max(0, (bucket.second + 1 + RateWindowSeconds) * 1000 - now);
  if (left <= 0) {
    const oldest = live.reduce((first, bucket) => (bucket.second < first.second ? bucket : first));
    return {
      kind: 'refused',
      retryAfterMs: leavesAt(oldest),
      state: { limit, remaining: 0, resetMs: leavesAt(newest(live)) },
    };
  }
  const requests = more ? Math.max(1, Math.floor(left / GrantShare)) : 1;
  const resetMs = RateWindowSeconds * 1000;
  return { kind: 'granted', requests, second, state: { limit, remaining: left - requests, resetMs } };
}

function newest(buckets: readonly RateBucket[]): RateBucket {
  return buckets.reduce((last, bucket) => (bucket.second > last.second ? bucket : last));
}
