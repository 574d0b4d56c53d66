/** A whole tenant as an archive: everything is in it, it comes back exactly, and nothing that was changed is taken. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drill } from '../../scripts/freehold/restore-drill.ts';
import { contentsOf, linesOf, type Line } from '../support/archive-contents.ts';
import { settle } from '../support/platform-with-node.ts';
import { populateTenant, type PopulatedTenant } from '../support/populated-tenant.ts';
import { startTestPlatform, type Answer, type TestPlatform } from '../support/running-platform.ts';

const Passphrase = 'correct horse battery staple';
let from: TestPlatform;
let to: TestPlatform;
let tenant: PopulatedTenant;
let archive: string;

beforeAll(async () => {
  [from, to] = [await startTestPlatform(), await startTestPlatform()];
  tenant = await populateTenant(from, 'acme');
  await settle(from);
  archive = (await exportAt(from)).text;
});
afterAll(async () => {
  await from.stop();
  await to.stop();
});

function exportAt(platform: TestPlatform, body: object = { passphrase: Passphrase }): Promise<Answer> {
  return asOperator(platform, `/operator/v1/tenants/${tenant.id}/export`, { body });
}

function importAt(platform: TestPlatform, text: string, query = '', passphrase = Passphrase): Promise<Answer> {
  return asOperator(platform, `/operator/v1/tenants/import${query}`, {
    rawBody: text,
    headers: { 'content-type': 'application/x-ndjson', 'x-archive-passphrase': passphrase },
  });
}

function asOperator(platform: TestPlatform, path: string, options: object): Promise<Answer> {
  return platform.call('POST', 'localhost', path, { token: platform.secrets.operator_token, ...options });
}

/** As of the archive that everything here begins with. */
const contents = (text: string) => contentsOf(text, archive);

describe('an archive', () => {
  test('holds every text of the tenant, and no secret that works without the passphrase', () => {
    const inSecrets = tenant.canaries.filter((canary) => /secret-value|hook-secret/.test(canary));
    const missing = tenant.canaries.filter((canary) => !archive.includes(canary) && !inSecrets.includes(canary));
    expect(missing).toEqual([]);
    expect(inSecrets).toHaveLength(2);
    for (const secret of inSecrets) expect(archive).not.toContain(secret);
    expect(archive).not.toContain(tenant.key);
    expect(linesOf(archive).at(-1)!.object).toBe('archive.tail');
  });

  test('comes back exactly: exported, imported elsewhere and exported again, it is the same', async () => {
    const imported = await importAt(to, archive);
    expect(imported.status, imported.text).toBe(201);
    const again = (await exportAt(to)).text;
    expect(contents(again)).toEqual(contents(archive));
  });

  test('of a tenant that was imported serves: its keys, its agents, its memories, its secrets', async () => {
    const client = to.client(tenant);
    const answer = await client.require<{ object: string }>('POST', '/v1/responses', {
      model: `agent/${tenant.agentSlug}`,
      input: 'What is the answer?',
    });
    expect(answer.object).toBe('response');
    const chain = await client.require('GET', `/v1/agents/${tenant.ids.agent}/memories/verify`);
    expect(chain).toMatchObject({ valid: true, entries: 12 });
    expect(await client.require('GET', '/v1/audit/verify')).toMatchObject({ valid: true });
    const recalled = await client.require<{ data: { text: string }[] }>(
      'POST',
      `/v1/agents/${tenant.ids.agent}/memories/recall`,
      { query: 'What is the answer?' },
    );
    expect(recalled.data.length).toBeGreaterThan(0);
    expect(await client.require('POST', '/v1/secrets/rotate_key', {})).toMatchObject({
      secrets: 1,
      // With those of the webhook and of the hook.
      versions: 3,
    });
    const trail = await client.require<{ data: { action: string }[] }>('GET', '/v1/audit?action=tenant.*');
    expect(trail.data.map(({ action }) => action)).toContain('tenant.imported');
  });

  test('is not imported over a tenant that is there', async () => {
    expect((await importAt(to, archive)).json()).toMatchObject({ error: { code: 'conflict' } });
    expect((await importAt(from, archive, '?slug=other')).json()).toMatchObject({ error: { code: 'conflict' } });
  });

  test('that was cut goes on from its last whole line, and is then the same archive', async () => {
    const lines = archive.trimEnd().split('\n');
    for (const kept of [3, Math.floor(lines.length / 2), lines.length - 2]) {
      const { cursor, chain } = JSON.parse(lines[kept - 1]!) as Line;
      const rest = await exportAt(from, { passphrase: Passphrase, after: { cursor, chain } });
      expect(contents([...lines.slice(0, kept), rest.text].join('\n'))).toEqual(contents(archive));
    }
  });

  test('without a passphrase leaves the secrets out, and says so', async () => {
    const plain = (await exportAt(from, {})).text;
    expect(linesOf(plain)[0]).toMatchObject({ object: 'archive.head', secrets: 'left out' });
    expect(linesOf(plain).some(({ table }) => /secret|data_key/.test(table ?? ''))).toBe(false);
  });
});

