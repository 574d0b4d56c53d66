/**
 * People of a tenant: tokens of its issuers open exactly what their roles allow, nobody rises above their giver, the
 * last owner stays, and whoever is removed is refused. (I-6, I-7, S-1 to S-3; ASVS 8.2.2, 8.3.2, 8.4.1)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rolePermissions, roles, type Role } from '../../shared/contracts/roles.ts';
import { fillPath, readApi, type Api, type Operation } from '../support/api-operations.ts';
import { sampleBodies } from '../support/api-samples.ts';
import { LocalIssuer, makeIssuerKey } from '../support/local-issuer.ts';
import { populateTenant, waitUntil, type PopulatedTenant } from '../support/populated-tenant.ts';
import { startTestPlatform, type Answer, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

type Member = {
  readonly id: string;
  readonly subject: string | null;
  readonly email: string | null;
  readonly role: Role;
  readonly status: string;
};
type Issuer = { readonly id: string; readonly issuer: string };

const read = <T>(name: string) => JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as T;
const expectedRoles = read<Record<Role, readonly string[]>>('roles.expected.json');
const expectedRoutes = read<Record<string, readonly string[]>>('permissions.expected.json');

let platform: TestPlatform;
let api: Api;
let acme: PopulatedTenant;
let other: CreatedTenant;
let op: LocalIssuer;
let issuer: Issuer;
let serial = 0;

beforeAll(async () => {
  platform = await startTestPlatform();
  api = await readApi(platform);
  [acme, other] = [await populateTenant(platform, 'acme'), await platform.createTenant('other')];
  op = await LocalIssuer.start();
  issuer = await platform.client(acme).require<Issuer>('POST', '/v1/issuers', {
    issuer: op.url,
    audience: 'freehold',
    role_mappings: roles.map((role) => ({ claim: '/realm/roles', value: role, role })),
  });
});
afterAll(async () => {
  await op.stop();
  await platform.stop();
});

const call = (
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  token: string,
  body?: object,
): Promise<Answer> => platform.call(method, 'acme.localhost', path, { token, ...(body ? { body } : {}) });
const by = (role: Role, sub = `mapped-${role}`) => op.sign({ sub, realm: { roles: [role] } });
const plain = (sub: string, claims: object = {}) => op.sign({ sub, ...claims });
const invite = (role: Role, who: object = { subject: `subject-${serial++}` }) =>
  platform.client(acme).require<Member>('POST', '/v1/members', { issuer: issuer.id, role, ...who });
const status = async (token: string, path = '/v1/usage') => (await call('GET', path, token)).status;
const codeOf = (answer: Answer) => (answer.json() as { error: { code: string } }).error.code;

describe('a role', () => {
  test('holds the permissions of the committed table', () => {
    expect(rolePermissions).toEqual(expectedRoles);
  });

  test.each(roles)('%s opens exactly the routes of its permissions, by a claim and as a member', async (role) => {
    const expected = expectedRoles[role].flatMap((permission) => expectedRoutes[permission]!).sort();
    const member = await invite(role);
    for (const token of [await by(role), await plain(member.subject!)]) {
      const open: string[] = [];
      for (const operation of api.operations.filter(({ access }) => access === 'tenant')) {
        const answer = await send(operation, token);
        expect([200, 201, 202, 400, 403, 404, 409], `${operation.id} with ${role}: ${answer.text}`).toContain(
          answer.status,
        );
        if (answer.status !== 403) open.push(operation.id);
      }
      expect(open.sort()).toEqual(expected);
    }
  });

  /** Names things that are not there, so that nothing is destroyed. */
  function send(operation: Operation, token: string): Promise<Answer> {
    const params = Object.fromEntries(operation.pathParams.map((name) => [name, `no-${name}`]));
    const sample =
      operation.id === 'createKey' ? { name: 'k', permissions: ['usage:read'] } : sampleBodies[operation.id]?.(acme);
    return call(
      operation.method as 'GET',
      fillPath(operation.path, params),
      token,
      operation.body ? sample : undefined,
    );
  }
});

