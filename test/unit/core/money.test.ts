/** Money: whole micros, never negative, never free by rounding, rounded up once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computeCostMicros, type TokenCounts, type TokenPrice } from '../../../shared/core/money.ts';

const rate = fc.integer({ min: 0, max: 1_000_000_000 });
const price: fc.Arbitrary<TokenPrice> = fc.record({
  input_micros_per_mtok: rate,
  cached_input_micros_per_mtok: rate,
  output_micros_per_mtok: rate,
});
const count = fc.integer({ min: 0, max: 10_000_000 });
const tokens: fc.Arbitrary<TokenCounts> = fc.record({ input: count, cached: count, output: count });

/** In millionths of a micro, as exact as it gets. */
function exact(at: TokenPrice, { input, cached, output }: TokenCounts): bigint {
  const kept = BigInt(Math.min(cached, input));
  return (
    (BigInt(input) - kept) * BigInt(at.input_micros_per_mtok) +
    kept * BigInt(at.cached_input_micros_per_mtok) +
    BigInt(output) * BigInt(at.output_micros_per_mtok)
  );
}

describe('a cost', () => {
  test('is the exact amount, rounded up once: less than a micro above it and never below', () => {
    fc.assert(
      fc.property(price, tokens, (at, used) => {
        const cost = BigInt(computeCostMicros(at, used)) * 1_000_000n;
        expect(cost >= exact(at, used) && cost - exact(at, used) < 1_000_000n).toBe(true);
      }),
    );
  });

  test('is a whole number and never negative', () => {
    fc.assert(
      fc.property(
        price,
        tokens,
        (at, used) => Number.isSafeInteger(computeCostMicros(at, used)) && computeCostMicros(at, used) >= 0,
      ),
    );
  });

  test('does not fall when anything is used more, or costs more', () => {
    fc.assert(
      fc.property(price, tokens, count, rate, (at, used, more, dearer) => {
        const cost = computeCostMicros(at, used);
        expect(computeCostMicros(at, { ...used, output: used.output + more })).toBeGreaterThanOrEqual(cost);
        expect(
          computeCostMicros(at, { ...used, input: used.input + more, cached: Math.min(used.cached, used.input) }),
        ).toBeGreaterThanOrEqual(cost);
        expect(
          computeCostMicros({ ...at, output_micros_per_mtok: at.output_micros_per_mtok + dearer }, used),
        ).toBeGreaterThanOrEqual(cost);
      }),
    );
  });

  test('counts no more cached tokens than there is input', () => {
    const at = { input_micros_per_mtok: 10, cached_input_micros_per_mtok: 1_000_000, output_micros_per_mtok: 0 };
    expect(computeCostMicros(at, { input: 3, cached: 1_000, output: 0 })).toBe(3);
  });

  test.each([
    [{ input: 0, cached: 0, output: 0 }, 0],
    [{ input: 1, cached: 0, output: 0 }, 1],
    [{ input: 1_000_000, cached: 0, output: 0 }, 100_000],
    [{ input: 1_000_000, cached: 1_000_000, output: 0 }, 50_000],
    [{ input: 0, cached: 0, output: 1_000_001 }, 400_001],
  ])('of %j is %d micros at the first price', (used, micros) => {
    const at = {
      input_micros_per_mtok: 100_000,
      cached_input_micros_per_mtok: 50_000,
      output_micros_per_mtok: 400_000,
    };
    expect(computeCostMicros(at, used)).toBe(micros);
  });

  test('beyond the safe integers is refused, not rounded', () => {
    const at = {
      input_micros_per_mtok: Number.MAX_SAFE_INTEGER,
      cached_input_micros_per_mtok: 0,
      output_micros_per_mtok: 0,
    };
    expect(() => computeCostMicros(at, { input: 2_000_000, cached: 0, output: 0 })).toThrow(RangeError);
  });
});
