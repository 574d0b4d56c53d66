import { describe, expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { QueryCache } from '../../../shared/inference/query-cache.ts';

const tenant = mintId('tenant', 0);
const query = { tenant, space: 'a', text: 'Who?' };
const vector = new Float32Array([1, 2]);

function setUp(max?: number) {
  const clock = { at: 0, now: () => clock.at };
  return { clock, cache: new QueryCache(clock, max) };
}

describe('QueryCache', () => {
  test('gives a vector to the same tenant, space and text alone', () => {
    const { cache } = setUp();
    cache.keep(query, vector);
    expect(cache.find(query)).toBe(vector);
    expect(cache.find({ ...query, tenant: mintId('tenant', 1) })).toBeUndefined();
    expect(cache.find({ ...query, space: 'b' })).toBeUndefined();
    expect(cache.find({ ...query, text: 'who?' })).toBeUndefined();
    // No two queries have one key, however their parts are cut.
    cache.keep({ tenant, space: 'a","b', text: 'c' }, vector);
    expect(cache.find({ tenant, space: 'a', text: 'b","c' })).toBeUndefined();
  });

  test('is bounded: the longest unused goes first', () => {
    const { cache } = setUp(2);
    cache.keep({ ...query, text: 'first' }, vector);
    cache.keep({ ...query, text: 'second' }, vector);
    cache.find({ ...query, text: 'first' });
    cache.keep({ ...query, text: 'third' }, vector);
    const kept = ['first', 'second', 'third'].filter((text) => cache.find({ ...query, text }));
    expect([kept, cache.size]).toEqual([['first', 'third'], 2]);
  });

  test('asks anew after ten minutes', () => {
    const { cache, clock } = setUp();
    cache.keep(query, vector);
    clock.at = 10 * 60_000;
    expect([cache.find(query), cache.size]).toEqual([undefined, 0]);
  });
});
