/**
 * A sliding window of requests or tokens, counted in buckets of a second: within any sixty seconds no more than the
 * limit is used. Pure. A bucket counts until the last of what it was granted for has left the window, so the bound is
 * never exceeded; a bucket that lies in the future, because the clock was set back, counts as well.
 */
export const RateWindowSeconds = 60;

/** A grant is used within a second of its making, and was made within the second of its bucket. */
const BucketLifeSeconds = RateWindowSeconds + 2;

export type RateBucket = { readonly second: number; readonly count: number };

/** What has been used of one limit. */
export type RateMeter = { readonly buckets: readonly RateBucket[]; readonly limit: number };

export type RateDecision =
  | { readonly kind: 'granted'; readonly amount: number; readonly second: number; readonly state: RateState }
  /** Refused for now, or for ever where no time is given: more is needed than the limit. */
  | { readonly kind: 'refused'; readonly retryAfterMs?: number; readonly state: RateState };

/** What the rate headers say. */
export type RateState = { readonly limit: number; readonly remaining: number; readonly resetMs: number };
/** Of each measure that is limited, the tightest. */
export type RateStates = { readonly requests?: RateState; readonly tokens?: RateState };

/** What one grant takes of what is left, where its holder may admit further requests of its own. */
export const GrantShare = 8;

/** Decides over all limits that bind the caller at once: what passes, passes each of them. */
export function decideRate(meters: readonly RateMeter[], need: number, more: boolean, now: number): RateDecision {
  const second = Math.floor(now / 1000);
  const seen = meters.map((meter) => look(meter, second, now));
  const short = seen.filter(({ left }) => left < need);
  if (short.length > 0) {
    const worst = short.reduce((a, b) => (waitFor(b, need, now) > waitFor(a, need, now) ? b : a));
    const wait = waitFor(worst, need, now);
    const state = { limit: worst.limit, remaining: Math.max(0, worst.left), resetMs: worst.resetMs };
    return Number.isFinite(wait) ? { kind: 'refused', retryAfterMs: wait, state } : { kind: 'refused', state };
  }
  const tightest = seen.reduce((a, b) => (b.left < a.left ? b : a));
  const amount = more ? Math.max(need, Math.floor(tightest.left / GrantShare)) : need;
  const resetMs = RateWindowSeconds * 1000;
  return {
    kind: 'granted',
    amount,
    second,
    state: { limit: tightest.limit, remaining: tightest.left - amount, resetMs },
  };
}

/** From which second on a bucket counts. */
export function oldestLive(second: number): number {
  return second - BucketLifeSeconds + 1;
}

type Seen = { readonly limit: number; readonly left: number; readonly live: readonly RateBucket[]; resetMs: number };

function look({ buckets, limit }: RateMeter, second: number, now: number): Seen {
  const live = buckets
    .filter((bucket) => bucket.count > 0 && bucket.second >= oldestLive(second))
    .sort((a, b) => a.second - b.second);
  const left = limit - live.reduce((sum, { count }) => sum + count, 0);
  const newest = live.at(-1);
  return { limit, left, live, resetMs: newest ? leavesInMs(newest, now) : 0 };
}

/** Until enough has left the window; infinite where that can never be. */
function waitFor({ left, live }: Seen, need: number, now: number): number {
  let free = left;
  for (const bucket of live) {
    free += bucket.count;
    if (free >= need) return leavesInMs(bucket, now);
  }
  return Number.POSITIVE_INFINITY;
}

function leavesInMs({ second }: RateBucket, now: number): number {
  return Math.max(0, (second + BucketLifeSeconds) * 1000 - now);
}
