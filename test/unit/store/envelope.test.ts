/** Envelope encryption: what was sealed opens in its own place, under its own keys, unaltered; nothing else opens. */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemRandom } from '../../../shared/core/ids.ts';
import { DataKey, KeyEncryptionKey } from '../../../shared/store/envelope.ts';

const signingKey = () => JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
const platform = signingKey();
const keyEncryptionKey = new KeyEncryptionKey(platform);
const dataKey = DataKey.generate(1, systemRandom);
const value = 'sk-live-canary';
const sealed = dataKey.seal('tnt_1', 'mail', 1, value, systemRandom);
const wrapped = keyEncryptionKey.wrap('tnt_1', dataKey, systemRandom);

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

describe('a sealed value', () => {
  test('of any text comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
        const bytes = dataKey.seal('tnt_1', 'mail', 1, text, systemRandom);
        expect(dataKey.open('tnt_1', 'mail', 1, bytes)).toBe(text);
      }),
    );
    const marked = '\uFEFFbegins with a mark';
    expect(dataKey.open('t', 'n', 1, dataKey.seal('t', 'n', 1, marked, systemRandom))).toBe(marked);
  });

  test('does not open with any bit of it flipped, cut or longer', () => {
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      expect(dataKey.open('tnt_1', 'mail', 1, flipped(sealed, bit)), `bit ${bit}`).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(dataKey.open('tnt_1', 'mail', 1, sealed.slice(0, length))).toBeUndefined();
    }
    expect(dataKey.open('tnt_1', 'mail', 1, Uint8Array.from([...sealed, 0]))).toBeUndefined();
  });

  test.each([
    ['another tenant', ['tnt_2', 'mail', 1]],
    ['another name', ['tnt_1', 'mai1', 1]],
    ['another version', ['tnt_1', 'mail', 2]],
    ['a name that takes in the version', ['tnt_1', 'mail",1', 1]],
  ] as const)('does not open in the place of %s', (_, [tenant, name, version]) => {
    expect(dataKey.open(tenant, name, version, sealed)).toBeUndefined();
  });

  test('does not open under another data key, and is another text each time', () => {
    expect(DataKey.generate(1, systemRandom).open('tnt_1', 'mail', 1, sealed)).toBeUndefined();
    const seals = Array.from({ length: 100 }, () => dataKey.seal('tnt_1', 'mail', 1, value, systemRandom));
    expect(new Set(seals.map((each) => Buffer.from(each.subarray(0, 12)).toString('hex'))).size).toBe(100);
    expect(seals.some((each) => Buffer.from(each).includes(value))).toBe(false);
  });
});

describe('a wrapped data key', () => {
  test('opens under the platform key that wrapped it, also after a restart', () => {
    const key = new KeyEncryptionKey(platform).unwrap('tnt_1', 1, wrapped);
    expect(key?.open('tnt_1', 'mail', 1, sealed)).toBe(value);
  });

  test('does not open with any bit flipped, for another tenant or generation, or under another platform key', () => {
    for (let bit = 0; bit < wrapped.length * 8; bit++) {
      expect(keyEncryptionKey.unwrap('tnt_1', 1, flipped(wrapped, bit)), `bit ${bit}`).toBeUndefined();
    }
    expect(keyEncryptionKey.unwrap('tnt_2', 1, wrapped)).toBeUndefined();
    expect(keyEncryptionKey.unwrap('tnt_1', 2, wrapped)).toBeUndefined();
    expect(new KeyEncryptionKey(signingKey()).unwrap('tnt_1', 1, wrapped)).toBeUndefined();
  });

  test('names the platform key by an id that is always the same and says nothing of it', () => {
    expect(new KeyEncryptionKey(platform).id).toBe(keyEncryptionKey.id);
    expect(new KeyEncryptionKey(signingKey()).id).not.toBe(keyEncryptionKey.id);
    expect(keyEncryptionKey.id).toMatch(/^[0-9a-f]{16}$/);
  });
});