describe('nobody gives a role above their own', () => {
  const above: readonly (readonly [giver: Role, given: Role, allowed: boolean])[] = [
    ['owner', 'owner', true],
    ['owner', 'admin', true],
    ['admin', 'owner', false],
    ['admin', 'admin', true],
    ['admin', 'billing', true],
  ];
  test.each(above)('%s gives %s: %s', async (giver, given, allowed) => {
    const token = await by(giver);
    const made = await call('POST', '/v1/members', token, {
      issuer: issuer.id,
      subject: `subject-${serial++}`,
      role: given,
    });
    expect(made.status).toBe(allowed ? 201 : 403);
    const viewer = await invite('viewer');
    expect((await call('PATCH', `/v1/members/${viewer.id}`, token, { role: given })).status).toBe(allowed ? 200 : 403);
    const standing = await invite(given);
    expect((await call('PATCH', `/v1/members/${standing.id}`, token, { role: 'viewer' })).status).toBe(
      allowed ? 200 : 403,
    );
    const removed = await invite(given);
    expect((await call('DELETE', `/v1/members/${removed.id}`, token)).status).toBe(allowed ? 200 : 403);
  });

  test('not by a key that an admin has made, nor by a key of a part of the tenant', async () => {
    const minted = await call('POST', '/v1/keys', await by('admin'), { name: 'k', permissions: ['*'] });
    expect(minted.status).toBe(403);
    const { secret } = (
      await call('POST', '/v1/keys', await by('admin'), { name: 'k', permissions: rolePermissions.admin })
    ).json() as { secret: string };
    expect((await call('POST', '/v1/members', secret, { issuer: issuer.id, subject: 'x', role: 'owner' })).status).toBe(
      403,
    );
    for (const scope of [{ project: 'web' }, { environment: 'dev' }]) {
      const bound = await platform.client(acme).require<{ secret: string }>('POST', '/v1/keys', { name: 'k', scope });
      expect(
        (await call('POST', '/v1/members', bound.secret, { issuer: issuer.id, subject: 'x', role: 'viewer' })).status,
      ).toBe(403);
      expect(
        (
          await call('POST', '/v1/issuers', bound.secret, {
            issuer: 'http://127.0.0.1:9/x',
            audience: 'x',
            jwks_uri: 'http://127.0.0.1:9/x',
          })
        ).status,
      ).toBe(403);
      expect((await call('DELETE', `/v1/issuers/${issuer.id}`, bound.secret)).status).toBe(403);
    }
  });

  test('not by registering an issuer whose claims give it', async () => {
    const few = await platform.client(acme).require<{ secret: string }>('POST', '/v1/keys', {
      name: 'k',
      permissions: ['issuers:write', ...rolePermissions.billing],
    });
    const wanted = (role: Role) => ({
      issuer: `http://127.0.0.1:9/${serial++}`,
      audience: 'x',
      jwks_uri: 'http://127.0.0.1:9/x',
      role_mappings: [{ claim: 'c', value: 'v', role }],
    });
    const refused = await call('POST', '/v1/issuers', few.secret, wanted('viewer'));
    expect([refused.status, (refused.json() as { error: { param: string } }).error.param]).toEqual([
      403,
      'role_mappings.0.role',
    ]);
    expect((await call('POST', '/v1/issuers', few.secret, wanted('billing'))).status).toBe(201);
  });
});

