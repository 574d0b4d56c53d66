/** SHA-256 as the Workers runtime computes it: the published examples, and the native hash for whatever else. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computeSha256, computeSha256OfHex, sha256, sha256OfHex } from '../../../shared/store/sha256.ts';

const native = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('sha256', () => {
  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('gives the published digest of %#', (text, digest) => {
    expect(computeSha256(text)).toBe(digest);
    expect(sha256(text)).toBe(digest);
  });

  test('agrees with the native hash at every length around a block, after longer and shorter ones', () => {
    for (let length = 200; length >= 0; length--) {
      const text = 'é'.repeat(length % 5) + 'x'.repeat(length);
      expect(computeSha256(text)).toBe(native(text));
      const bytes = Uint8Array.from({ length }, (_, at) => 255 - at);
      const digits = Buffer.from(bytes).toString('hex');
      expect(computeSha256OfHex(digits)).toBe(native(bytes));
      expect(sha256OfHex(digits)).toBe(native(bytes));
    }
  });

  test('agrees with the native hash for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 6_000, size: 'max' }), (text) => {
        expect(computeSha256(text)).toBe(native(text));
      }),
    );
  });
});
