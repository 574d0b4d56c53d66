/** API keys: the form of one, and that a slip of the pen is told from a key without asking anyone. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyPrefixLength, mintApiKey, parseApiKey } from '../../../shared/core/api-key.ts';
import { mintId, systemRandom } from '../../../shared/core/ids.ts';

const fresh = () => {
  const id = mintId('key', Date.now());
  return { id, secret: mintApiKey(id, systemRandom) };
};

describe('an API key', () => {
  test('names its own id and carries 200 random bits', () => {
    const { id, secret } = fresh();
    expect(parseApiKey(secret)).toBe(id);
    expect(secret).toMatch(/^fh_[0-9a-z]{26}_[0-9a-z]{40}_[0-9a-f]{8}$/);
    expect(new Set(Array.from({ length: 1_000 }, () => mintApiKey(id, systemRandom))).size).toBe(1_000);
  });

  test('with any one character changed is none', () => {
    const { secret } = fresh();
    for (let at = 0; at < secret.length; at++) {
      for (const letter of '0az_A') {
        if (secret[at] === letter) continue;
        expect(parseApiKey(secret.slice(0, at) + letter + secret.slice(at + 1)), `${at} ${letter}`).toBeUndefined();
      }
    }
  });

  test('with two neighbours swapped, a character left out or doubled is none', () => {
    const { secret } = fresh();
    for (let at = 1; at < secret.length; at++) {
      const [before, after] = [secret[at - 1]!, secret[at]!];
      if (before !== after)
        expect(parseApiKey(secret.slice(0, at - 1) + after + before + secret.slice(at + 1))).toBeUndefined();
      expect(parseApiKey(secret.slice(0, at) + secret.slice(at + 1))).toBeUndefined();
      expect(parseApiKey(secret.slice(0, at) + after + secret.slice(at))).toBeUndefined();
    }
  });

  test('is not made by accident: no text of any kind is one', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseApiKey(text) === undefined));
    fc.assert(
      fc.property(
        fc.stringMatching(/^fh_[0-9a-z]{26}_[0-9a-z]{40}_[0-9a-f]{8}$/),
        (text) => parseApiKey(text) === undefined,
      ),
    );
  });

  test('shows nothing of its secret in its prefix', () => {
    const { id, secret } = fresh();
    expect(`fh_${id.slice(4)}`.startsWith(secret.slice(0, KeyPrefixLength))).toBe(true);
  });
});
