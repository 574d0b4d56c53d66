/**
 * A deleted tenant is gone from every store, and that is proven: everything is queried again, and signed. (I-8)
 * Also when the platform ends in the middle of it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { holders } from '../support/holders.ts';
import { verifyCertificate } from '../../scripts/verify-certificate.ts';
import type { TenantDeletion } from '../../shared/contracts/deletions.ts';
import { readIfThere } from '../support/read-if-there.ts';
import { settle } from '../support/platform-with-node.ts';
import { populateTenant, waitUntil, type PopulatedTenant } from '../support/populated-tenant.ts';
import { startTestPlatform, type TestPlatform } from '../support/running-platform.ts';

const Tenants = 20;
let dataDir: string;
let platform: TestPlatform;
let gone: PopulatedTenant[];
let stays: PopulatedTenant;
let certificates: string[];
let agentsBefore: number;

const remove = async (id: string): Promise<TenantDeletion> => {
  const answer = await platform.call('DELETE', 'localhost', `/operator/v1/tenants/${id}`, {
    token: platform.secrets.operator_token,
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.json() as TenantDeletion;
};

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'freehold-'));
  platform = await startTestPlatform({ dataDir });
  stays = await populateTenant(platform, 'stays');
  agentsBefore = (await platform.client(stays).require<{ data: unknown[] }>('GET', '/v1/agents')).data.length;
  gone = [];
  for (let at = 0; at < Tenants; at++) {
    const tenant = await populateTenant(platform, `gone-${at}`);
    await platform.client(tenant).require('POST', `/v1/webhooks/${tenant.ids.webhook}/test`, {});
    gone.push(tenant);
  }
  for (const { ids, ...tenant } of gone) {
    const attempts = `/v1/webhooks/${ids.webhook}/attempts`;
    const client = platform.client(tenant);
    await waitUntil(async () => (await client.require<{ data: unknown[] }>('GET', attempts)).data.length > 0, 60_000);
  }
  await settle(platform);
});
afterAll(async () => {
  await platform.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Files under the data folder that hold any of the texts, the logs among them. */
function filesWith(texts: readonly string[]): string[] {
  const files = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dataDir, name))
    .filter((path) => statSync(path).isFile());
  return files.flatMap((path) => {
    const bytes = readIfThere(path);
    return texts.filter((text) => bytes.includes(text)).map((text) => `${path.slice(dataDir.length + 1)}: ${text}`);
  });
}

