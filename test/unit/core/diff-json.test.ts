/** A difference, applied in order, makes the second value out of the first. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../../../shared/core/canonical-json.ts';
import { diffJson, type JsonChange } from '../../../shared/core/diff-json.ts';

describe('a difference', () => {
  test('applied to the first value gives the second', () => {
    const member = fc.oneof(fc.constantFrom('a', 'b', 'a/b', '~', '~1', '__proto__', ''), fc.string({ maxLength: 3 }));
    const { value } = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom<Json>(null, true, 0, 1, 'x', ''),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(member, tie('value'), { maxKeys: 4 }) as fc.Arbitrary<Json>,
      ),
    }));
    fc.assert(
      fc.property(value, value, (before, after) => {
        expect(canonicalJson(applied(before, diffJson(before, after)))).toBe(canonicalJson(after));
      }),
      { numRuns: 2_000, verbose: 1 },
    );
  });

  test('of equal values is empty, whatever the order of their members', () => {
    expect(diffJson({ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 })).toEqual([]);
  });

  test('names the smallest place that changed, with what was there', () => {
    expect(diffJson({ a: { b: 1, c: 2 }, d: [1, 2] }, { a: { b: 1, c: 3 }, d: [1] })).toEqual([
      { op: 'replace', path: '/a/c', before: 2, after: 3 },
      { op: 'remove', path: '/d/1', before: 2 },
    ]);
  });
});

/** JSON Patch, as far as a difference uses it. */
function applied(value: Json, changes: readonly JsonChange[]): Json {
  const root: { whole: unknown } = { whole: structuredClone(value) };
  for (const change of changes) {
    const names = ['whole', ...change.path.split('/').slice(1)].map((name) =>
      name.replaceAll('~1', '/').replaceAll('~0', '~'),
    );
    const last = names.pop()!;
    const at = names.reduce<unknown>((parent, name) => (parent as Record<string, unknown>)[name], root);
    if (Array.isArray(at)) {
      const place = Number(last);
      if (change.op === 'add') at.splice(place, 0, change.after);
      else if (change.op === 'remove') at.splice(place, 1);
      else at[place] = change.after;
    } else if (change.op === 'remove') delete (at as Record<string, unknown>)[last];
    else Object.defineProperty(at, last, { value: change.after, enumerable: true, configurable: true, writable: true });
  }
  return root.whole as Json;
}