describe('the last owner', () => {
  test('cannot be removed, demoted or suspended, and can once there is another who has come', async () => {
    const tenant = await platform.createTenant('owned');
    const client = platform.client(tenant);
    const at = (method: 'PATCH' | 'DELETE', id: string, body?: object) =>
      platform.call(method, 'owned.localhost', `/v1/members/${id}`, { token: tenant.key, ...(body ? { body } : {}) });
    const own = await client.require<Issuer>('POST', '/v1/issuers', { issuer: op.url, audience: 'freehold' });
    const make = (who: object) =>
      client.require<Member>('POST', '/v1/members', { issuer: own.id, role: 'owner', ...who });
    const first = await make({ subject: 'first' });
    const invited = await make({ email: 'second@example.com' });
    for (const [method, body] of [
      ['DELETE', undefined],
      ['PATCH', { role: 'admin' }],
      ['PATCH', { status: 'suspended' }],
    ] as const) {
      const answer = await at(method, first.id, body);
      expect([answer.status, codeOf(answer)]).toEqual([409, 'conflict']);
    }
    expect((await at('PATCH', first.id, { role: 'owner' })).status).toBe(200);
    const token = await op.sign({ sub: 'second', email: 'second@example.com', email_verified: true });
    expect((await platform.call('GET', 'owned.localhost', '/v1/members', { token })).status).toBe(200);
    expect((await at('DELETE', first.id)).status).toBe(200);
    expect((await at('DELETE', invited.id)).status).toBe(409);
  });
});

describe('a member', () => {
  test('is known by issuer and subject, and made once', async () => {
    const member = await invite('viewer', { subject: 'ann' });
    expect(member).toMatchObject({ subject: 'ann', email: null, status: 'active' });
    const again = await call('POST', '/v1/members', acme.key, {
      issuer: issuer.issuer,
      subject: 'ann',
      role: 'viewer',
    });
    expect([again.status, codeOf(again)]).toEqual([409, 'conflict']);
    expect(await status(await plain('ann'))).toBe(200);
    expect(await status(await plain('Ann'))).toBe(401);
  });

  test('invited by an address is bound to the first subject that comes with it, verified', async () => {
    const member = await invite('viewer', { email: 'Bob@Example.com' });
    expect(member).toMatchObject({ email: 'bob@example.com', subject: null, status: 'invited' });
    expect(await status(await plain('eve', { email: 'bob@example.com' }))).toBe(401);
    expect(await status(await plain('eve', { email: 'bob@example.com', email_verified: false }))).toBe(401);
    expect(await status(await plain('bob', { email: 'BOB@example.com', email_verified: true }))).toBe(200);
    expect((await call('GET', `/v1/members/${member.id}`, acme.key)).json()).toMatchObject({
      subject: 'bob',
      status: 'active',
    });
    expect(await status(await plain('eve', { email: 'bob@example.com', email_verified: true }))).toBe(401);
    expect(await status(await plain('bob'))).toBe(200);
  });

  test('has the role that it was given, whatever its claims say', async () => {
    await invite('billing', { subject: 'carol' });
    expect(await status(await by('owner', 'carol'), '/v1/agents')).toBe(403);
  });

  test('who is suspended or removed is refused within a second, in every spelling of the token', async () => {
    for (const end of ['suspend', 'remove'] as const) {
      const member = await invite('developer');
      const token = await plain(member.subject!);
      const padded = `${token}${'='.repeat((4 - (token.split('.')[2]!.length % 4)) % 4)}`;
      const chat = () =>
        platform.call('POST', 'acme.localhost', '/v1/chat/completions', {
          token,
          body: { model: 'default', messages: [{ role: 'user', content: 'x' }] },
        });
      expect((await chat()).status).toBe(200);
      const path = `/v1/members/${member.id}`;
      expect(
        (
          await (end === 'suspend'
            ? call('PATCH', path, acme.key, { status: 'suspended' })
            : call('DELETE', path, acme.key))
        ).status,
      ).toBe(200);
      expect(await status(token)).toBe(401);
      expect(await status(padded)).toBe(401);
      await waitUntil(async () => (await chat()).status === 401, 1_000);
    }
  });

  test('who is suspended does not come in by a claim instead, and comes back when active again', async () => {
    const member = await invite('viewer', { subject: 'dan' });
    await call('PATCH', `/v1/members/${member.id}`, acme.key, { status: 'suspended' });
    expect(await status(await by('owner', 'dan'))).toBe(401);
    await call('PATCH', `/v1/members/${member.id}`, acme.key, { status: 'active' });
    expect(await status(await plain('dan'))).toBe(200);
  });

  test('pays by name: the receipt of a run says who, and the same person is the same id', async () => {
    const member = await invite('developer');
    const agent = await platform
      .client(acme)
      .require<{ id: string }>('POST', '/v1/agents', { slug: 'paid-for', name: 'Paid for' });
    for (const token of [
      await by('developer', 'payer'),
      await by('developer', 'payer'),
      await plain(member.subject!),
    ]) {
      const run = await call('POST', '/v1/responses', token, { model: 'agent/paid-for', input: 'What is the answer?' });
      expect(run.status).toBe(200);
    }
    const paid = () => receiptsOf(agent.id);
    await waitUntil(async () => paid().length === 3);
    const users = paid().map(({ user_id: user }) => user);
    expect(users.filter((user) => user === member.id)).toHaveLength(1);
    expect(new Set(users).size).toBe(2);
    const receipt = await call('GET', `/v1/receipts/${paid()[0]!.id}`, acme.key);
    expect(receipt.json()).toMatchObject({ key_id: null, user_id: users[0] });
  });

  /** Receipts are not listed by the API: they are read where the tenant's object keeps them. */
  function receiptsOf(agent: string): { readonly id: string; readonly user_id: string }[] {
    const folder = join(platform.dataDir, 'state/do/freehold-TenantObject');
    return readdirSync(folder)
      .filter((file) => file.endsWith('.sqlite') && !file.startsWith('metadata'))
      .flatMap((file) => {
        const database = new DatabaseSync(join(folder, file), { readOnly: true });
        try {
          const rows = database.prepare('SELECT id, user_id FROM ledger WHERE agent_id = ?').all(agent);
          return rows as { id: string; user_id: string }[];
        } finally {
          database.close();
        }
      });
  }
});

