/**
 * Secrets, the audit trail and the rotation of keys over the whole platform: no value is ever found in plain, every
 * management route leaves an entry, and the exported trail is verified without the platform. (S-4, S-5, M-3)
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEntry, AuditVerification } from '../../shared/contracts/audit.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import { fillPath, readApi, type Api, type Operation } from '../support/api-operations.ts';
import { sampleBodies } from '../support/api-samples.ts';
import { readIfThere } from '../support/read-if-there.ts';
import { populateTenant, waitUntil, type PopulatedTenant } from '../support/populated-tenant.ts';
import { startTestPlatform, type Answer, type TestPlatform } from '../support/running-platform.ts';

let platform: TestPlatform;
let api: Api;
let acme: PopulatedTenant;
const Host = 'acme.localhost';

beforeAll(async () => {
  platform = await startTestPlatform();
  api = await readApi(platform);
  acme = await populateTenant(platform, 'acme');
});
afterAll(() => platform.stop());

const post = (path: string, body?: object, headers?: Readonly<Record<string, string>>): Promise<Answer> =>
  platform.call('POST', Host, path, { token: acme.key, ...(body ? { body } : {}), ...(headers ? { headers } : {}) });
const get = (path: string, token = acme.key): Promise<Answer> => platform.call('GET', Host, path, { token });
const latest = async (limit = 5): Promise<AuditEntry[]> =>
  ((await get(`/v1/audit?limit=${limit}`)).json() as { data: AuditEntry[] }).data;

/** In every spelling in which it could lie on a disk. */
function spellings(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const utf16 = [...value].join('\u0000');
  return [value, utf16, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')];
}

function findOnDisk(values: readonly string[]): string[] {
  const files = readdirSync(platform.dataDir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(platform.dataDir, name))
    .filter((path) => statSync(path).isFile());
  expect(files.some((file) => file.endsWith('platform.log'))).toBe(true);
  return files.flatMap((file) => {
    const text = readIfThere(file);
    return values
      .filter((value) => spellings(value).some((each) => text.includes(each)))
      .map((value) => `${file}: ${value}`);
  });
}

describe("a secret's value", () => {
  test('of fifty, written, repeated, refused, rotated and deleted, is nowhere on disk, in logs or in answers', async () => {
    const values: string[] = [];
    const value = (what: string) => {
      const text = `vault-canary-${what}-${values.length}`;
      values.push(text);
      return text;
    };
    const answers: Answer[] = [];
    for (let at = 0; at < 50; at++) {
      const name = `canary_${at}`;
      const body = { name, value: value('first') };
      const headers = at % 2 ? { 'idempotency-key': `secret-${at}` } : {};
      answers.push(await post('/v1/secrets', body, headers), await post('/v1/secrets', body, headers));
      answers.push(
        await post(
          `/v1/secrets/${name}/rotate`,
          { value: value('second') },
          at % 3 ? {} : { 'idempotency-key': `rotate-${at}` },
        ),
      );
      answers.push(await get(`/v1/secrets/${name}`));
    }
    // Refused for every reason that there is: no refusal says, logs or keeps what it was given.
    answers.push(await post('/v1/secrets', { name: 'BAD NAME', value: value('refused') }));
    answers.push(await post('/v1/secrets', { name: 'long', value: value('refused').repeat(2_000) }));
    answers.push(await post('/v1/secrets', { name: 'more', value: value('refused'), note: value('refused') }));
    answers.push(await post('/v1/secrets/nobody/rotate', { value: value('refused') }));
    answers.push(
      await platform.call('POST', Host, '/v1/secrets', {
        token: acme.key,
        rawBody: `{"name":"x","value":"${value('refused')}`,
      }),
    );
    answers.push(
      await platform.call('POST', Host, '/v1/secrets', {
        token: acme.visitor,
        body: { name: 'x', value: value('refused') },
      }),
    );
    answers.push(await platform.call('POST', Host, '/v1/secrets', { body: { name: 'x', value: value('refused') } }));
    expect(answers.slice(-7).map(({ status }) => status)).toEqual([400, 400, 400, 404, 400, 403, 401]);
    expect(answers.slice(0, -7).filter(({ status }) => ![200, 201, 409].includes(status))).toEqual([]);
    answers.push(await post('/v1/secrets/rotate_key'));
    expect(answers.at(-1)!.json()).toMatchObject({ object: 'secrets.data_key', generation: 2 });
    for (let at = 0; at < 25; at++)
      answers.push(await platform.call('DELETE', Host, `/v1/secrets/canary_${at}`, { token: acme.key }));
    expect(answers.at(-1)!.json()).toEqual({ object: 'secret.deleted', name: 'canary_24', deleted: true });
    for (const path of ['/v1/secrets?limit=100', '/v1/audit?limit=100', '/v1/audit/export'])
      answers.push(await get(path));
    const told = answers.map(({ text, headers }) => `${text}${JSON.stringify(headers)}`).join('\n');
    expect(values.filter((each) => told.includes(each))).toEqual([]);
    expect(findOnDisk(values)).toEqual([]);
    // The search finds what is kept in plain: an agent's instructions are.
    expect(findOnDisk([acme.canaries[1]!])).not.toEqual([]);
  });

  test('is in no answer of any route to its own tenant', async () => {
    const value = acme.canaries.find((canary) => canary.includes('secret-value'))!;
    for (const operation of api.operations.filter(({ access, method }) => access === 'tenant' && method === 'GET')) {
      expect((await get(fillPath(operation.path, acme.ids))).text, operation.id).not.toContain(value);
    }
    for (const { id, responses } of api.operations.filter(({ path }) => path.startsWith('/v1/secrets'))) {
      expect(JSON.stringify(Object.entries(responses).filter(([status]) => status < '300')), id).not.toContain(
        '"value"',
      );
    }
  });
});

/** What each route that changes something leaves on the trail; every route that is not here has its reason. */
const left: Readonly<Record<string, string>> = {
  // First: stopping its agent cancels what waits for it.
  approveApproval: 'approval.approved',
  createAgent: 'agent.created',
  createAgentVersion: 'agent.version_created',
  updateAgent: 'agent.updated',
  publishAgent: 'agent.published',
  rollbackAgent: 'agent.rolled_back',
  suspendAgent: 'agent.suspended',
  resumeAgent: 'agent.resumed',
  createGoal: 'agent.state_changed',
  updateGoal: 'agent.state_changed',
  deleteGoal: 'agent.state_changed',
  updatePersona: 'agent.state_changed',
  resetPersona: 'agent.state_changed',
  createProtocolHook: 'agent.state_changed',
  updateProtocolHook: 'agent.state_changed',
  deleteProtocolHook: 'agent.state_changed',
  stopTenant: 'tenant.stopped',
  resumeTenant: 'tenant.resumed',
  createKey: 'key.created',
  rotateKey: 'key.rotated',
  revokeKey: 'key.revoked',
  createIssuer: 'issuer.created',
  revokeToken: 'token.revoked',
  createMember: 'member.created',
  updateMember: 'member.updated',
  deleteMember: 'member.deleted',
  updateIssuer: 'issuer.updated',
  deleteIssuer: 'issuer.deleted',
  createAlert: 'alert.created',
  updateAlert: 'alert.updated',
  deleteAlert: 'alert.deleted',
  createBudget: 'budget.created',
  updateBudget: 'budget.updated',
  deleteBudget: 'budget.deleted',
  createHook: 'hook.created',
  updateHook: 'hook.updated',
  deleteHook: 'hook.deleted',
  createWebhook: 'webhook.created',
  updateWebhook: 'webhook.updated',
  rotateWebhookSecret: 'webhook.secret_rotated',
  deleteWebhook: 'webhook.deleted',
  createSecret: 'secret.created',
  rotateSecret: 'secret.rotated',
  rotateDataKey: 'secrets.key_rotated',
  deleteSecret: 'secret.deleted',
  deleteAgent: 'agent.deleted',
  updateBranding: 'branding.updated',
  correctEntry: 'entry.corrected',
  grantCredit: 'credit.granted',
  setTenantTerms: 'terms.changed',
  createDomain: 'domain.created',
  deleteDomain: 'domain.deleted',
  createExport: 'tenant.exported',
  exportTenant: 'tenant.exported',
  updateTenant: 'tenant.updated',
  createTenantKey: 'key.created',
  createTenant: 'tenant.created',
  suspendTenant: 'tenant.suspended',
  reactivateTenant: 'tenant.reactivated',
};
/**
 * Not management of a tenant: the use of what is there, or the operator's own. No month of a new tenant can be closed yet;
 * its entry is looked for in test/integration/tenant-billing.test.ts.
 */
const using = /^(inference|conversations|memories|tasks|sessions):/;
const operators = new Set([
  'closeInvoice',
  'createEnrolment',
  'revokeBridge',
  'drainNode',
  'resumeNode',
  'registerModel',
  'rollBackModel',
  'unregisterModel',
  'setPlanTerms',
  'setPrice',
  'setRate',
  'createPlan',
  'updatePlan',
  'deletePlan',
  'importTenant',
  'deleteTenant',
]);
/** Asks for what happens by itself as well, and changes nothing; what comes of it has an entry or an event. */
const asking = new Set(['verifyDomain', 'testWebhook', 'replayWebhook']);
/** An approval is decided once, and a tool is approved by the hash of what was read: their samples are refused. */
const refused = new Set(['denyApproval', 'approveMcpTool']);

describe('the audit trail', () => {
  test('has an entry of every route that manages something, with who did it', async () => {
    const managing = api.operations.filter(
      ({ id, access, method, permission }) =>
        method !== 'GET' &&
        access !== 'public' &&
        !using.test(permission ?? '') &&
        !operators.has(id) &&
        !asking.has(id) &&
        !refused.has(id),
    );
    expect(managing.map(({ id }) => id).sort()).toEqual(Object.keys(left).sort());
    const order = Object.keys(left);
    const inOrder = managing.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    for (const operation of inOrder) {
      const { answer, tenant, token } = await manage(operation);
      expect([200, 201], `${operation.id}: ${answer.text}`).toContain(answer.status);
      const { data } = (await platform.call('GET', `${tenant}.localhost`, '/v1/audit?limit=2', { token })).json() as {
        data: AuditEntry[];
      };
      if (operation.id === 'suspendTenant') continue;
      const entry = data.find(({ action }) => action === left[operation.id]);
      expect(entry, `${operation.id}: ${JSON.stringify(data)}`).toBeDefined();
      const who =
        operation.access === 'operator' ? { kind: 'operator', id: 'operator' } : { kind: 'key', id: acme.keyId };
      expect(entry!.actor, operation.id).toEqual(who);
    }
    const actions = (await latest(3)).map(({ action }) => action);
    expect(actions).toContain('tenant.suspended');
    expect((await verification()).valid).toBe(true);
  });

  async function manage(operation: Operation): Promise<{ answer: Answer; tenant: string; token: string }> {
    const apex = operation.host === 'apex';
    const body = operation.body ? { body: sampleBodies[operation.id]!(acme) } : {};
    const answer = await platform.call(
      operation.method,
      apex ? 'localhost' : Host,
      fillPath(operation.path, acme.ids),
      {
        token: apex ? platform.secrets.operator_token : acme.key,
        ...body,
      },
    );
    if (operation.id !== 'createTenant') return { answer, tenant: 'acme', token: acme.key };
    const made = answer.json() as { slug: string; admin_key: { secret: string } };
    return { answer, tenant: made.slug, token: made.admin_key.secret };
  }

  const verification = async () => (await get('/v1/audit/verify')).json() as AuditVerification;

  test('has an entry of credentials that were refused, here and at the edge, and none of a request without one', async () => {
    const before = await latest(1);
    await platform.call('GET', Host, '/v1/agents');
    expect(await latest(1)).toEqual(before);
    const forged = `${acme.key.slice(0, -1)}${acme.key.endsWith('0') ? '1' : '0'}`;
    for (const token of [forged, 'nonsense', `${acme.visitor.slice(0, -4)}AAAA`]) await get('/v1/agents', token);
    const failures = async () => (await latest(10)).filter(({ action }) => action === 'auth.failed');
    const times = (entries: readonly AuditEntry[]) =>
      entries.reduce((sum, { details }) => sum + Number(details['times']), 0);
    const known = times(await failures());
    await waitUntil(async () => times(await failures()) >= Math.max(3, known));
    expect((await failures())[0]).toMatchObject({ actor: { kind: 'anonymous' }, outcome: 'refused', target: null });
    const other = await platform.createTenant('other');
    const [, id, , sum] = other.key.split('_');
    expect([id, sum].every(Boolean)).toBe(true);
    expect((await get('/v1/agents', other.key)).status).toBe(401);
    expect((await failures())[0]).toMatchObject({
      actor: { kind: 'key', id: other.keyId },
      details: { reason: 'unknown key' },
    });
    expect(JSON.stringify(await latest(20))).not.toContain(other.key.split('_')[2]);
  });

  test('is exported whole, and verified without the platform; an export with a line changed is not', async () => {
    const exported = await get('/v1/audit/export');
    expect(exported.headers['content-type']).toBe('application/x-ndjson');
    const file = join(platform.dataDir, 'audit.jsonl');
    const run = (text: string, ...options: string[]) => {
      writeFileSync(file, text);
      return spawnSync(process.execPath, ['scripts/verify-audit.ts', file, ...options], {
        cwd: repositoryRoot,
        encoding: 'utf8',
      });
    };
    const { head, entries } = await verification();
    const good = run(exported.text, '--head', head);
    expect([good.status, good.stdout]).toEqual([0, `valid: ${entries} entries, head ${head}\n`]);
    const bad = run(exported.text.replace('"agent.created"', '"agent.deleted"'));
    expect(bad.status).toBe(1);
    expect(bad.stderr).toMatch(/audit\.jsonl:\d+: the content does not match its hash/);
  });

  test('of more than one page is exported in full', async () => {
    for (let at = 0; at < 520; at += 40) {
      const path = (each: number) => `/v1/agents/${each % 2 ? 'paged' : 'paged-too'}`;
      if (at === 0) for (const slug of ['paged', 'paged-too']) await post('/v1/agents', { slug, name: 'n' });
      await Promise.all(
        Array.from({ length: 40 }, (_, each) =>
          platform.call('PATCH', Host, path(each), { token: acme.key, body: { name: `n${at + each}` } }),
        ),
      );
    }
    const { entries, valid } = await verification();
    const lines = (await get('/v1/audit/export')).text.trimEnd().split('\n');
    expect([valid, lines.length]).toEqual([true, entries + 1]);
    expect(entries).toBeGreaterThan(520);
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ object: 'audit.head', sequence: entries });
  });
});

