/** A token without a type is taken for an ID token of the client that people sign in by, and for nothing else. */
import { SignJWT, generateKeyPair } from 'jose';
import { describe, expect, test } from 'vitest';
import type { Issuer } from '../../../shared/contracts/issuers.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import { verifyUserToken } from '../../../workers/edge/issuers/verify-user-token.ts';

const Now = Date.parse('2026-10-01T12:00:00.000Z');
const { privateKey, publicKey } = await generateKeyPair('RS256');
const issuer: Issuer = {
  object: 'issuer',
  id: mintId('issuer', Now),
  issuer: 'https://op.example.com',
  audience: 'console',
  algorithms: ['RS256'],
  role_mappings: [],
  jwks_uri: 'https://op.example.com/jwks',
  client_id: 'console',
  authorization_endpoint: 'https://op.example.com/auth',
  token_endpoint: 'https://op.example.com/token',
  created_at: '2026-09-01T00:00:00.000Z',
};

async function accepts(claims: object, options: { readonly typ?: string; readonly as?: Partial<Issuer> } = {}) {
  const { typ, as = {} } = options;
  const token = await new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'one', ...(typ !== undefined && { typ }) })
    .setIssuer(issuer.issuer)
    .setAudience('console')
    .setSubject('ada')
    .setIssuedAt(Now / 1_000)
    .setExpirationTime(Now / 1_000 + 600)
    .sign(privateKey);
  return (await verifyUserToken(token, [{ ...issuer, ...as }], () => Promise.resolve(ok(publicKey)), Now)).ok;
}

describe('a token without a type', () => {
  test('that answers a sign-in is an ID token', async () => expect(await accepts({ nonce: 'n' })).toBe(true));
  test.each([
    ['without a nonce', {}],
    ['with an empty nonce', { nonce: '' }],
    ['with a nonce that is none', { nonce: 7 }],
    ['of a logout', { nonce: 'n', events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }],
  ])('is refused %s', async (_, claims) => expect(await accepts(claims)).toBe(false));
  test.each([
    ['where nobody signs in by this issuer', { client_id: null }],
    ['where the audience is not the client', { client_id: 'another' }],
  ])('is refused %s', async (_, as) => expect(await accepts({ nonce: 'n' }, { as })).toBe(false));
});

test('a type that is none of an access token is refused, whatever else the token has', async () => {
  expect(await accepts({ nonce: 'n' }, { typ: 'logout+jwt' })).toBe(false);
  expect(await accepts({}, { typ: 'JWT' })).toBe(true);
});