describe('a token', () => {
  test('without a membership or a role by its claims is refused with the one text', async () => {
    const nobody = await call('GET', '/v1/agents', await plain('nobody'));
    const none = await call('GET', '/v1/agents', 'nothing');
    expect(nobody.text).toBe(none.text);
    expect(nobody.status).toBe(401);
  });

  test('of an issuer that another tenant has registered is refused, and asks nobody for a key', async () => {
    const fetches = [op.jwksFetches, op.discoveryFetches];
    const token = await by('owner');
    expect((await platform.call('GET', 'other.localhost', '/v1/agents', { token })).status).toBe(401);
    expect([op.jwksFetches, op.discoveryFetches]).toEqual(fetches);
    await platform.client(other).require('POST', '/v1/issuers', { issuer: op.url, audience: 'other' });
    await waitUntil(
      async () =>
        (await platform.call('GET', 'other.localhost', '/v1/agents', { token: await op.sign({ aud: 'other' }) }))
          .status === 401,
      1_500,
    );
    expect((await platform.call('GET', 'other.localhost', '/v1/agents', { token })).status).toBe(401);
  });

  test('of any registered algorithm is accepted by the runtime itself, and a bent one is not', async () => {
    for (const key of op.keys) {
      const token = await op.sign({ sub: `by-${key.alg}`, realm: { roles: ['viewer'] } }, {}, key);
      expect(await status(token), key.alg).toBe(200);
      expect(await status(`${token.slice(0, -6)}AAAAAA`), key.alg).toBe(401);
    }
    expect(await status(await op.sign({ realm: { roles: ['viewer'] }, aud: 'another' }))).toBe(401);
    expect(await status(await op.sign({ realm: { roles: ['viewer'] } }, { typ: 'logout+jwt' }))).toBe(401);
  });

  test('with unknown key ids, two hundred at a time, costs the issuer one fetch', async () => {
    const stranger = await makeIssuerKey('ES256', 'stranger');
    const before = op.jwksFetches;
    const storm = Array.from({ length: 200 }, async (_, at) =>
      status(await op.sign({}, { kid: `storm-${at}` }, stranger)),
    );
    expect(new Set(await Promise.all(storm))).toEqual(new Set([401]));
    expect(op.jwksFetches - before).toBeLessThanOrEqual(1);
  });

  test('while its issuer is down is an outage and not a fault of the caller', async () => {
    const down = await LocalIssuer.start(['ES256']);
    try {
      await platform.client(acme).require('POST', '/v1/issuers', { issuer: down.url, audience: 'freehold' });
      down.misbehaviour = 'error';
      const token = await down.sign({ sub: 'x' });
      await waitUntil(async () => (await call('GET', '/v1/agents', token)).status === 503, 2_000);
      expect(down.jwksFetches).toBe(1);
    } finally {
      await down.stop();
    }
  });
});

