/**
 * kill -9 of everything in the middle of a tenant's deletion, and in the middle of its import: the deletion goes on by
 * itself to a certificate that holds, the import is sent again, and nobody ever reaches half a tenant. (R-13, I-8)
 * FREEHOLD_LIFECYCLE_KILLS lengthens it.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LocalClient } from '../../scripts/local-client.ts';
import { verifyCertificate } from '../../scripts/verify-certificate.ts';
import type { TenantDeletion } from '../../shared/contracts/deletions.ts';
import { contentsOf } from '../support/archive-contents.ts';
import { readIfThere } from '../support/read-if-there.ts';
import { findFreePort } from '../../scripts/find-free-port.ts';
import { StartedProcess } from '../support/started-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const Kills = Number(process.env['FREEHOLD_LIFECYCLE_KILLS'] ?? 2);
const Canary = 'canary-of-the-first-agent';
const Agents = 8;
const Conversations = 48;
const texts = Array.from({ length: Conversations }, (_, at) => `Text number ${at}.`);
const dataDir = mkdtempSync(join(tmpdir(), 'freehold-life-'));
let port = 0;
let started: StartedProcess;
let operator: LocalClient;
let tenant: { readonly id: string; readonly admin_key: { readonly secret: string } };
let archive = '';

beforeAll(async () => {
  port = await findFreePort();
  await start();
  tenant = await operator.require('POST', '/operator/v1/tenants', { slug: 'acme', name: 'Acme' });
  const client = asTenant();
  for (let at = 0; at < Agents; at++) {
    const name = at === 0 ? Canary : `Agent ${at}`;
    await client.require('POST', '/v1/agents', { slug: `agent-${at}`, name });
    await client.require('POST', `/v1/agents/agent-${at}/memories`, { text: `Fact number ${at}.` });
  }
  for (const content of texts)
    await client.require('POST', '/v1/conversations', { items: [{ role: 'user', content }] });
  // Of one moment: nothing is on its way any more.
  await waitUntil('two exports are the same', async () => {
    const before = archive;
    archive = await exportAll();
    return before !== '' && isDeepStrictEqual(contentsOf(before, before), contentsOf(archive, before));
  });
});
afterAll(async () => {
  await started.killGroup();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  started = await StartedProcess.start(dataDir, ['--no-demo', '--port', String(port)], { FREEHOLD_NODES: '[]' });
  operator = new LocalClient(port, 'localhost', started.dev.operator_token);
}

async function killAndStart(): Promise<void> {
  await started.killGroup();
  await start();
}

const asTenant = () => new LocalClient(port, 'acme.localhost', tenant.admin_key.secret);
const remove = () => operator.require<TenantDeletion>('DELETE', `/operator/v1/tenants/${tenant.id}`);
const find = () => operator.call('GET', `/operator/v1/tenants/${tenant.id}`);

function send(path: string, body: string | PassThrough, type: string) {
  const headers = {
    host: `localhost:${port}`,
    authorization: `Bearer ${started.dev.operator_token}`,
    'content-type': type,
  };
  return request(`http://127.0.0.1:${port}/operator/v1/tenants/${path}`, { method: 'POST', headers, body });
}

async function exportAll(): Promise<string> {
  const answer = await send(`${tenant.id}/export`, '{}', 'application/json');
  expect(answer.statusCode).toBe(200);
  return answer.body.text();
}

/** Whether any object's file holds the text. */
function isOnDisk(text: string): boolean {
  return readdirSync(join(dataDir, 'state'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(dataDir, 'state', name))
    .filter((path) => !path.includes('/d1/') && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false))
    .some((path) => readIfThere(path).includes(text));
}

test(`a deletion that is killed ${Kills} times goes on by itself, to a certificate that holds`, async () => {
  expect(isOnDisk(Canary)).toBe(true);
  // Waits for the end of it, which the first kill cuts.
  const asked = remove().catch(() => undefined);
  const isBegun = async () => ((await find()).body as { status?: string }).status === 'deleting';
  await waitUntil('the deletion has begun', isBegun, { withinMs: 60_000 });
  await killAndStart();
  await asked;
  for (let killed = 1; killed < Kills; killed++) {
    const isErasing = async () => texts.some((text) => !isOnDisk(text)) || (await find()).status === 404;
    await waitUntil('some of its objects are empty', isErasing, { withinMs: 60_000 });
    await killAndStart();
    expect((await asTenant().call('GET', '/v1/agents')).status, 'nobody is served out of what is left').toBe(404);
  }
  await waitUntil('the tenant is gone', async () => (await find()).status === 404, { withinMs: 90_000 });
  const { certificate } = await remove();
  const jwks = await operator.require<object>('GET', '/.well-known/jwks.json');
  const { sub, stores } = await verifyCertificate(certificate!, jwks as never);
  expect(sub).toBe(tenant.id);
  expect(stores.filter(({ left }) => left !== 0)).toEqual([]);
  expect(stores.map(({ store }) => store)).toEqual(
    expect.arrayContaining(['TENANT.agents', 'AGENT.chain_heads', 'CONVERSATION.items', 'D1.memories']),
  );
  expect(isOnDisk(Canary)).toBe(false);
});

test(`an import that is killed ${Kills} times shows nobody half a tenant, and sent again it is whole`, async () => {
  const lines = archive.split(/(?<=\n)/);
  for (let kill = 1; kill <= Kills; kill++) {
    const body = new PassThrough();
    const cut = send('import', body, 'application/x-ndjson').catch(() => undefined);
    body.on('error', () => {});
    body.write(lines.slice(0, Math.ceil((lines.length * kill) / (Kills + 1))).join(''));
    await waitUntil('some of the archive is on disk', () => isOnDisk(Canary), { withinMs: 60_000 });
    expect((await find()).status).toBe(404);
    await killAndStart();
    await cut;
    body.destroy();
    expect((await find()).status).toBe(404);
    expect((await asTenant().call('GET', '/v1/agents')).status).not.toBe(200);
  }
  const whole = await send('import', archive, 'application/x-ndjson');
  expect([whole.statusCode, await whole.body.text()]).toEqual([201, expect.stringContaining(tenant.id)]);
  expect(contentsOf(await exportAll(), archive)).toEqual(contentsOf(archive, archive));
  const client = asTenant();
  for (let at = 0; at < Agents; at++)
    expect(await client.require('GET', `/v1/agents/agent-${at}/memories/verify`)).toMatchObject({ valid: true });
  expect(await client.require('GET', '/v1/audit/verify')).toMatchObject({ valid: true });
});
