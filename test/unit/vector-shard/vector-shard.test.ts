/** The rules of a vector shard. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BestK,
  chooseTerms,
  compileFilter,
  computeFrequencyCap,
  computeNoise,
  computeRank,
} from '../../../durable-objects/vector-shard/vector-shard.ts';
import { formatMatchExpression, parseTerms } from '../../../shared/core/search-terms.ts';
import { fuseRanks } from '../../../shared/store/rank-fusion.ts';

describe('scores', () => {
  test('rank the higher the better, by every metric', () => {
    const query = Float32Array.of(3, 4);
    const near = Float32Array.of(3, 3);
    expect(computeRank('dot', query, near)).toBe(21);
    expect(computeRank('euclidean', query, near)).toBe(-1);
    expect(computeRank('cosine', Float32Array.of(1, 0), near)).toBeCloseTo(Math.SQRT1_2, 12);
    expect(computeRank('cosine', query, Float32Array.of(0, 0))).toBe(0);
  });

  test('the best k are those of a full sort, whatever the order of the offers', () => {
    const offers = fc.uniqueArray(
      fc.record({ id: fc.string({ maxLength: 3 }), score: fc.integer({ min: 0, max: 5 }) }),
      {
        selector: ({ id }) => id,
      },
    );
    fc.assert(
      fc.property(offers, fc.integer({ min: 1, max: 8 }), (all, k) => {
        const best = new BestK(k);
        for (const { id, score } of all) best.offer(id, score);
        const sorted = all.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).slice(0, k);
        expect(best.toArray()).toEqual(sorted);
        if (sorted.length === k) expect(best.floor).toBe(sorted[k - 1]!.score);
      }),
    );
  });
});

describe('a filter on a list', () => {
  test.each([
    [{ tags: 'red' }, true],
    [{ tags: 'green' }, false],
    [{ tags: { $ne: 'red' } }, false],
    [{ tags: { $ne: 'green' } }, true],
    [{ tags: { $in: ['green', 'blue'] } }, true],
    [{ tags: { $nin: ['green'] } }, true],
    [{ tags: { $nin: ['blue'] } }, false],
    [{ tags: { $gt: 1 } }, false],
  ])('%j holds: %s', (filter, expected) => {
    expect(compileFilter(filter)!({ tags: ['red', 'blue'] })).toBe(expected);
    expect(compileFilter(filter)!({ tags: [] })).toBe(false);
  });
});

describe('the terms of a full-text query', () => {
  test('are letters, digits and marks only, so their quotes close where they should', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const terms = parseTerms(text);
        for (const term of terms) expect(term).toMatch(/^[\p{L}\p{N}\p{M}]{1,64}$/u);
        const quotes = formatMatchExpression(terms).split('"').length - 1;
        expect(quotes).toBe(2 * terms.length);
      }),
    );
  });

  test('are distinct, folded in case and form, and few', () => {
    expect(parseTerms('Ärger ärger ÄRGER ﬁne, 2nd!')).toEqual(['ärger', 'fine', '2nd']);
    expect(parseTerms(Array.from({ length: 500 }, (_, at) => `w${at}`).join(' '))).toHaveLength(32);
    expect(parseTerms('x'.repeat(65))).toEqual([]);
  });

  test('are the rarest ones, up to the covered share; where all are common, all that are no noise', () => {
    const frequencies = [
      { term: 'the', documents: Infinity },
      { term: 'fox', documents: 30 },
      { term: 'unknown', documents: 0 },
      { term: 'red', documents: 400 },
      { term: 'jumps', documents: 900 },
      { term: 'dog', documents: 700 },
    ];
    const telling = (terms: readonly string[]) => ({ terms, areCommon: false });
    const common = (terms: readonly string[]) => ({ terms, areCommon: true });
    expect(chooseTerms(frequencies, 8_600)).toEqual(telling(['fox', 'red']));
    expect(chooseTerms(frequencies, 8_500)).toEqual(telling(['fox', 'red']));
    expect(chooseTerms([...frequencies, { term: 'hen', documents: 80 }], 1_000)).toEqual(telling(['fox', 'hen']));
    expect(chooseTerms(frequencies.slice(4), 1_000)).toEqual(common(['dog', 'jumps']));
    expect(chooseTerms([frequencies[0]!, ...frequencies.slice(4)], 1_000)).toEqual(common(['dog', 'jumps']));
    expect(chooseTerms(frequencies.slice(0, 1), 1_000)).toEqual(common(['the']));
    expect(chooseTerms([{ term: 'unknown', documents: 0 }], 1_000).terms).toEqual([]);
    expect([100, 100_000].map(computeFrequencyCap)).toEqual([500, 5_000]);
    expect([100, 100_000].map(computeNoise)).toEqual([2_000, 20_000]);
  });
});

describe('fusion', () => {
  test('adds 1 / (60 + rank) over the lanes, best first, ties by id', () => {
    expect(fuseRanks([['b', 'a'], ['b', 'c'], []], 10)).toEqual([
      { id: 'b', score: 2 / 61 },
      { id: 'a', score: 1 / 62 },
      { id: 'c', score: 1 / 62 },
    ]);
    expect(fuseRanks([['b', 'a']], 1)).toEqual([{ id: 'b', score: 1 / 61 }]);
    expect(fuseRanks([[], []], 5)).toEqual([]);
  });
});
