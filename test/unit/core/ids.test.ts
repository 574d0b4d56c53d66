/** Ids: of the right form, in order of their making, and a response's leads to its conversation. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  conversationOfResponse,
  idPrefixes,
  isId,
  mintId,
  mintResponseId,
  parseId,
  randomBase32,
  type IdKind,
} from '../../../shared/core/ids.ts';

const kinds = Object.keys(idPrefixes) as IdKind[];
const kind = fc.constantFrom(...kinds);
/** Every time that ten base32 digits hold. */
const time = fc.integer({ min: 0, max: 32 ** 10 - 1 });

describe('an id', () => {
  test('is of its own kind and of no other', () => {
    fc.assert(
      fc.property(
        kind.filter((each) => !['response', 'task', 'approval'].includes(each)),
        time,
        (made, now) => {
          const id = mintId(made, now);
          expect(kinds.filter((each) => isId(each, id))).toEqual([made]);
        },
      ),
    );
  });

  test('of a later millisecond sorts after one of an earlier', () => {
    fc.assert(
      fc.property(kind, time, time, (made, a, b) => {
        fc.pre(a !== b);
        expect(mintId(made, Math.min(a, b)) < mintId(made, Math.max(a, b))).toBe(true);
      }),
    );
  });

  test('with the same randomness and time is the same, with other randomness another', () => {
    const same = (bytes: Uint8Array<ArrayBuffer>) => bytes.fill(7);
    expect(mintId('agent', 5, same)).toBe(mintId('agent', 5, same));
    expect(new Set(Array.from({ length: 10_000 }, () => mintId('agent', 5))).size).toBe(10_000);
  });

  test.each([
    '',
    'agt',
    'agt_',
    'agt_0',
    `agt_${'0'.repeat(25)}`,
    `agt_${'0'.repeat(27)}`,
    `agt_${'A'.repeat(26)}`,
    `agt_${'0'.repeat(25)}i`,
    `agt_${'0'.repeat(25)}u`,
    ` agt_${'0'.repeat(26)}`,
    `agt_${'0'.repeat(26)}\n`,
    `tnt_${'0'.repeat(26)}`,
    `agt_${'0'.repeat(26)}/x`,
  ])('%j is none of an agent', (text) => {
    expect(isId('agent', text)).toBe(false);
    expect(parseId('agent', text)).toBeUndefined();
  });

  test.each([undefined, null, 1, {}, [], [`agt_${'0'.repeat(26)}`], { toString: () => `agt_${'0'.repeat(26)}` }])(
    '%j, which is no string, is none',
    (value) => {
      expect(isId('agent', value)).toBe(false);
    },
  );
});

describe("a response's id", () => {
  test('leads back to its conversation, whatever the times', () => {
    fc.assert(
      fc.property(time, time, (made, answered) => {
        const conversation = mintId('conversation', made);
        const response = mintResponseId(conversation, answered);
        expect(isId('response', response)).toBe(true);
        expect(conversationOfResponse(response)).toBe(conversation);
        expect(isId('conversation', conversationOfResponse(response))).toBe(true);
      }),
    );
  });

  test('is none where it lacks its second half', () => {
    expect(isId('response', mintId('response', 0))).toBe(false);
  });
});

test('random base32 uses every letter about equally', () => {
  const counts = new Map<string, number>();
  for (const letter of randomBase32(64_000)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  expect(counts.size).toBe(32);
  for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(400);
});
