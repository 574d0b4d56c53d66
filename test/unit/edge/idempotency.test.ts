/** Idempotency: which requests are the same one, what is minted from the key, and that a stored answer is sealed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { readIdempotency, type Idempotency } from '../../../workers/edge/idempotency.ts';
import type { RequestContext } from '../../../workers/edge/request-context.ts';

const key = fc.stringMatching(/^[\x21\x23-\x7e]{1,255}$/);

function read(header: string | null, token = 'secret', operation = 'createAgent', body: unknown = { a: 1 }) {
  const headers = new Headers({
    authorization: `Bearer ${token}`,
    ...(header === null ? {} : { 'idempotency-key': header }),
  });
  return readIdempotency({ request: new Request('http://x/', { headers }) } as unknown as RequestContext, operation, {
    params: undefined,
    body,
  });
}
function require(...asked: Parameters<typeof read>): Idempotency {
  const result = read(...asked);
  if (!result.ok || !result.value) throw new Error('no idempotency');
  return result.value;
}

describe('an Idempotency-Key', () => {
  test('is the same bare and quoted', () => {
    fc.assert(
      fc.property(key, (text) => {
        expect(require(`"${text}"`).scope).toBe(require(text).scope);
      }),
      { numRuns: 50 },
    );
  });

  test('names another record for another credential, another route and another key', () => {
    const scopes = [require('k'), require('k', 'other'), require('k', 'secret', 'createKey'), require('l')].map(
      ({ scope }) => scope,
    );
    expect(new Set(scopes).size).toBe(4);
  });

  test('with the same body, its members in any order, is the same request; with another it is not', () => {
    const fingerprint = (body: unknown) => require('k', 'secret', 'createAgent', body).fingerprint;
    expect(fingerprint({ a: 1, b: { c: 2, d: 3 } })).toBe(fingerprint({ b: { d: 3, c: 2 }, a: 1 }));
    expect(fingerprint({ a: 1 })).not.toBe(fingerprint({ a: '1' }));
    expect(fingerprint([1, 2])).not.toBe(fingerprint([2, 1]));
    // Who reads the disk without the credential cannot try bodies against it.
    expect(fingerprint({ a: 1 })).not.toBe(require('k', 'other', 'createAgent', { a: 1 }).fingerprint);
  });

  test('mints the same ids in the same order, and other ids for another credential', () => {
    const ids = (token: string) => {
      const { random } = require('k', token);
      return [mintId('agent', 5, random), mintId('key', 5, random), mintId('run', 5, random)];
    };
    expect(ids('secret')).toEqual(ids('secret'));
    expect(ids('other')).not.toEqual(ids('secret'));
    expect(new Set(ids('secret').map((id) => id.slice(-16))).size).toBe(3);
  });

  test.each(['', '""', ' ', 'a b', 'é', 'a\tb', 'x'.repeat(256), `"${'x'.repeat(256)}"`])('%j is refused', (header) => {
    expect(read(header)).toMatchObject({ ok: false, failure: { code: 'invalid_request', param: 'Idempotency-Key' } });
  });

  test('that is not there is none', () => {
    expect(read(null)).toEqual({ ok: true, value: undefined });
  });
});

describe('a stored answer', () => {
  test('opens under the same key and credential alone, and shows nothing of itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 8 }), (body) => {
        const sealed = require('k').seal(body)!;
        expect(require('k').open(sealed)).toBe(body);
        expect(Buffer.from(sealed, 'base64').includes(body)).toBe(false);
        expect(() => require('k', 'other').open(sealed)).toThrow();
        expect(() => require('l').open(sealed)).toThrow();
      }),
      { numRuns: 50 },
    );
  });

  test('is never sealed twice alike', () => {
    const { seal } = require('k');
    expect(seal('same')).not.toBe(seal('same'));
  });

  test('that a row could not hold is not kept, by its bytes', () => {
    const { seal } = require('k');
    expect(seal('x'.repeat(1_000_000))).toBeDefined();
    expect(seal('x'.repeat(1_000_001))).toBeUndefined();
    expect(seal('語'.repeat(333_334))).toBeUndefined();
  });
});