describe('an issuer', () => {
  const wanted = (change: object) =>
    call('POST', '/v1/issuers', acme.key, { issuer: op.url, audience: 'freehold', ...change });

  test.each([
    ['issuer', { issuer: 'ftp://op.example.com' }],
    ['issuer', { issuer: 'https://10.0.0.1' }],
    ['issuer', { issuer: 'https://op.example.com/?x=1', jwks_uri: 'https://op.example.com/jwks' }],
    ['jwks_uri', { jwks_uri: 'file:///etc/passwd' }],
    ['algorithms.0', { algorithms: ['HS256'] }],
    ['algorithms.0', { algorithms: ['none'] }],
    ['algorithms', { algorithms: [] }],
    ['audience', { audience: '' }],
  ])('with a wrong "%s" is refused by name', async (param, change) => {
    const answer = await wanted(change);
    expect(answer.status).toBe(400);
    expect((answer.json() as { error: { param: string } }).error.param).toBe(param);
  });

  test('whose discovery document is not its own, or does not come, is refused', async () => {
    const lying = await LocalIssuer.start(['ES256']);
    try {
      lying.discovery = { issuer: op.url };
      expect((await wanted({ issuer: lying.url })).status).toBe(400);
      lying.discovery = { jwks_uri: 'http://10.0.0.1/jwks' };
      expect((await wanted({ issuer: lying.url })).status).toBe(400);
      expect((await wanted({ issuer: `${lying.url}/nothing-here` })).status).toBe(400);
    } finally {
      await lying.stop();
    }
    expect((await wanted({ issuer: lying.url })).status).toBe(400);
  });

  test('is registered once', async () => {
    const again = await wanted({});
    expect([again.status, codeOf(again)]).toEqual([409, 'conflict']);
  });

  test('that is removed lets nobody in, and registered anew inherits no member', async () => {
    const short = await LocalIssuer.start(['ES256']);
    try {
      const mapping = { claim: 'role', value: 'guest', role: 'billing' };
      const register = () =>
        platform.client(acme).require<Issuer>('POST', '/v1/issuers', {
          issuer: short.url,
          audience: 'freehold',
          role_mappings: [mapping],
        });
      const own = await register();
      const member = await invite('admin', { issuer: own.id, subject: 'root', email: 'root@example.com' });
      const token = await short.sign({ sub: 'root', email: 'root@example.com', email_verified: true });
      const guest = await short.sign({ sub: 'guest', role: 'guest' });
      await waitUntil(async () => (await status(token)) === 200, 1_500);
      expect(await status(guest)).toBe(200);
      expect((await call('DELETE', `/v1/issuers/${own.id}`, acme.key)).status).toBe(200);
      expect([await status(token), await status(guest)]).toEqual([401, 401]);
      expect((await call('GET', `/v1/members/${member.id}`, acme.key)).json()).toMatchObject({ status: 'suspended' });
      const revived = await call('PATCH', `/v1/members/${member.id}`, acme.key, { status: 'active' });
      expect([revived.status, codeOf(revived)]).toEqual([409, 'conflict']);
      await register();
      await waitUntil(async () => (await status(guest)) === 200, 1_500);
      expect(await status(token)).toBe(401);
    } finally {
      await short.stop();
    }
  });
});