describe('an archive that is not whole', () => {
  const changes: readonly (readonly [name: string, change: (lines: string[]) => string[]])[] = [
    [
      'with a changed cell',
      (lines) =>
        lines.map((line, at) =>
          at === 4 ? line.replace(/[0-9](?=[^0-9]*$)/, (digit) => (digit === '7' ? '8' : '7')) : line,
        ),
    ],
    ['with a line left out', (lines) => lines.toSpliced(5, 1)],
    ['with two lines swapped', (lines) => lines.with(5, lines[6]!).with(6, lines[5]!)],
    ['without its tail', (lines) => lines.slice(0, -1)],
    ['with something after its tail', (lines) => [...lines, lines[3]!]],
    ['of lines that are no JSON', () => ['{', '}']],
    ['of nothing', () => ['']],
  ];
  test.each(changes)('%s is refused, and no tenant comes of it', async (_, change) => {
    const elsewhere = change(archive.trimEnd().split('\n')).join('\n');
    const answer = await importAt(third, elsewhere);
    expect(answer.status, answer.text).toBe(400);
    const listed = await third.operator.require<{ data: unknown[] }>('GET', '/operator/v1/tenants');
    expect(listed.data).toEqual([]);
  });

  test('is refused under a wrong passphrase', async () => {
    expect((await importAt(third, archive, '', 'another passphrase')).json()).toMatchObject({
      error: { code: 'invalid_request', param: 'passphrase' },
    });
  });

  test('is completed by sending it again whole', async () => {
    const lines = archive.trimEnd().split('\n');
    expect((await importAt(third, lines.slice(0, 20).join('\n'))).status).toBe(400);
    const whole = await importAt(third, archive, '?slug=renamed');
    expect(whole.status, whole.text).toBe(201);
    expect(contents((await exportAt(third)).text).filter((row) => !row.includes('"settings"'))).toEqual(
      contents(archive).filter((row) => !row.includes('"settings"')),
    );
    const own = await third.client({ ...tenant, slug: 'renamed' }).require('GET', '/v1/tenant');
    expect(own).toMatchObject({ id: tenant.id, slug: 'renamed' });
  });

  let third: TestPlatform;
  beforeAll(async () => void (third = await startTestPlatform()));
  afterAll(() => third.stop());

  test('is drilled: restored on a platform of its own, every chain of memories verified, with the time it took', async () => {
    const site = { port: from.port, operatorToken: from.secrets.operator_token };
    const report = await drill(site, 'acme');
    expect(report).toMatchObject({ entries: 12, broken: [] });
    expect(report.agents).toBeGreaterThan(1);
    expect(Math.min(report.rtoMs, report.rpoMs)).toBeGreaterThan(0);
    await expect(drill(site, 'nobody')).rejects.toThrow('There is no tenant "nobody"');
  });
});
