/** Percentiles of merged histograms against those of all the values themselves. FREEHOLD_SEED draws others. */
import { describe, expect, test } from 'vitest';
import {
  addHistogram,
  addValue,
  countsUpTo,
  emptyHistogram,
  percentileOf,
  type Histogram,
} from '../../../shared/core/histogram.ts';
import { randomFrom, seed } from '../../support/seeded-random.ts';

const shapes: Readonly<Record<string, (random: () => number) => number>> = {
  'whole milliseconds': (random) => 1 + Math.floor(random() * 500),
  exponential: (random) => 0.02 - Math.log(1 - random()) * 800,
  'heavy-tailed': (random) => Math.min(1e8, 2 / (1 - random()) ** 1.5),
  'two humps': (random) => (random() < 0.7 ? 5 + random() : 30_000 + random() * 100),
  constant: () => 1_234.5,
  'very small': (random) => 0.02 + random(),
};

function exactPercentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!;
}

function mergeShuffled(parts: readonly Histogram[], random: () => number): Histogram {
  const whole = emptyHistogram();
  for (const part of parts.toSorted(() => random() - 0.5))
    addHistogram(whole, JSON.parse(JSON.stringify(part)) as Histogram);
  return whole;
}

describe('percentiles', () => {
  for (const [name, draw] of Object.entries(shapes)) {
    test(`of ${name} values are right to 2 %, however they were spread over histograms and merged`, () => {
      const random = randomFrom(seed);
      for (let round = 0; round < 40; round++) {
        const parts = Array.from({ length: 1 + Math.floor(random() * 12) }, emptyHistogram);
        const values = Array.from({ length: 1 + Math.floor(random() * 2_000) }, () => draw(random));
        for (const value of values) addValue(parts[Math.floor(random() * parts.length)]!, value);
        const whole = mergeShuffled(parts, random);
        const sorted = values.toSorted((a, b) => a - b);
        expect(whole.count).toBe(values.length);
        for (const share of [0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1]) {
          const exact = exactPercentile(sorted, share);
          expect(Math.abs(percentileOf(whole, share)! - exact) / exact).toBeLessThanOrEqual(0.02);
        }
      }
    });
  }

  test('of nothing are null, and of zeros and of a clock that was set back are zero', () => {
    expect(percentileOf(emptyHistogram(), 0.5)).toBeNull();
    const histogram = emptyHistogram();
    for (const value of [0, 0, -5, Number.NaN]) addValue(histogram, value);
    expect(percentileOf(histogram, 0.99)).toBe(0);
  });

  test('stay right in a histogram that holds everything between a microsecond and ten days', () => {
    const histogram = emptyHistogram();
    for (let value = 0.001; value < 1e9; value *= 1.01) addValue(histogram, value);
    expect(Object.keys(histogram.buckets).length).toBeLessThan(700);
    expect(percentileOf(histogram, 1)! / 1e9).toBeGreaterThan(0.96);
  });
});

test('counts up to bounds never fall, and reach all of it', () => {
  const histogram = emptyHistogram();
  for (const value of [0, 3, 30, 300, 3_000]) addValue(histogram, value, 2);
  expect(countsUpTo(histogram, [1, 10, 100, 1_000, 10_000])).toEqual([2, 4, 6, 8, 10]);
  expect(histogram).toMatchObject({ count: 10, sum: 6_666 });
});
