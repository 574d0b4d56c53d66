/** The platform's own key changes: what was signed before stays good until the overlap ends, what comes after is new. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader, exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, expect, test } from 'vitest';
import type { Secrets } from '../../scripts/platform.ts';
import { startTestPlatform, type TestPlatform } from '../support/running-platform.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'freehold-rotation-'));
let platform: TestPlatform | undefined;
afterAll(async () => {
  await platform?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

type Session = { readonly token: string; readonly visitor: string };

async function restart(change: (secrets: Secrets) => Secrets): Promise<TestPlatform> {
  await platform?.stop();
  platform = undefined;
  const path = join(dataDir, 'secrets.json');
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Secrets)));
  platform = await startTestPlatform({ dataDir });
  return platform;
}

async function makeKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  return { ...(await exportJWK(privateKey)), kid };
}

const openSession = async (at: TestPlatform, token?: string) =>
  (await at.call('POST', 'acme.localhost', '/v1/sessions', { body: token ? { token } : {} })).json() as Session;
const visits = async (at: TestPlatform, token: string) =>
  (await at.call('GET', 'acme.localhost', '/v1/conversations', { token })).status;
const kids = async (at: TestPlatform) =>
  ((await at.call('GET', 'localhost', '/.well-known/jwks.json')).json() as { keys: JWK[] }).keys.map((key) => {
    expect(key).not.toHaveProperty('d');
    return key.kid;
  });

test('a session signed before the change is good during the overlap and not after it; new ones carry the new key', async () => {
  platform = await startTestPlatform({ dataDir });
  const tenant = await platform.createTenant('acme');
  const client = platform.client(tenant);
  await client.require('POST', '/v1/agents', { slug: 'a', name: 'A', definition: { model: 'freehold/extractive' } });
  const before = await openSession(platform);
  const old = platform.secrets.platform_key;
  expect(await kids(platform)).toEqual([old.kid]);

  const next = await makeKey('next');
  let at = await restart((secrets) => ({ ...secrets, platform_key: next, previous_platform_key: old }));
  expect(await kids(at)).toEqual(['next', old.kid]);
  expect(await visits(at, before.token)).toBe(200);
  const after = await openSession(at, before.token);
  expect(after.visitor).toBe(before.visitor);
  expect(decodeProtectedHeader(after.token).kid).toBe('next');
  const answered = await at.call('POST', 'acme.localhost', '/v1/chat/completions', {
    token: after.token,
    body: { model: 'agent/a', messages: [{ role: 'user', content: 'hello' }] },
  });
  expect(answered.status).toBe(200);

  at = await restart(({ operator_token, platform_key }) => ({ operator_token, platform_key }));
  expect(await kids(at)).toEqual(['next']);
  expect(await visits(at, before.token)).toBe(401);
  expect(await visits(at, after.token)).toBe(200);
});

test('a session is revoked by its id, and the other sessions of the same visitor stand', async () => {
  const at = platform!;
  const [leaked, other] = [await openSession(at), await openSession(at)];
  const { jti } = JSON.parse(Buffer.from(leaked.token.split('.')[1]!, 'base64url').toString()) as { jti: string };
  const { data } = await at.operator.require<{ data: { id: string }[] }>('GET', '/operator/v1/tenants');
  const { secret } = await at.operator.require<{ secret: string }>('POST', `/operator/v1/tenants/${data[0]!.id}/keys`, {
    name: 'k',
  });
  const revoked = await at.call('POST', 'acme.localhost', '/v1/tokens/revoke', {
    token: secret,
    body: { issuer: 'freehold', jti },
  });
  expect(revoked.status).toBe(200);
  expect([await visits(at, leaked.token), await visits(at, other.token)]).toEqual([401, 200]);
});
