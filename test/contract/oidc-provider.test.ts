/**
 * A certified OpenID provider as the issuer of a tenant's people: its own discovery, its own access tokens (RFC 9068), and
 * its keys as they rotate. (S-1, S-3)
 */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, type JWK } from 'jose';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';

const Audience = 'https://freehold.example/api';

let platform: TestPlatform;
let server: Server;
let handle: RequestListener;
let url: string;
let jwksFetches = 0;
let keys: readonly [JWK, JWK, JWK];
let acme: CreatedTenant;
let late: CreatedTenant;

async function makeKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' };
}

/** Signs with the first of its keys, and publishes all of them. */
function provide(published: readonly JWK[]): void {
  const provider = new Provider(url, {
    jwks: { keys: published },
    clients: [
      {
        client_id: 'robot',
        client_secret: 'robot-secret',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    extraTokenClaims: () => ({ realm: { roles: ['viewer'] } }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => Audience,
        getResourceServerInfo: (_: unknown, resource: string) => ({
          scope: '',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  const answer = provider.callback();
  handle = (request, response) => {
    if (request.url === '/jwks') jwksFetches++;
    void answer(request, response);
  };
}

async function askForToken(resource = Audience): Promise<string> {
  const answer = await fetch(`${url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('robot:robot-secret').toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
  });
  const { access_token: token, ...rest } = (await answer.json()) as { access_token?: string };
  if (!token) throw new Error(`no token: ${JSON.stringify(rest)}`);
  return token;
}

const statusOf = async (tenant: CreatedTenant, token: string, path = '/v1/agents') =>
  (await platform.call('GET', `${tenant.slug}.localhost`, path, { token })).status;
const register = (tenant: CreatedTenant) =>
  platform.client(tenant).require('POST', '/v1/issuers', {
    issuer: url,
    audience: Audience,
    role_mappings: [{ claim: '/realm/roles', value: 'viewer', role: 'viewer' }],
  });

beforeAll(async () => {
  platform = await startTestPlatform({ vars: { EGRESS_ALLOW: '127.0.0.1' } });
  [acme, late] = [await platform.createTenant('acme'), await platform.createTenant('late')];
  keys = [await makeKey('first'), await makeKey('second'), await makeKey('third')];
  server = createServer((request, response) => handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provide([keys[0], keys[1]]);
  await register(acme);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await platform.stop();
});

test("an access token of the provider opens what its claims' role allows, and no more", async () => {
  const token = await askForToken();
  expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'RS256', kid: 'first' });
  expect(await statusOf(acme, token)).toBe(200);
  expect(await statusOf(acme, token, '/v1/keys')).toBe(403);
  expect(await statusOf(late, token)).toBe(401);
});

test('a token for another audience is refused', async () => {
  expect(await statusOf(acme, await askForToken('https://other.example/api'))).toBe(401);
});

test('its keys rotate: with overlap nobody is refused, without it only the new one opens where it is first seen', async () => {
  const [old, fetchesBefore] = [await askForToken(), jwksFetches];
  provide([keys[1], keys[0]]);
  const next = await askForToken();
  expect(decodeProtectedHeader(next)).toMatchObject({ kid: 'second' });
  for (const token of [old, next]) expect(await statusOf(acme, token)).toBe(200);
  expect(jwksFetches).toBe(fetchesBefore);
  provide([keys[2]]);
  const sudden = await askForToken();
  const statuses = await Promise.all(Array.from({ length: 50 }, () => statusOf(acme, sudden)));
  // Within the cooldown nobody is asked again, so the key is not known yet: refused, never believed.
  expect(new Set(statuses)).toEqual(new Set([401]));
  expect(jwksFetches - fetchesBefore).toBeLessThanOrEqual(1);
  await register(late);
  await waitUntil('the registration is known', async () => (await statusOf(late, sudden)) === 200);
  for (const token of [old, next]) expect(await statusOf(late, token)).toBe(401);
});

test('a token is revoked by its id, in every spelling, and the others of its bearer stand', async () => {
  provide([keys[1], keys[0]]);
  const [leaked, other] = [await askForToken(), await askForToken()];
  const chat = (token: string) =>
    platform.call('POST', 'acme.localhost', '/v1/responses/resp_none/cancel', { token }).then(({ status }) => status);
  expect([await statusOf(acme, leaked), await statusOf(acme, other)]).toEqual([200, 200]);
  const { jti } = decodeJwt(leaked);
  const revoked = await platform.client(acme).require('POST', '/v1/tokens/revoke', { issuer: url, jti });
  expect(revoked).toMatchObject({ object: 'token.revocation', jti });
  const padded = `${leaked}${'='.repeat((4 - (leaked.split('.')[2]!.length % 4)) % 4)}`;
  expect([await statusOf(acme, leaked), await statusOf(acme, padded), await chat(leaked)]).toEqual([401, 401, 401]);
  expect(await statusOf(acme, other)).toBe(200);
});
