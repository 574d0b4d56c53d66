/** Issuers' key sets: few fetches, short answers, no detours, and no token accepted while nobody can say. (S-3) */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Issuer } from '../../../shared/contracts/issuers.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { Allowlist } from '../../../shared/egress/allowlist.ts';
import { Egress } from '../../../shared/egress/egress.ts';
import { findJwksUri } from '../../../workers/edge/issuers/discover.ts';
import { fetchDocument } from '../../../workers/edge/issuers/fetch-document.ts';
import { IssuerKeys } from '../../../workers/edge/issuers/issuer-keys.ts';
import { SigningKeys } from '../../../workers/edge/issuers/signing-keys.ts';
import { verifyUserToken } from '../../../workers/edge/issuers/verify-user-token.ts';
import { LocalIssuer, makeIssuerKey, type IssuerKey, type Misbehaviour } from '../../support/local-issuer.ts';

const TimeoutMs = 150;
const start = Date.now();
let op: LocalIssuer;
let first: IssuerKey;
let second: IssuerKey;
let stranger: IssuerKey;
let clock: { at: number; now: () => number };
let keys: IssuerKeys;

beforeAll(async () => {
  op = await LocalIssuer.start(['ES256']);
  [first, second, stranger] = [
    op.keys[0]!,
    await makeIssuerKey('ES256', 'second'),
    await makeIssuerKey('ES256', 'stranger'),
  ];
});
afterAll(() => op.stop());
beforeEach(() => {
  Object.assign(op, { keys: [first], misbehaviour: 'none', discovery: {}, jwksFetches: 0, discoveryFetches: 0 });
  clock = { at: start, now: () => clock.at };
  keys = new IssuerKeys(clock, (ms) => new Promise((resolve) => setTimeout(resolve, ms)));
});

const registration = (change: Partial<Issuer> = {}): Issuer => ({
  object: 'issuer',
  id: mintId('issuer', start),
  issuer: op.url,
  audience: 'freehold',
  algorithms: ['ES256'],
  role_mappings: [],
  jwks_uri: null,
  client_id: null,
  authorization_endpoint: null,
  token_endpoint: null,
  created_at: new Date(start).toISOString(),
  ...change,
});

const allowlist = Allowlist.parse('127.0.0.1');
const egress = new Egress(allowlist.ok ? allowlist.value : Allowlist.none);
/** `accepted`, or the code of the refusal. */
async function outcome(key: IssuerKey, issuer = known, header: object = {}): Promise<string> {
  const token = await op.sign(
    { iat: Math.floor(clock.at / 1000), exp: Math.floor(clock.at / 1000) + 600 },
    header,
    key,
  );
  const verified = await verifyUserToken(
    token,
    [issuer],
    (each, kid, algorithm) =>
      keys.find(each.id, kid, algorithm, async () => {
        const uri = await findJwksUri(each, egress);
        const document = uri.ok ? await fetchDocument(egress, uri.value, TimeoutMs) : uri;
        return document.ok ? SigningKeys.parse(document.value) : document;
      }),
    clock.at,
  );
  return verified.ok ? 'accepted' : verified.failure.code;
}
let known: Issuer;
beforeEach(() => {
  known = registration();
});

