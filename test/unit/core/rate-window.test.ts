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
    const decision = decideRate([{ buckets, limit }], 1, false, Start + at);
    if (decision.kind === 'refused') return false;
    counts.set(decision.second, (counts.get(decision.second) ?? 0) + decision.amount);
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

  it('counts a request until it is sixty seconds old, also when it was granted late in its second and made within the next', () => {
    expect(pass([92_001, 152_000], 1)).toEqual([92_001]);
    expect(pass([92_999, 152_998, 153_999, 154_000], 1)).toEqual([92_999, 154_000]);
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
    const decide = (now: number, need = 1) => decideRate([{ buckets: full, limit: 2 }], need, false, Start + now);
    expect(decide(10_500)).toMatchObject({
      kind: 'refused',
      retryAfterMs: 51_500,
      state: { limit: 2, remaining: 0, resetMs: 51_500 },
    });
    expect(decide(10_500 + 51_500).kind).toBe('granted');
    expect(decide(10_500 + 51_499).kind).toBe('refused');
  });

  it('says when enough has left the window for what is needed, and for what is never allowed nothing', () => {
    const buckets: RateBucket[] = [
      { second: Start / 1000, count: 40 },
      { second: Start / 1000 + 10, count: 50 },
    ];
    const decide = (need: number) => decideRate([{ buckets, limit: 100 }], need, false, Start + 20_000);
    expect(decide(10).kind).toBe('granted');
    expect(decide(50)).toMatchObject({ kind: 'refused', retryAfterMs: 42_000 });
    expect(decide(51)).toMatchObject({ kind: 'refused', retryAfterMs: 52_000 });
    expect(decide(101)).toEqual({ kind: 'refused', state: { limit: 100, remaining: 10, resetMs: 52_000 } });
  });

  it('passes only what each of several limits passes, and tells of the tightest', () => {
    const meters = [
      { buckets: [], limit: 80 },
      { buckets: [{ second: Start / 1000, count: 60 }], limit: 64 },
    ];
    expect(decideRate(meters, 1, false, Start)).toMatchObject({ amount: 1, state: { limit: 64, remaining: 3 } });
    expect(decideRate(meters, 5, false, Start)).toMatchObject({ kind: 'refused', state: { limit: 64 } });
    expect(decideRate([...meters].reverse(), 65, false, Start)).toMatchObject({ state: { limit: 64 } });
  });

  it('counts what lies in the future when the clock is set back', () => {
    expect(
      decideRate([{ buckets: [{ second: Start / 1000 + 3_600, count: 5 }], limit: 5 }], 1, false, Start).kind,
    ).toBe('refused');
  });

  it('grants a share of what is left to a holder that may admit more', () => {
    expect(decideRate([{ buckets: [], limit: 80 }], 1, true, Start)).toMatchObject({
      amount: 10,
      state: { remaining: 70 },
    });
    expect(decideRate([{ buckets: [], limit: 3 }], 1, true, Start)).toMatchObject({ amount: 1 });
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
