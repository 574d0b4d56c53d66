import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRate, RateWindowSeconds, type RateBucket } from '../../../shared/core/rate-window.ts';
import { formatDuration } from '../../../workers/http/rate-headers.ts';

const Start = 1_800_000_000_000;

/** Runs the window over arrivals (ms after the start) and gives the times of those that passed. */
function pass(arrivals: readonly number[], limit: number): number[] {
  const counts = new Map<number, number>();
  return arrivals.filter((at) => {
    const buckets: RateBucket[] = [...counts].map(([second, count]) => ({ second, count }));
    const decision = decideRate(buckets, limit, false, Start + at);
    if (decision.kind === 'refused') return false;
    counts.set(decision.second, (counts.get(decision.second) ?? 0) + decision.requests);
    return true;
  });
}

describe('a rate window', () => {
  it('never lets more than its limit pass within any sixty seconds, however they arrive', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200_000), { maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (unsorted, limit) => {
        const passed = pass(
          [...unsorted].sort((a, b) => a - b),
          limit,
        );
        for (const [at, first] of passed.entries()) {
          const within = passed.slice(at).filter((time) => time < first + RateWindowSeconds * 1000).length;
          expect(within).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('counts a request until it is sixty seconds old, also when it came late in its second', () => {
    expect(pass([92_001, 152_000], 1)).toEqual([92_001]);
    expect(pass([92_999, 152_998, 153_000], 1)).toEqual([92_999, 153_000]);
  });

  it.each([
    [60, 0.9],
    [60, 1.2],
    [60, 2],
    [600, 0.9],
    [600, 1.2],
    [600, 2],
  ])('of %i a minute under %f times its load passes what it may, and nearly all of it', (limit, load) => {
    const perMinute = limit * load;
    const minutes = 5;
    const arrivals = Array.from({ length: Math.floor(perMinute * minutes) }, (_, at) => (at * 60_000) / perMinute);
    const passed = pass(arrivals, limit).length;
    const allowed = Math.min(arrivals.length, limit * minutes);
    expect(passed).toBeLessThanOrEqual(limit * minutes);
    expect(passed).toBeGreaterThanOrEqual(allowed * 0.95);
  });

  it('says when to come back, truthfully', () => {
    const full: RateBucket[] = [{ second: Start / 1000, count: 2 }];
    const refused = decideRate(full, 2, false, Start + 10_500);
    expect(refused).toMatchObject({ kind: 'refused', retryAfterMs: 50_500, state: { limit: 2, remaining: 0 } });
    expect(decideRate(full, 2, false, Start + 10_500 + 50_500).kind).toBe('granted');
    expect(decideRate(full, 2, false, Start + 10_500 + 50_499).kind).toBe('refused');
  });

  it('counts what lies in the future when the clock is set back', () => {
    expect(decideRate([{ second: Start / 1000 + 3_600, count: 5 }], 5, false, Start).kind).toBe('refused');
  });

  it('grants a share of what is left to a holder that may admit more', () => {
    expect(decideRate([], 80, true, Start)).toMatchObject({ requests: 10, state: { remaining: 70 } });
    expect(decideRate([], 3, true, Start)).toMatchObject({ requests: 1 });
  });
});

it.each([
  [0, '0ms'],
  [16.2, '17ms'],
  [1_000, '1s'],
  [59_001, '1m0s'],
  [360_000, '6m0s'],
])('%f ms are written as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
