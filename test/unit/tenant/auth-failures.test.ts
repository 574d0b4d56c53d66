/** Refused credentials on the audit trail: a flood can neither fill the disk nor go unseen. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  countAuthFailure,
  endFlood,
  MaxAuthFailures,
  type Flood,
} from '../../../durable-objects/tenant/auth-failures.ts';

/** What a run of refusals leaves behind, with the count of a window that is over. */
function run(times: readonly number[]) {
  let flood: Flood | undefined;
  let kept: Flood | undefined;
  const seen = { recorded: 0, counted: 0, writes: 0 };
  for (const now of times) {
    const step = countAuthFailure(flood, now);
    seen.counted += step.ended?.counted ?? 0;
    seen.recorded += step.record ? 1 : 0;
    if (step.keep) kept = step.flood;
    seen.writes += step.keep ? 1 : 0;
    flood = step.flood;
  }
  return { ...seen, flood, kept };
}
const burst = (count: number, since = 0, step = 0) => Array.from({ length: count }, (_, at) => since + at * step);

describe('refused credentials', () => {
  test('have an entry each up to sixty a minute; what comes beyond is counted', () => {
    expect(run(burst(60))).toMatchObject({ recorded: 60, flood: { counted: 0 } });
    expect(run(burst(10_000))).toMatchObject({ recorded: MaxAuthFailures, flood: { counted: 9_940 } });
    expect(run([...burst(1_000), 60_000])).toMatchObject({ recorded: 61, counted: 940, flood: { counted: 0 } });
  });

  test('are each either entered or counted, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 500 }), (times) => {
        const { recorded, counted, flood } = run(times);
        expect(recorded + counted + (flood?.counted ?? 0)).toBe(times.length);
      }),
    );
  });

  test('never have more than sixty entries within a minute of a clock that goes on', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2_000), { minLength: 1, maxLength: 800 }), (gaps) => {
        let now = 0;
        const times = gaps.map((gap) => (now += gap));
        const perWindow = new Map<number, number>();
        let flood: Flood | undefined;
        for (const time of times) {
          const step = countAuthFailure(flood, time);
          flood = step.flood;
          if (step.record) perWindow.set(flood.since, (perWindow.get(flood.since) ?? 0) + 1);
        }
        expect(Math.max(...perWindow.values())).toBeLessThanOrEqual(MaxAuthFailures);
      }),
    );
  });

  test('cost next to no writes in a flood, and the count that is kept is more than half of it', () => {
    const { writes, kept, flood } = run(burst(100_000));
    expect(writes).toBeLessThan(80);
    expect(kept!.counted).toBeGreaterThan(flood!.counted / 2);
  });

  test('are entered as a count once their minute is over, and not before', () => {
    const { flood } = run(burst(61));
    expect(endFlood(flood, 59_999)).toBeUndefined();
    expect(endFlood(flood, 60_000)).toEqual(flood);
    expect(endFlood({ ...flood!, counted: 0 }, 60_000)).toBeUndefined();
  });
});