describe('POST /v1/keys/{key}/rotate', () => {
  type Key = { readonly id: string; readonly secret: string; readonly grace_until: string | null };
  const issue = async (body: object) => (await post('/v1/keys', { name: 'k', ...body })).json() as Key;
  const status = async (token: string) => (await get('/v1/agents', token)).status;

  test('answers with the same key and another secret; both work in the grace, and a second rotation ends the first', async () => {
    const first = await issue({});
    const second = (await post(`/v1/keys/${first.id}/rotate`, { grace_seconds: 60 })).json() as Key;
    expect([second.id, second.secret.split('_')[1]]).toEqual([first.id, first.secret.split('_')[1]]);
    expect(second.secret).not.toBe(first.secret);
    expect([await status(first.secret), await status(second.secret)]).toEqual([200, 200]);
    const third = (await post(`/v1/keys/${first.id}/rotate`, {})).json() as Key;
    expect(third.grace_until).toBeNull();
    expect([await status(first.secret), await status(second.secret), await status(third.secret)]).toEqual([
      401, 401, 200,
    ]);
    expect(findOnDisk([second, third].map(({ secret }) => secret.split('_')[2]!))).toEqual([]);
  });

  test('ends the old secret with its grace, also where runs are admitted out of a lease', async () => {
    const first = await issue({});
    const second = (await post(`/v1/keys/${first.id}/rotate`, { grace_seconds: 1 })).json() as Key;
    const ends = Date.parse(second.grace_until!);
    const run = (token: string) =>
      platform.call('POST', Host, '/v1/chat/completions', {
        token,
        body: { model: 'default', messages: [{ role: 'user', content: 'x' }] },
      });
    let late = 0;
    for (let good = 0; ;) {
      const begun = Date.now();
      const answer = await run(first.secret);
      if (answer.status === 200 && begun >= ends) late++;
      if (answer.status === 200) good++;
      else expect([answer.status, begun >= ends - 50 && good > 0]).toEqual([401, true]);
      if (begun > ends + 300) break;
    }
    expect(late).toBe(0);
    expect((await run(second.secret)).status).toBe(200);
  });

  test('with an Idempotency-Key gives the same secret again, and keeps the grace', async () => {
    const first = await issue({});
    const again = () =>
      post(`/v1/keys/${first.id}/rotate`, { grace_seconds: 60 }, { 'idempotency-key': 'rotate-once' });
    const [one, two] = [await again(), await again()];
    expect(two.text).toBe(one.text);
    expect([await status(first.secret), await status((one.json() as Key).secret)]).toEqual([200, 200]);
  });

  test('gives nobody a key beyond its own: a weak key cannot take over the administrator', async () => {
    const weak = await issue({ permissions: ['keys:write', 'keys:read'] });
    const taken = await platform.call('POST', Host, `/v1/keys/${acme.keyId}/rotate`, { token: weak.secret, body: {} });
    expect(taken.status).toBe(403);
    expect(taken.text).not.toContain('fh_');
    expect(await status(acme.key)).toBe(200);
  });

  test('refuses a revoked key, a grace out of bounds and what is no key', async () => {
    const key = await issue({});
    for (const grace of [-1, 604_801, 1.5, '60', null])
      expect((await post(`/v1/keys/${key.id}/rotate`, { grace_seconds: grace })).status, String(grace)).toBe(400);
    await post(`/v1/keys/${key.id}/revoke`);
    expect((await post(`/v1/keys/${key.id}/rotate`, {})).status).toBe(409);
    for (const id of ['key_nobody', acme.ids.agent, `${key.id.slice(0, -4)}zzzz`])
      expect((await post(`/v1/keys/${id}/rotate`, {})).status).toBe(404);
  });
});
