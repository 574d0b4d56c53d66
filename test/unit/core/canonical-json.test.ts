/** Canonical JSON: the same value, the same bytes, whatever the order it was built in. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../../../shared/core/canonical-json.ts';

const value = fc.jsonValue() as fc.Arbitrary<Json>;

function shuffled(json: Json): Json {
  if (Array.isArray(json)) return json.map(shuffled);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json)
      .reverse()
      .map(([key, member]) => [key, shuffled(member!)]),
  );
}

describe('canonicalJson', () => {
  test('parses back to the same value', () => {
    fc.assert(
      fc.property(value, (json) => {
        expect(JSON.parse(canonicalJson(json))).toEqual(JSON.parse(JSON.stringify(json)));
      }),
    );
  });

  test('does not depend on the order of members, at any depth', () => {
    fc.assert(
      fc.property(value, (json) => {
        expect(canonicalJson(shuffled(json))).toBe(canonicalJson(json));
      }),
    );
  });

  test('tells different values apart', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const same = JSON.stringify(shuffledOnce(a)) === JSON.stringify(shuffledOnce(b));
        expect(canonicalJson(a) === canonicalJson(b)).toBe(same);
      }),
    );
  });

  test.each<[Json, string]>([
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [{ a: undefined, b: {} }, '{"b":{}}'],
    [{ '10': 1, '9': 2, é: 3, Z: 4 }, '{"10":1,"9":2,"Z":4,"é":3}'],
    ['\u2028"\\', '"\u2028\\"\\\\"'],
    [-0, '0'],
  ])('%j is %s', (json, text) => {
    expect(canonicalJson(json)).toBe(text);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (number) => {
    expect(() => canonicalJson({ a: [number] })).toThrow(TypeError);
  });
});

/** The same order for every value: what JSON.stringify then writes is equal where the values are. */
function shuffledOnce(json: Json): Json {
  if (Array.isArray(json)) return json.map(shuffledOnce);
  if (typeof json !== 'object' || json === null) return json;
  const keys = Object.keys(json).sort();
  return keys.map((key) => [key, shuffledOnce((json as Record<string, Json>)[key]!)] as Json).concat('object');
}
