/** What a token says of itself gets it nowhere: 71 attacks are refused, and 3 oddities of an honest issuer are not. (S-1) */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Result } from '../../../shared/core/result.ts';
import type { UserCredential } from '../../../shared/contracts/admission.ts';
import { IssuerKeys } from '../../../workers/edge/issuers/issuer-keys.ts';
import { SigningKeys } from '../../../workers/edge/issuers/signing-keys.ts';
import { verifyUserToken, type FindKey } from '../../../workers/edge/issuers/verify-user-token.ts';
import { makeAttackSet, Now, type AttackSet } from '../../support/token-attacks.ts';

const set: AttackSet = await makeAttackSet();
let findKey: FindKey;
const verify = (token: string, now = Now): Promise<Result<UserCredential>> =>
  verifyUserToken(token, [set.issuer], findKey, now);
const named = (cases: AttackSet['refused']) => cases.map(({ name, token }) => [name, token] as const);

beforeAll(() => {
  const keys = new IssuerKeys({ now: () => Now }, () => Promise.resolve());
  findKey = (issuer, kid, algorithm) =>
    keys.find(issuer.id, kid, algorithm, () => Promise.resolve(SigningKeys.parse({ ...set.jwks })));
});

test('the set has its 74 cases, each with a token of its own', () => {
  expect([set.refused.length, set.accepted.length]).toEqual([71, 3]);
  const tokens = [...set.refused, ...set.accepted, ...set.further].map(({ token }) => token);
  expect(new Set(tokens).size).toBe(tokens.length);
});

describe('a token of the registered issuer is accepted', () => {
  test.each(named(set.good))('%s', async (_, token) => {
    expect(await verify(token)).toEqual({
      ok: true,
      value: { kind: 'user', issuerId: set.issuer.id, subject: 'someone', email: null, jti: null, roles: ['viewer'] },
    });
  });
});

describe('refused, with the one text that every refusal has', () => {
  test.each(named([...set.refused, ...set.further]))('%s', async (_, token) => {
    const verified = await verify(token);
    expect(verified).toMatchObject({ ok: false, failure: { code: 'invalid_api_key' } });
    if (verified.ok) return;
    expect(verified.failure.message).toMatch(/^The credential is missing or not valid for this host/);
    expect(verified.failure.reason).not.toContain(token.slice(-20) || 'nothing');
  });
});

describe('accepted, since its issuer has signed it', () => {
  test.each(named(set.accepted))('%s', async (_, token) => {
    const verified = await verify(token);
    expect(verified).toMatchObject({ ok: true, value: { subject: 'someone', roles: ['viewer'] } });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

test('of a key set, only public keys for signing, long enough, are there at all', () => {
  const parsed = SigningKeys.parse({ ...set.jwks });
  const kids = set.jwks.keys.map(({ kid }) => kid!);
  expect(kids).toEqual(['rs', 'es', 'ed', 'ps', 'enc', 'ops', 'exposed', 'weak', 'oct']);
  expect(parsed.ok && kids.filter((kid) => parsed.value.has(kid))).toEqual(['rs', 'es', 'ed', 'ps']);
  expect(SigningKeys.parse({ keys: 'none' }).ok).toBe(false);
  expect(SigningKeys.parse({ keys: Array.from({ length: 101 }, () => set.jwks.keys[0]) }).ok).toBe(false);
});

test('a token ends with its last second and begins with its first, give or take five for clocks', async () => {
  const token = set.good[0]!.token;
  const at = (offset: number) => verify(token, Now + offset * 1_000).then(({ ok }) => ok);
  expect(await Promise.all([at(-66), at(-65), at(0), at(604), at(605)])).toEqual([false, true, true, true, false]);
});

test('an address counts only where the issuer says that it has verified it', async () => {
  const { LocalIssuer, makeIssuerKey } = await import('../../support/local-issuer.ts');
  const key = await makeIssuerKey('ES256', 'k');
  const signer = new LocalIssuer();
  const emailOf = async (claims: object) => {
    const token = await signer.sign({ iss: 'https://op', ...claims }, {}, key);
    const issuer = { ...set.issuer, issuer: 'https://op' };
    const parsed = SigningKeys.parse({ keys: [key.publicJwk] });
    const find: FindKey = async () => ({
      ok: true,
      value: parsed.ok ? await parsed.value.find('k', 'ES256') : undefined,
    });
    const verified = await verifyUserToken(token, [issuer], find, Date.now());
    return verified.ok ? verified.value.email : 'refused';
  };
  expect(await emailOf({ email: 'Ann@Example.com', email_verified: true })).toBe('ann@example.com');
  for (const claims of [
    { email: 'a@b.c' },
    { email: 'a@b.c', email_verified: 'true' },
    { email: 'a@b.c', email_verified: 1 },
    { email: ['a@b.c'], email_verified: true },
  ]) {
    expect(await emailOf(claims)).toBeNull();
  }
});
