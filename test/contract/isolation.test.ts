/**
 * Nothing of one tenant can be read, changed or even noticed from another. The matrix is made from the API's own
 * document: every operation, every place that can name something, every kind of credential. (I-1, I-2; ASVS 8.2.2, 8.4.1)
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mintId, type BridgeId, type RunId, type TenantId } from '../../shared/core/ids.ts';
import { PlatformKey } from '../../shared/inference/platform-key.ts';
import { fillPath, readApi, type Api, type Operation } from '../support/api-operations.ts';
import { bodyReferences, inertSlots, sampleBodies } from '../support/api-samples.ts';
import type { JsonSchema } from '../support/json-schema.ts';
import { populateTenant, strangeIds, waitUntil, type Ids, type PopulatedTenant } from '../support/populated-tenant.ts';
import { LocalIssuer } from '../support/local-issuer.ts';
import { sendRaw } from '../support/raw-http.ts';
import { startTestPlatform, type Answer, type TestPlatform } from '../support/running-platform.ts';

let platform: TestPlatform;
let api: Api;
let a: PopulatedTenant;
let b: PopulatedTenant;
let credentials: readonly Credential[];
let openIds: readonly LocalIssuer[];

type Credential = {
  readonly name: string;
  readonly token: string | undefined;
  readonly host: string;
  readonly valid: boolean;
};
type Slot = {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** The named thing is looked up: it must be refused. */
  readonly reaches: boolean;
};

const hostOf = (tenant: { readonly slug: string }) => `${tenant.slug}.localhost`;

beforeAll(async () => {
  platform = await startTestPlatform();
  api = await readApi(platform);
  [a, b] = [await populateTenant(platform, 'alpha'), await populateTenant(platform, 'bravo')];
  openIds = [await LocalIssuer.start(['ES256']), await LocalIssuer.start(['ES256'])];
  credentials = await makeCredentials();
});
afterAll(async () => {
  for (const openId of openIds) await openId.stop();
  await platform.stop();
});

async function makeCredentials(): Promise<readonly Credential[]> {
  const client = platform.client(a);
  const issue = async (body: object) =>
    client.require<{ id: string; secret: string }>('POST', '/v1/keys', { name: 'k', ...body });
  const expired = await issue({ expires_at: new Date(Date.now() + 1_000).toISOString() });
  const bound = await issue({ scope: { agent: a.ids.agent } });
  const readers = await issue({
    permissions: [
      'conversations:read',
      'agents:read',
      'memories:read',
      'keys:read',
      'usage:read',
      'secrets:read',
      'audit:read',
    ],
  });
  const revoked = await issue({});
  await client.require('POST', `/v1/keys/${revoked.id}/revoke`, {});
  await waitUntil(
    async () => (await platform.call('GET', hostOf(a), '/v1/agents', { token: expired.secret })).status === 401,
  );
  const signer = await PlatformKey.parse(JSON.stringify(platform.secrets.platform_key));
  const job = await signer.signJob(
    {
      run: mintId('run', Date.now()) as RunId,
      bridge: platform.bridge.id as BridgeId,
      tenant: b.id as TenantId,
      operation: 'chat',
      model: 'freehold/extractive',
      maxOutputTokens: 10,
      allowExternal: false,
      ticket: 'none',
      timeoutMs: 1_000,
    },
    Date.now(),
  );
  const here = hostOf(a);
  const [ownUser, foreignUser] = await Promise.all([a, b].map((tenant, at) => makeUser(tenant, openIds[at]!)));
  return [
    { name: 'full key', token: a.key, host: here, valid: true },
    { name: 'agent-scoped key', token: bound.secret, host: here, valid: true },
    { name: 'read-only key', token: readers.secret, host: here, valid: true },
    { name: 'visitor', token: a.visitor, host: here, valid: true },
    { name: 'owner by a token of an issuer', token: ownUser, host: here, valid: true },
    { name: 'none', token: undefined, host: here, valid: false },
    { name: 'malformed', token: `${a.key.slice(0, -1)}x`, host: here, valid: false },
    { name: 'revoked', token: revoked.secret, host: here, valid: false },
    { name: 'expired', token: expired.secret, host: here, valid: false },
    { name: 'operator token', token: platform.secrets.operator_token, host: here, valid: false },
    { name: 'job token', token: job, host: here, valid: false },
    { name: "the other tenant's key", token: b.key, host: here, valid: false },
    { name: "the other tenant's visitor", token: b.visitor, host: here, valid: false },
    { name: "the other tenant's user", token: foreignUser, host: here, valid: false },
    { name: "own user at the other's host", token: ownUser, host: hostOf(b), valid: false },
    { name: "own key at the other's host", token: a.key, host: hostOf(b), valid: false },
    { name: "own visitor at the other's host", token: a.visitor, host: hostOf(b), valid: false },
  ];
}

