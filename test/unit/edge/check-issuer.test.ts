/** An issuer with a client is registered with the endpoints of its discovery document, or not at all. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createIssuer } from '../../../shared/contracts/issuers.ts';
import { Allowlist } from '../../../shared/egress/allowlist.ts';
import { Egress } from '../../../shared/egress/egress.ts';
import { checkIssuer } from '../../../workers/edge/issuers/discover.ts';
import { policyWith } from '../../../workers/http/page.ts';
import { LocalIssuer } from '../../support/local-issuer.ts';

const allowlist = Allowlist.parse('127.0.0.1');
const egress = new Egress(allowlist.ok ? allowlist.value : Allowlist.none);
let op: LocalIssuer;

beforeAll(async () => {
  op = await LocalIssuer.start(['ES256']);
});
afterAll(() => op.stop());
beforeEach(() => {
  op.discoveryFetches = 0;
  op.discovery = { authorization_endpoint: `${op.url}/auth`, token_endpoint: `${op.url}/token` };
});

const check = (change: object = {}) =>
  checkIssuer(createIssuer.parse({ issuer: op.url, audience: 'freehold', client_id: 'console', ...change }), egress);

test('its endpoints come with its keys, by one fetch', async () => {
  const value = { authorization_endpoint: `${op.url}/auth`, token_endpoint: `${op.url}/token` };
  expect(await check()).toEqual({ ok: true, value });
  expect(await check({ jwks_uri: `${op.url}/jwks` })).toEqual({ ok: true, value });
  expect(op.discoveryFetches).toBe(2);
});

test('without a client it has none, and with its keys named nothing is fetched', async () => {
  const value = { authorization_endpoint: null, token_endpoint: null };
  expect(await check({ client_id: null })).toEqual({ ok: true, value });
  expect(await check({ client_id: null, jwks_uri: `${op.url}/jwks` })).toEqual({ ok: true, value });
  expect(op.discoveryFetches).toBe(1);
});

test.for([
  ['no token endpoint', { token_endpoint: undefined }],
  ['a script for an endpoint', { authorization_endpoint: 'javascript:alert(1)' }],
  ['an endpoint inside', { token_endpoint: 'http://10.0.0.1/token' }],
  ['another issuer', { issuer: 'https://evil.example' }],
] as const)('a document with %s is refused, with what to do', async ([, discovery]) => {
  op.discovery = { ...op.discovery, ...discovery };
  const failure = {
    code: 'invalid_request',
    param: 'issuer',
    message: expect.stringContaining('"client_id"') as string,
  };
  expect(await check()).toMatchObject({ ok: false, failure });
});

test('an endpoint in the policy of a page is that one source, whatever it is made of', () => {
  const asks = ["https://id.example:8443/a;script-src 'unsafe-inline',b?p=1;x"];
  expect(policyWith('n', { asks })).toContain(
    "; connect-src 'self' https://id.example:8443/a%3Bscript-src%20'unsafe-inline'%2Cb; font-src",
  );
  expect(policyWith('n', {})).toContain("; connect-src 'self'; font-src");
});