describe("an issuer's keys", () => {
  test('are fetched once and kept for five minutes', async () => {
    for (let at = 0; at < 20; at++) expect(await outcome(first)).toBe('accepted');
    expect([op.discoveryFetches, op.jwksFetches]).toEqual([1, 1]);
    clock.at += 299_999;
    expect(await outcome(first)).toBe('accepted');
    expect(op.jwksFetches).toBe(1);
    clock.at += 1;
    expect(await outcome(first)).toBe('accepted');
    expect(op.jwksFetches).toBe(2);
  });

  test('are fetched once by a hundred first requests at a time', async () => {
    expect(new Set(await Promise.all(Array.from({ length: 100 }, () => outcome(first))))).toEqual(
      new Set(['accepted']),
    );
    expect(op.jwksFetches).toBe(1);
  });

  test('are fetched at most once in thirty seconds for unknown key ids, however many come', async () => {
    expect(await outcome(first)).toBe('accepted');
    for (let second_ = 0; second_ < 120; second_++) {
      const storm = Array.from({ length: 20 }, (_, at) => outcome(stranger, known, { kid: `kid-${second_}-${at}` }));
      expect(new Set(await Promise.all(storm))).toEqual(new Set(['invalid_api_key']));
      clock.at += 1_000;
    }
    expect(op.jwksFetches).toBe(4);
    expect(await outcome(first)).toBe('accepted');
  });

  test('are apart for each registration', async () => {
    await outcome(first);
    await outcome(first, registration());
    expect(op.jwksFetches).toBe(2);
  });

  test('rotate with overlap without a refusal', async () => {
    expect(await outcome(first)).toBe('accepted');
    clock.at += 40_000;
    op.keys = [first, second];
    expect(await outcome(second)).toBe('accepted');
    expect(await outcome(first)).toBe('accepted');
    clock.at += 40_000;
    op.keys = [second];
    expect(await outcome(first)).toBe('accepted');
    clock.at += 300_000;
    expect(await outcome(first)).toBe('invalid_api_key');
    expect(await outcome(second)).toBe('accepted');
  });

  test('rotated without overlap are known after a cooldown, and the old ones are no more', async () => {
    expect(await outcome(first)).toBe('accepted');
    op.keys = [second];
    clock.at += 29_000;
    expect(await outcome(second)).toBe('invalid_api_key');
    clock.at += 1_000;
    expect(await outcome(second)).toBe('accepted');
    expect(await outcome(first)).toBe('invalid_api_key');
    expect(op.jwksFetches).toBe(2);
  });

  test.each<Misbehaviour>(['error', 'slow', 'endless', 'redirect', 'html', 'array', 'gone'])(
    'that answer with "%s" are an outage: nothing is accepted, nothing is the fault of the token',
    async (misbehaviour) => {
      op.misbehaviour = misbehaviour;
      const began = performance.now();
      expect(await outcome(first)).toBe('service_unavailable');
      expect(await outcome(stranger)).toBe('service_unavailable');
      expect(performance.now() - began).toBeLessThan(2_000);
      expect(op.jwksFetches).toBe(1);
      clock.at += 5_000;
      op.misbehaviour = 'none';
      expect(await outcome(first)).toBe('accepted');
    },
  );

  test.each<Misbehaviour>(['error', 'slow', 'endless', 'redirect', 'html', 'array', 'gone'])(
    'that were read before go on until their time is over, while the issuer answers with "%s"',
    async (misbehaviour) => {
      expect(await outcome(first)).toBe('accepted');
      op.misbehaviour = misbehaviour;
      clock.at += 60_000;
      expect(await outcome(stranger)).toBe('service_unavailable');
      expect(await outcome(first)).toBe('accepted');
      clock.at += 240_000;
      expect(await outcome(first)).toBe('service_unavailable');
    },
  );

  test('that are published with their private part are none', async () => {
    op.misbehaviour = 'private';
    expect(await outcome(first)).toBe('invalid_api_key');
  });

  test('live no longer for a clock that jumps back', async () => {
    expect(await outcome(first)).toBe('accepted');
    op.misbehaviour = 'error';
    clock.at -= 3_600_000;
    expect(await outcome(first)).toBe('service_unavailable');
  });
});

describe('a discovery document', () => {
  test.each([
    ['names another issuer', { issuer: 'https://evil.example' }],
    ['names no key set', { jwks_uri: undefined }],
    ['names a key set by a scheme that is none', { jwks_uri: 'file:///etc/passwd' }],
    ['names a key set at an address of the inside', { jwks_uri: 'https://169.254.169.254/jwks' }],
  ])('that %s leads to no keys', async (_, discovery) => {
    op.discovery = discovery;
    expect(await outcome(first)).toBe('service_unavailable');
    expect(op.jwksFetches).toBe(0);
  });
});

test('a tenant is not let in by the issuer of another, however good its token', async () => {
  const other = await LocalIssuer.start(['ES256']);
  try {
    const token = await other.sign({}, {}, other.keys[0]!);
    const found = await verifyUserToken(
      token,
      [known],
      () => Promise.reject(new Error('no key may be asked for')),
      Date.now(),
    );
    expect(found).toMatchObject({
      ok: false,
      failure: { code: 'invalid_api_key', reason: 'token: the issuer is not registered' },
    });
    expect([other.jwksFetches, other.discoveryFetches]).toEqual([0, 0]);
  } finally {
    await other.stop();
  }
});

test('an answer without end is cut at its cap, long before its deadline', async () => {
  op.misbehaviour = 'endless';
  const began = performance.now();
  const fetched = await fetchDocument(egress, `${op.url}/jwks`, 60_000);
  expect(fetched).toMatchObject({
    ok: false,
    failure: { code: 'service_unavailable', reason: expect.stringContaining('more than') as string },
  });
  expect(performance.now() - began).toBeLessThan(5_000);
});
