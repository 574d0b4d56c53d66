/**
 * Revoked is revoked everywhere within a second: on the hot path of a warm isolate, in a tenant's object that was away,
 * in a new process, and in streams that are open. (I-7)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

const Calls = 1_000;
const BoundMs = 1_000;
const dataDir = mkdtempSync(join(tmpdir(), 'freehold-revocation-'));
let platform: TestPlatform | undefined;
afterAll(async () => {
  await platform?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

type Key = { readonly id: string; readonly secret: string };
const chat = { model: 'freehold/extractive', messages: [{ role: 'user', content: 'hello' }], max_tokens: 5 };

/** Every way in that a key has, the one that is admitted out of a lease most often. */
async function use(at: TestPlatform, { secret: token }: Key, nth: number): Promise<number> {
  if (nth % 5 === 0) return (await at.call('GET', 'acme.localhost', '/v1/agents', { token })).status;
  const body = { ...chat, stream: nth % 5 === 1 };
  return (await at.call('POST', 'acme.localhost', '/v1/chat/completions', { token, body })).status;
}

async function useMany(at: TestPlatform, keys: readonly Key[], begunAfter: number): Promise<number[]> {
  const late: number[] = [];
  let next = 0;
  const client = async () => {
    for (let nth = next++; nth < Calls; nth = next++) {
      const begun = performance.now();
      const status = await use(at, keys[nth % keys.length]!, nth);
      if (begun > begunAfter) late.push(status);
    }
  };
  await Promise.all(Array.from({ length: 20 }, client));
  return late;
}

test(`of ${Calls} calls with revoked keys none that begins after the second is accepted, warm or cold`, async () => {
  platform = await startTestPlatform({ dataDir });
  const tenant: CreatedTenant = await platform.createTenant('acme');
  const client = platform.client(tenant);
  const keys = await Promise.all(
    Array.from({ length: 10 }, () => client.require<Key>('POST', '/v1/keys', { name: 'k' })),
  );
  // Warm: grants are held for each of them, and go on being drawn on while they are revoked.
  const warm = useMany(platform, keys, Number.POSITIVE_INFINITY);
  await Promise.all(keys.map((key) => client.require('POST', `/v1/keys/${key.id}/revoke`, {})));
  const revokedAt = performance.now();
  await warm;
  const late: number[] = [];
  while (late.length < Calls) late.push(...(await useMany(platform, keys, revokedAt + BoundMs)));
  expect(new Set(late)).toEqual(new Set([401]));

  // Cold: a process that has never seen them, with nothing but what is on disk.
  await platform.stop();
  platform = undefined;
  platform = await startTestPlatform({ dataDir });
  expect(new Set(await useMany(platform, keys, 0))).toEqual(new Set([401]));
  expect(await use(platform, { id: tenant.keyId, secret: tenant.key }, 2)).toBe(200);
});
