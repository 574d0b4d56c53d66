/**
 * Nothing of one tenant can be read, changed or even noticed from another. The matrix is made from the API's own
 * document: every operation, every place that can name something, every kind of credential. (I-1, I-2; ASVS 8.2.2, 8.4.1)
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mintId, type BridgeId, type RunId, type TenantId } from '../../shared/core/ids.ts';
import { PlatformKey } from '../../shared/inference/platform-key.ts';
import { misleading, refusedByRuntime, walkHosts } from '../isolation/hosts.ts';
import { IsolationMatrix, RunKey, type Credential, type Slot } from '../isolation/matrix.ts';
import { readApi, type Api } from '../support/api-operations.ts';
import { bodyReferences, sampleBodies } from '../support/api-samples.ts';
import type { JsonSchema } from '../support/json-schema.ts';
import { populateTenant, waitUntil, type PopulatedTenant } from '../support/populated-tenant.ts';
import { LocalIssuer } from '../support/local-issuer.ts';
import { sendRaw } from '../support/raw-http.ts';
import { startTestPlatform, type Answer, type TestPlatform } from '../support/running-platform.ts';

let platform: TestPlatform;
let api: Api;
let a: PopulatedTenant;
let b: PopulatedTenant;
let credentials: readonly Credential[];
let openIds: readonly LocalIssuer[];

let matrix: IsolationMatrix;

const hostOf = (tenant: { readonly slug: string }) => `${tenant.slug}.localhost`;

beforeAll(async () => {
  platform = await startTestPlatform();
  api = await readApi(platform);
  [a, b] = [await populateTenant(platform, 'alpha'), await populateTenant(platform, 'bravo')];
  openIds = [await LocalIssuer.start(['ES256']), await LocalIssuer.start(['ES256'])];
  matrix = new IsolationMatrix({ call: platform.call, domain: 'localhost' }, api, a, b);
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
    const before = await matrix.snapshot(b);
    expect(before.match(/^\w+ (?!200 )\d+ .*/gm) ?? [], 'what its owner cannot read').toEqual([]);
    expect(b.canaries.length).toBeGreaterThanOrEqual(40);
    expect(b.canaries.filter((canary) => before.includes(canary)).length).toBeGreaterThanOrEqual(35);
    await platform.client(b).require('POST', '/v1/conversations', { metadata: { topic: 'x' } }, RunKey);
    expect((await matrix.doneBy(b)).length).toBeGreaterThan(5);
    const { faults, walked, cells } = await matrix.walk(credentials);
    expect(faults).toEqual([]);
    expect([...walked].sort()).toEqual(api.operations.map(({ id }) => id).sort());
    expect(cells).toBeGreaterThan(1_500);
    console.log(`isolation: ${cells} cells, ${walked.size} operations, ${credentials.length} credentials`);
  });

  test('what exists elsewhere is answered, byte for byte, as what exists nowhere', async () => {
    const { faults, compared } = await matrix.compare(credentials);
    expect(faults).toEqual([]);
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
  const get = (host: string, extra: string, token: string, target = '/v1/agents') =>
    sendRaw(
      platform.port,
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${extra === '' ? '' : `${extra}\r\n`}Authorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    );

  test.each(misleading)('comes from the validated Host alone, beside "%s"', async (extra) => {
    const { faults } = await walkHosts(
      platform.port,
      'localhost',
      a,
      b,
      credentials.filter(({ host }) => host === hostOf(a)),
      [extra],
    );
    expect(faults).toEqual([]);
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
    const pathsOfTenants = new Set(api.operations.flatMap(({ host, path }) => (host === 'apex' ? [] : [path])));
    for (const operation of api.operations.filter(({ host }) => host === 'apex')) {
      if (pathsOfTenants.has(operation.path)) continue;
      const slot: Slot = { name: '', params: a.ids, reaches: false, ...(operation.body ? { body: {} } : {}) };
      const answer = await matrix.send(operation, slot, { token: platform.secrets.operator_token, host: hostOf(a) });
      expect(answer.status, operation.id).toBe(404);
    }
  });
});

/** Members of items that a caller names for itself; they are never looked up. */
const inputMembers = new Set(['public_key.x', 'memory', 'definition.memory']);
/** Names that the operator gives, of models that need not exist. */
const operatorNames: Readonly<Record<string, readonly string[]>> = {
  setPrice: ['model', 'plan'],
  setRate: ['plan'],
  setPlanTerms: ['plan'],
  createTenant: ['plan'],
  updateTenant: ['plan'],
};

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