/** An owner of the tenant, by the claims of an issuer that the tenant has registered and the other has not. */
async function makeUser(tenant: PopulatedTenant, openId: LocalIssuer): Promise<string> {
  const mapping = { claim: 'role', value: 'boss', role: 'owner' };
  await platform
    .client(tenant)
    .require('POST', '/v1/issuers', { issuer: openId.url, audience: 'freehold', role_mappings: [mapping] });
  const now = Math.floor(Date.now() / 1000);
  return openId.sign({ role: 'boss', exp: now + 3_600 });
}

/** Every place of an operation that can name something, with the other tenant's ids in it. */
function slotsOf(operation: Operation, theirs: Pick<PopulatedTenant, 'ids' | 'agentSlug' | 'visitor'>): Slot[] {
  const { pathParams, id } = operation;
  const own = Object.fromEntries(pathParams.map((name) => [name, a.ids[name as keyof Ids]]));
  const sample = operation.body ? sampleBodies[id]?.(a) : undefined;
  const body = sample ? { body: sample } : {};
  const slots: Slot[] = [];
  for (let mask = 1; mask < 2 ** pathParams.length; mask++) {
    const foreign = pathParams.filter((_, at) => mask & (1 << at));
    const params = { ...own, ...Object.fromEntries(foreign.map((name) => [name, theirs.ids[name as keyof Ids]])) };
    slots.push({ name: `path ${foreign.join('+')}`, params, ...body, reaches: true });
    if (foreign.includes('agent'))
      slots.push({
        name: `path ${foreign.join('+')} slug`,
        params: { ...params, agent: theirs.agentSlug },
        ...body,
        reaches: true,
      });
  }
  for (const { name } of operation.queryParams.filter(({ name: query }) => query === 'cursor' || query === 'after')) {
    for (const [kind, value] of Object.entries(theirs.ids)) {
      slots.push({
        name: `query ${name}=${kind}`,
        params: own,
        query: `?${name}=${encodeURIComponent(value)}`,
        reaches: name === 'after',
      });
    }
  }
  for (const [member, reference] of Object.entries(bodyReferences[id] ?? {})) {
    const named = reference({ ...a, ...theirs });
    slots.push({
      name: `body ${member}`,
      params: own,
      body: { ...sample, ...named },
      reaches: !(`${id} ${member}` in inertSlots),
    });
  }
  if (operation.headerParams.includes('Idempotency-Key')) {
    slots.push({
      name: 'Idempotency-Key',
      params: own,
      ...body,
      headers: { 'idempotency-key': 'canary-bravo-run' },
      reaches: false,
    });
  }
  return slots.length > 0 ? slots : [{ name: 'nothing named', params: {}, ...body, reaches: false }];
}

function send(operation: Operation, slot: Slot, credential: Pick<Credential, 'token' | 'host'>): Promise<Answer> {
  return platform.call(operation.method, credential.host, fillPath(operation.path, slot.params) + (slot.query ?? ''), {
    ...(credential.token === undefined ? {} : { token: credential.token }),
    ...(slot.body
      ? { body: slot.body }
      : operation.body
        ? { rawBody: 'not.a.jws', headers: { 'content-type': operation.body.media } }
        : {}),
    ...(slot.headers ? { headers: slot.headers } : {}),
  });
}

/** What a tenant's audit trail says was done: a refused credential of another's is on it, and nothing else of them. */
async function doneBy(tenant: PopulatedTenant): Promise<readonly string[]> {
  const trail = await platform.call('GET', hostOf(tenant), '/v1/audit/export', { token: tenant.key });
  const entries = trail.text
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { action?: string }]));
  return entries.flatMap(({ action }) => (action === undefined || action.startsWith('auth.') ? [] : [action]));
}

