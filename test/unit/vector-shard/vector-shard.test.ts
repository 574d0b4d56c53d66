/** The rules of a vector shard. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ResidentVectors } from '../../../durable-objects/vector-shard/resident-vectors.ts';
import {
  BestK,
  chooseTerms,
  computeDot,
  computeFourDots,
  computeFrequencyCap,
  formatMatchExpression,
  fuseRanks,
  normalise,
  parseTerms,
} from '../../../durable-objects/vector-shard/vector-shard.ts';

describe('scores', () => {
  test('four dot products at once are the very numbers of one at a time', () => {
    const row = fc.float32Array({ minLength: 5, maxLength: 5, min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(row, row, row, row), row, ([a, b, c, d], query) => {
        const matrix = Float32Array.from([...a, ...b, ...c, ...d]);
        const sums = new Float64Array(4);
        computeFourDots(matrix, [15, 5, 0, 10], query, sums);
        expect([...sums]).toEqual([15, 5, 0, 10].map((offset) => computeDot(matrix, offset, query)));
        expect(sums[2]).toBeCloseTo(
          a.reduce((sum, value, at) => sum + value * query[at]!, 0),
          3,
        );
      }),
    );
  });

  test('a unit vector has length 1, and zeros stay zeros', () => {
    expect([...normalise([0, 3, 4])]).toEqual([0, Math.fround(0.6), Math.fround(0.8)]);
    expect([...normalise([0, 0])]).toEqual([0, 0]);
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

describe('the vectors in RAM', () => {
  test('stay within their budget, and say from where on they are incomplete', () => {
    const resident = new ResidentVectors(2, 3 * 2 * Float32Array.BYTES_PER_ELEMENT);
    for (const rid of [1, 2, 3, 4, 5]) {
      resident.add({ rid, id: `v${rid}`, namespace: 'x', metadata: undefined, unit: new Float32Array([1, 0]) });
    }
    resident.remove('v1');
    resident.add({ rid: 6, id: 'v6', namespace: 'x', metadata: undefined, unit: new Float32Array([1, 0]) });
    const best = new BestK(10);
    resident.scan(new Float32Array([1, 0]), 'x', undefined, best);
    expect(resident.spilledFrom).toBe(4);
    expect(best.toArray().map(({ id }) => id)).toEqual(['v2', 'v3']);
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

  test('are the rarest ones, up to the covered share, and always one that occurs', () => {
    const frequencies = [
      { term: 'the', documents: 900 },
      { term: 'fox', documents: 3 },
      { term: 'unknown', documents: 0 },
      { term: 'red', documents: 40 },
    ];
    expect(chooseTerms(frequencies, 50)).toEqual(['fox', 'red']);
    expect(chooseTerms(frequencies, 42)).toEqual(['fox']);
    expect(chooseTerms(frequencies.slice(0, 1), 50)).toEqual(['the']);
    expect(chooseTerms([{ term: 'unknown', documents: 0 }], 50)).toEqual([]);
    expect([computeFrequencyCap(100), computeFrequencyCap(100_000)]).toEqual([500, 5_000]);
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
