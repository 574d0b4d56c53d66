/** Backoff: it grows, has an end, and never becomes no wait at all. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { computeBackoffMs } from '../../../shared/core/backoff.ts';

const attempt = fc.integer({ min: 0, max: 10_000 });
const span = fc.integer({ min: 1, max: 3_600_000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a wait is between half and all of its ceiling, which the cap bounds', () => {
  fc.assert(
    fc.property(attempt, span, span, random, (at, baseMs, capMs, chance) => {
      const wait = computeBackoffMs(at, { baseMs, capMs, random: () => chance });
      const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(at, 30));
      expect(Number.isSafeInteger(wait)).toBe(true);
      expect(wait).toBeGreaterThanOrEqual(Math.floor(ceiling / 2));
      expect(wait).toBeLessThanOrEqual(Math.max(1, ceiling));
    }),
  );
});

test('with the same chance a later attempt never waits less', () => {
  fc.assert(
    fc.property(attempt, span, span, random, (at, baseMs, capMs, chance) => {
      const options = { baseMs, capMs, random: () => chance };
      expect(computeBackoffMs(at + 1, options)).toBeGreaterThanOrEqual(computeBackoffMs(at, options));
    }),
  );
});