/** Everything of a tenant that its own key can read, the time of the last use and the audit trail aside. */
async function snapshot(tenant: PopulatedTenant): Promise<string> {
  const texts: string[] = [];
  for (const operation of api.operations) {
    if (operation.access !== 'tenant' || operation.method !== 'GET' || operation.permission === 'audit:read') continue;
    const limit = operation.queryParams.some(({ name }) => name === 'limit') ? '?limit=100' : '';
    const answer = await platform.call('GET', hostOf(tenant), fillPath(operation.path, tenant.ids) + limit, {
      token: tenant.key,
    });
    expect(answer.status, `${operation.id} by its owner: ${answer.text}`).toBe(200);
    texts.push(`${operation.id} ${answer.text}`);
  }
  return texts.join('\n').replaceAll(/"last_used_at":(?:null|"[^"]*")/g, '');
}

function leaksOf(tenant: PopulatedTenant, answer: Answer, slot: Slot): string[] {
  const said = `${answer.text}\n${JSON.stringify(answer.headers)}`;
  const sent = JSON.stringify(slot);
  return tenant.canaries.filter((canary) => said.includes(canary) && !sent.includes(canary));
}

describe('the matrix', () => {
  test('covers every operation of the document, every path parameter and every member that names something', () => {
    const names = new Set([...Object.keys(a.ids), 'conversation', 'previous_response_id', 'supersedes', 'token']);
    for (const { id, pathParams, body, media } of api.operations.map((each) => ({
      ...each,
      media: each.body?.media,
    }))) {
      expect(
        pathParams.filter((name) => !(name in a.ids)),
        `${id}: path parameters without an id`,
      ).toEqual([]);
      if (!body || media !== 'application/json') continue;
      expect(sampleBodies[id], `${id}: add a body to test/support/api-samples.ts`).toBeDefined();
      const naming = memberPaths(body.schema).filter(
        (path) => names.has(path.split('.').at(-1)!) && !inputMembers.has(path),
      );
      const covered = Object.keys(bodyReferences[id] ?? {});
      const free = operatorNames[id] ?? [];
      expect(
        naming.filter((path) => !covered.includes(path) && !free.includes(path)),
        `${id}: members without a reference`,
      ).toEqual([]);
    }
  });

  test("no credential of one tenant reads, changes or notices anything of another's, whatever it names", async () => {
    const before = await snapshot(b);
    expect(b.canaries.length).toBeGreaterThanOrEqual(40);
    expect(b.canaries.filter((canary) => before.includes(canary)).length).toBeGreaterThanOrEqual(35);
    await platform.client(b).require('POST', '/v1/conversations', { metadata: { topic: 'x' } }, 'canary-bravo-run');
    const start = await snapshot(b);
    const done = await doneBy(b);
    expect(done.length).toBeGreaterThan(5);
    const faults: string[] = [];
    const walked = new Set<string>();
    let cells = 0;
    for (const operation of api.operations) {
      for (const slot of slotsOf(operation, b)) {
        for (const credential of credentials) {
          if (operation.access !== 'tenant' && credential.host !== hostOf(a)) continue;
          const host = operation.host === 'apex' ? 'localhost' : credential.host;
          if (operation.access === 'operator' && credential.name === 'operator token') continue;
          const answer = await send(operation, slot, { ...credential, host });
          cells++;
          walked.add(operation.id);
          const where = `${operation.id}, ${slot.name}, ${credential.name}: ${answer.status}`;
          const leaks = leaksOf(b, answer, slot);
          if (leaks.length > 0) faults.push(`${where} leaks ${leaks.join(', ')}`);
          if (answer.status >= 500) faults.push(`${where} ${answer.text}`);
          if (operation.access === 'operator' && answer.status !== 401) faults.push(`${where} is not 401`);
          if (operation.access !== 'tenant') continue;
          if (!credential.valid && answer.status !== 401) faults.push(`${where} is not 401`);
          if (slot.reaches && ![400, 401, 403, 404, 405].includes(answer.status))
            faults.push(`${where} is not a refusal: ${answer.text.slice(0, 200)}`);
        }
      }
    }
    expect(faults).toEqual([]);
    expect(await snapshot(b)).toBe(start);
    expect(await doneBy(b)).toEqual(done);
    expect([...walked].sort()).toEqual(api.operations.map(({ id }) => id).sort());
    expect(cells).toBeGreaterThan(1_500);
    console.log(`isolation: ${cells} cells, ${walked.size} operations, ${credentials.length} credentials`);
  });

  test('what exists elsewhere is answered, byte for byte, as what exists nowhere', async () => {
    const strange = { ids: strangeIds(b.ids), agentSlug: b.agentSlug.replace('bravo', 'wrong'), visitor: b.visitor };
    let compared = 0;
    for (const operation of api.operations.filter(({ access }) => access === 'tenant')) {
      const elsewhere = slotsOf(operation, b).filter((slot) => slot.reaches);
      const nowhere = slotsOf(operation, strange).filter((slot) => slot.reaches);
      for (const [at, slot] of elsewhere.entries()) {
        for (const credential of credentials.filter(({ valid }) => valid)) {
          const there = await send(operation, slot, credential);
          const none = await send(operation, nowhere[at]!, credential);
          const where = `${operation.id}, ${slot.name}, ${credential.name}`;
          expect(faceless(there, b.ids, b.agentSlug), where).toBe(faceless(none, strange.ids, strange.agentSlug));
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(150);
  });

  test("a visitor's token of one tenant begins a stranger's session at another", async () => {
    const answer = await platform.call('POST', hostOf(a), '/v1/sessions', { body: { token: b.visitor } });
    const own = await platform.call('POST', hostOf(b), '/v1/sessions', { body: { token: b.visitor } });
    const visitorOf = (each: Answer) => (each.json() as { visitor: string }).visitor;
    expect(visitorOf(own)).toBe(JSON.parse(Buffer.from(b.visitor.split('.')[1]!, 'base64url').toString()).sub);
    expect(visitorOf(answer)).not.toBe(visitorOf(own));
  });
});

describe('the tenant of a request', () => {
  const spellings: readonly (readonly [host: string, status: number])[] = [
    ['alpha.localhost', 200],
    ['alpha.localhost:8787', 200],
    ['ALPHA.LocalHost', 200],
    ['bravo.localhost', 401],
    ['BRAVO.localhost:1', 401],
    ['localhost', 404],
    ['alpha.bravo.localhost', 404],
    ['bravo.alpha.localhost', 404],
    ['nobody.localhost', 404],
    ['alpha', 404],
    ['alpha.test', 404],
    ['localhost.alpha', 404],
    ['127.0.0.1', 404],
    ['[::1]', 404],
    ['[::1]:8080', 404],
    ['0x7f.1', 404],
    ['2130706433', 404],
    ['xn--alph-7na.localhost', 404],
    ['alpha.localhost@bravo.localhost', 400],
    ['alpha.localhost/../bravo', 400],
    ['alpha.localhost/v1', 400],
    ['alpha.localhost?bravo.localhost', 400],
    ['alpha.localhost#bravo.localhost', 400],
    ['alpha.localhost%2ebravo', 400],
    ['alpha%2elocalhost', 400],
    ['alpha.localhost, bravo.localhost', 400],
    ['alpha.localhost bravo.localhost', 400],
    ['alpha. localhost', 400],
    ['alpha.localhost:80:80', 400],
    ['alpha.localhost:', 400],
    ['alpha.localhost:99999', 400],
    ['alpha.localhost:8o', 400],
    ['alpha.localhost.', 400],
    ['.localhost', 400],
    ['alpha..localhost', 400],
    ['-alpha.localhost', 400],
    ['alpha_.localhost', 400],
    ['alphä.localhost', 400],
    ['alpha\u0000.localhost', 400],
    ['alpha\t.localhost', 400],
    ['alpha.localhost\\bravo', 400],
    ['http://alpha.localhost', 400],
    ['*.localhost', 400],
    ["alpha.localhost' OR 1=1--", 400],
    ['[::1', 400],
    ['', 400],
    [`${'a'.repeat(64)}.localhost`, 400],
    [`${'a.'.repeat(200)}localhost`, 400],
    ['a'.repeat(20_000), 400],
  ];
  const misleading: readonly string[] = [
    '',
    'X-Forwarded-Host: bravo.localhost',
    'Forwarded: host=bravo.localhost;proto=http',
    'X-Original-Host: bravo.localhost',
    'X-Host: bravo.localhost',
    'X-HTTP-Host-Override: bravo.localhost',
    'X-Forwarded-Server: bravo.localhost',
    'X-Rewrite-URL: http://bravo.localhost/v1/agents',
    ':authority: bravo.localhost',
  ];
  const get = (host: string, extra: string, token: string, target = '/v1/agents') =>
    sendRaw(
      platform.port,
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${extra === '' ? '' : `${extra}\r\n`}Authorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    );

  test.each(misleading)('comes from the validated Host alone, beside "%s"', async (extra) => {
    for (const [host, status] of spellings) {
      const answer = await get(host, extra, a.key);
      const where = `${JSON.stringify(host)}: ${answer.text.slice(0, 300)}`;
      // The runtime itself refuses a field name that is none.
      if (!refusedByRuntime(answer) || status !== 400)
        expect(extra.startsWith(':') ? [status, 400] : [status], where).toContain(answer.status);
      expect(answer.text).not.toContain('canary-bravo');
      if (answer.status === 200) expect(answer.text).toContain('canary-alpha');
      if (status === 200) expect([400, 401]).toContain((await get(host, extra, b.key)).status);
    }
  });

  test('is not changed by a second Host line, a missing one, or an absolute request target', async () => {
    for (const lines of [
      'Host: alpha.localhost\r\nHost: bravo.localhost',
      'Host: bravo.localhost\r\nHost: alpha.localhost',
      'X-Nothing: 1',
    ]) {
      const answer = await sendRaw(
        platform.port,
        `GET /v1/agents HTTP/1.1\r\n${lines}\r\nAuthorization: Bearer ${b.key}\r\nConnection: close\r\n\r\n`,
      );
      if (!refusedByRuntime(answer)) expect(answer.status, lines).toBe(400);
      expect(answer.text).not.toContain('canary');
    }
    for (const token of [a.key, b.key]) {
      const answer = await get('alpha.localhost', '', token, 'http://bravo.localhost/v1/agents');
      if (!refusedByRuntime(answer)) expect([200, 400, 401, 404]).toContain(answer.status);
      expect(answer.text).not.toContain('canary-bravo');
    }
  });

  test("the operator's routes exist at the apex alone", async () => {
    for (const operation of api.operations.filter(({ host }) => host === 'apex')) {
      if (operation.path === '/') continue;
      const slot: Slot = { name: '', params: a.ids, reaches: false, ...(operation.body ? { body: {} } : {}) };
      const answer = await send(operation, slot, { token: platform.secrets.operator_token, host: hostOf(a) });
      expect(answer.status, operation.id).toBe(404);
    }
  });
});

/** workerd answers some Hosts that no URL can hold with a bare 500 of its own, before the Worker is reached. */
function refusedByRuntime({ status, text }: { readonly status: number; readonly text: string }): boolean {
  return status === 500 && text.endsWith('\r\n\r\nInternal Server Error') && !/x-request-id/i.test(text);
}

/** Members of items that a caller names for itself; they are never looked up. */
const inputMembers = new Set(['public_key.x']);
/** Names that the operator gives, of models that need not exist. */
const operatorNames: Readonly<Record<string, readonly string[]>> = { setPrice: ['model'] };

/** Dotted paths of all members that hold a string or an object, outside arrays. */
function memberPaths(schema: JsonSchema, prefix = ''): string[] {
  const branches = (schema['anyOf'] ?? schema['oneOf'] ?? []) as JsonSchema[];
  const own = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  return [
    ...new Set([
      ...branches.flatMap((branch) => memberPaths(branch, prefix)),
      ...own.flatMap(([name, member]) => [`${prefix}${name}`, ...memberPaths(member, `${prefix}${name}.`)]),
    ]),
  ];
}

/** Status, headers and body without the ids that were asked for and without what is new in every answer. */
function faceless(answer: Answer, ids: Ids, agentSlug: string): string {
  const { date: _, 'x-request-id': __, ...headers } = answer.headers;
  let said = `${answer.status} ${JSON.stringify(headers)} ${answer.text}`;
  for (const id of [...Object.values(ids), agentSlug]) said = said.replaceAll(id, '<id>');
  return said;
}
