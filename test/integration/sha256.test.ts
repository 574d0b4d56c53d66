/** SHA-256 as the Workers runtime computes it: the published examples, and its native hash for whatever else. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256, sha256OfHex } from '../../shared/store/sha256.ts';

const native = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

test.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
])('sha256 gives the published digest of %j', (text, digest) => {
  expect(sha256(text)).toBe(digest);
});

test('sha256 agrees with the native hash for any text, and for any bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), fc.uint8Array({ maxLength: 200 }), (text, bytes) => {
      expect(sha256(text)).toBe(native(text));
      expect(sha256OfHex(Buffer.from(bytes).toString('hex'))).toBe(native(bytes));
    }),
  );
});