/** Every row of every table of D1. */
function rowsOfD1(): string {
  const files = readdirSync(join(dataDir, 'state/d1'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sqlite'))
    .map((name) => join(dataDir, 'state/d1', name));
  return files
    .flatMap((file) => {
      const database = new DatabaseSync(file, { readOnly: true });
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as {
        name: string;
      }[];
      const rows = tables.flatMap(({ name }) => database.prepare(`SELECT * FROM "${name}"`).all());
      database.close();
      return rows.map((row) => JSON.stringify(row));
    })
    .join('\n');
}

describe('a deleted tenant', () => {
  test('has a certificate that names every store, and that anybody can verify without the platform', async () => {
    expect(filesWith([gone[0]!.canaries[0]!]).length).toBeGreaterThan(0);
    certificates = [];
    for (const tenant of gone.slice(0, -1)) {
      await remove(tenant.id);
    }
    for (const tenant of gone.slice(0, -1)) {
      let deletion = await remove(tenant.id);
      await waitUntil(async () => (deletion = await remove(tenant.id)).status === 'done', 60_000);
      certificates.push(deletion.certificate!);
    }
    const jwks = (await platform.call('GET', 'localhost', '/.well-known/jwks.json')).json() as { keys: object[] };
    for (const [at, signed] of certificates.entries()) {
      const certificate = await verifyCertificate(signed, jwks as never);
      expect(certificate).toMatchObject({ sub: gone[at]!.id, slug: gone[at]!.slug });
      const erased = new Map(certificate.stores.map(({ store, erased: rows }) => [store, rows]));
      expect(certificate.stores.every(({ left }) => left === 0)).toBe(true);
      for (const store of ['D1.memories', 'TENANT.keys', 'TENANT.audit', 'AGENT.chain_heads', 'CONVERSATION.items'])
        expect(erased.get(store), store).toBeGreaterThan(0);
      expect(erased.get('VECTOR_SHARD.vectors')).toBe(12);
      expect(erased.get('WEBHOOK_ENDPOINT.attempts')).toBeGreaterThan(0);
      const books = ['D1.invoices', 'D1.usage_daily'];
      expect(certificate.retained.filter(({ store }) => !books.includes(store))).toEqual([]);
      expect(certificate.audit_head.sequence).toBeGreaterThan(10);
    }
    const [head, payload, signature] = certificates[0]!.split('.');
    const forged = Buffer.from(payload!, 'base64url').toString().replace('"left":0', '"left":1');
    const changed = `${head}.${Buffer.from(forged).toString('base64url')}.${signature}`;
    await expect(verifyCertificate(changed, jwks as never)).rejects.toThrow();
  });

  test('answers nobody: not its host, not its keys, not the operator', async () => {
    const [tenant] = gone;
    expect((await platform.call('GET', `${tenant!.slug}.localhost`, '/v1/agents', { token: tenant!.key })).status).toBe(
      404,
    );
    const asked = await platform.call('GET', 'localhost', `/operator/v1/tenants/${tenant!.id}`, {
      token: platform.secrets.operator_token,
    });
    expect(asked.status).toBe(404);
  });

  test('keeps its slug from being used again for a while, which a new tenant is told', async () => {
    const again = await platform.operator.call('POST', '/operator/v1/tenants', { slug: gone[0]!.slug, name: 'x' });
    expect(again).toMatchObject({ status: 409, body: { error: { param: 'slug' } } });
    expect(JSON.stringify(again.body)).toContain('free again from');
  });

  test('is deleted to the end when the platform ends in the middle of it', async () => {
    const last = gone.at(-1)!;
    void platform
      .call('DELETE', 'localhost', `/operator/v1/tenants/${last.id}`, { token: platform.secrets.operator_token })
      .catch(() => {});
    await waitUntil(async () => {
      const found = await platform.operator.call('GET', `/operator/v1/tenants/${last.id}`);
      return (found.body as { status?: string }).status === 'deleting';
    });
    await platform.stop();
    platform = await startTestPlatform({ dataDir });
    await waitUntil(
      async () => (await platform.operator.call('GET', `/operator/v1/tenants/${last.id}`)).status === 404,
      60_000,
    );
    expect((await remove(last.id)).status).toBe('done');
  });

  test('has left nothing in any file: not in an object, not in D1, not in an index, not in a log', async () => {
    const canaries = gone.flatMap((tenant) => tenant.canaries);
    expect(canaries.length).toBeGreaterThanOrEqual(Tenants * 40);
    const kept = await platform.client(stays).require<{ data: unknown[] }>('GET', '/v1/agents');
    expect(kept.data).toHaveLength(agentsBefore);
    expect(await platform.client(stays).require('GET', `/v1/agents/${stays.ids.agent}/memories/verify`)).toMatchObject({
      valid: true,
      entries: 12,
    });
    await platform.stop();
    // workerd itself logs the names that it could not reach: a claimed hostname's own server.
    const logged = (line: string) => line.startsWith('platform.log') && line.includes('-hostname-');
    // Pages that SQLite split or emptied may keep bytes that no query reaches: what every query of D1 says is read instead.
    const inPages = (line: string) => line.startsWith('state/d1/');
    expect(filesWith(canaries).filter((line) => !logged(line) && !inPages(line))).toEqual([]);
    const rows = rowsOfD1();
    expect(rows).toContain(stays.canaries.find((canary) => canary.includes('-memory-')));
    expect(canaries.filter((canary) => rows.includes(canary))).toEqual([]);
    expect(filesWith(stays.canaries.slice(0, 4)).length).toBeGreaterThan(0);
    platform = await startTestPlatform({ dataDir });
  });

  test("is on the operator's audit trail, which holds", async () => {
    const trail = await platform.operator.require<{ data: { target: string; details: { operation: string } }[] }>(
      'GET',
      '/operator/v1/audit?limit=100',
    );
    const deleted = trail.data
      .filter(({ details }) => details.operation === 'tenantDeleted')
      .map(({ target }) => target);
    expect(deleted.sort()).toEqual(gone.map(({ id }) => id).sort());
    expect(await platform.operator.require('GET', '/operator/v1/audit/verify')).toMatchObject({ valid: true });
  });
});

test('the registry of what holds a tenant names every class of wrangler.toml and every table of D1', () => {
  const toml = readFileSync(join(import.meta.dirname, '../../wrangler.toml'), 'utf8');
  const bindings = [...toml.matchAll(/\[\[durable_objects\.bindings\]\][^[]*?name = "(\w+)"/g)].map(
    (match) => match[1],
  );
  expect(bindings.length).toBeGreaterThanOrEqual(6);
  expect(Object.keys(holders).sort()).toEqual(bindings.sort());
  const folder = join(import.meta.dirname, '../../migrations');
  const sql = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  const tables = [...sql.matchAll(/CREATE TABLE (\w+) \(([\s\S]*?)\n\)/g)];
  const withoutTenant = tables.filter(([, , body]) => !/\btenant_id\b/.test(body!)).map(([, name]) => name);
  expect(withoutTenant.sort()).toEqual(platformTables);
});

/** Tables of D1 that hold nothing of one tenant but its directory entry, its tombstone, and that the operator named it. */
const platformTables = ['deleted_tenants', 'model_revisions', 'plan_terms', 'plans', 'prices', 'rates', 'tenants'];
