/** Plans are in force at once, for every tenant that is on one; a tenant sees what is in force for it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Resolver } from '../support/resolver.ts';
import { startTestPlatform, type Answer, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { waitUntil } from '../support/populated-tenant.ts';

let platform: TestPlatform;
let resolver: Resolver;
let acme: CreatedTenant;

beforeAll(async () => {
  resolver = await Resolver.start();
  platform = await startTestPlatform({ vars: { DNS_OVER_HTTPS_URL: resolver.url } });
  acme = await platform.createTenant('acme');
});
afterAll(async () => {
  await platform.stop();
  await resolver.stop();
});

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
const asOperator = (method: Method, path: string, body?: object): Promise<Answer> =>
  platform.call(method, 'localhost', `/operator/v1${path}`, {
    token: platform.secrets.operator_token,
    ...(body ? { body } : {}),
  });
const at = (tenant: CreatedTenant, method: Method, path: string, body?: object): Promise<Answer> =>
  platform.call(method, `${tenant.slug}.localhost`, path, { token: tenant.key, ...(body ? { body } : {}) });
const errorOf = (answer: Answer) =>
  (answer.json() as { error: { code: string; message: string; param: string | null } }).error;

describe('a plan', () => {
  test('limits what a tenant on it makes, from the next request on, and says so', async () => {
    expect(
      (await asOperator('POST', '/plans', { id: 'small', name: 'Small', limits: { agents: 5, keys: 3, domains: 1 } }))
        .status,
    ).toBe(201);
    expect((await asOperator('PATCH', `/tenants/${acme.id}`, { plan: 'small' })).status).toBe(200);
    for (let n = 0; n < 5; n++)
      expect((await at(acme, 'POST', '/v1/agents', { slug: `a-${n}`, name: 'a' })).status).toBe(201);
    const sixth = await at(acme, 'POST', '/v1/agents', { slug: 'a-6', name: 'a' });
    expect(sixth.status).toBe(403);
    expect(errorOf(sixth)).toMatchObject({ code: 'plan_limit_reached' });
    expect(errorOf(sixth).message).toContain('allows 5 agents, and there are 5');
    for (let n = 0; n < 2; n++) expect((await at(acme, 'POST', '/v1/keys', { name: 'k' })).status).toBe(201);
    expect((await at(acme, 'POST', '/v1/keys', { name: 'k' })).status).toBe(403);
    expect((await asOperator('POST', `/tenants/${acme.id}/keys`, { name: 'rescue' })).status).toBe(201);
  });

  test('that is changed is in force for its tenants with the answer', async () => {
    expect(
      (await asOperator('PATCH', '/plans/small', { limits: { agents: 6 }, features: { beta: true } })).status,
    ).toBe(200);
    expect((await at(acme, 'POST', '/v1/agents', { slug: 'a-6', name: 'a' })).status).toBe(201);
    expect((await at(acme, 'POST', '/v1/agents', { slug: 'a-7', name: 'a' })).status).toBe(403);
    const own = (await at(acme, 'GET', '/v1/tenant')).json();
    expect(own).toMatchObject({
      id: acme.id,
      slug: 'acme',
      status: 'active',
      plan: { id: 'small', name: 'Small' },
      features: { beta: true },
      limits: { agents: 6, keys: 3, requests_per_minute: null },
    });
  });

  test('gives way to what a tenant was granted beside it', async () => {
    const overrides = { limits: { agents: null }, features: { beta: false, extra: true } };
    expect((await asOperator('PATCH', `/tenants/${acme.id}`, { overrides, name: 'Acme Ltd' })).status).toBe(200);
    expect((await at(acme, 'POST', '/v1/agents', { slug: 'a-8', name: 'a' })).status).toBe(201);
    expect((await at(acme, 'GET', '/v1/tenant')).json()).toMatchObject({
      name: 'Acme Ltd',
      features: { beta: false, extra: true },
      limits: { agents: null, keys: 3 },
    });
  });

  test('that tenants are on cannot go, and none comes onto one that is not there', async () => {
    expect((await asOperator('DELETE', '/plans/small')).status).toBe(409);
    expect(errorOf(await asOperator('PATCH', `/tenants/${acme.id}`, { plan: 'none' }))).toMatchObject({
      param: 'plan',
    });
    expect(errorOf(await asOperator('POST', '/tenants', { slug: 'other', name: 'o', plan: 'none' }))).toMatchObject({
      param: 'plan',
    });
    expect((await asOperator('POST', '/plans', { id: 'unused', name: 'u' })).status).toBe(201);
    expect((await asOperator('DELETE', '/plans/unused')).status).toBe(200);
    expect((await asOperator('POST', '/plans', { id: 'bad', name: 'b', limits: { agents: -1 } })).status).toBe(400);
  });

  test("has every change on the trail of the tenant, and on the operator's", async () => {
    const own = (await at(acme, 'GET', '/v1/audit?action=tenant.updated')).json() as { data: unknown[] };
    expect(own.data).toHaveLength(3);
    const trail = (await asOperator('GET', '/audit?limit=100')).json() as {
      data: { outcome: string; target: string | null; details: { operation: string } }[];
    };
    const done = trail.data.map(({ outcome, details }) => `${details.operation} ${outcome}`);
    expect(done).toContain('createPlan succeeded');
    expect(done).toContain('deletePlan refused');
    expect(trail.data.find(({ details }) => details.operation === 'updateTenant')!.target).toBe(acme.id);
    expect((await asOperator('GET', '/audit/verify')).json()).toMatchObject({ valid: true });
  });

  test("and a refusal for want of a permission is on the tenant's trail, within bounds", async () => {
    await asOperator('PATCH', `/tenants/${acme.id}`, { plan: 'standard', overrides: {} });
    const key = (await at(acme, 'POST', '/v1/keys', { name: 'k', permissions: ['agents:read'] })).json() as {
      id: string;
      secret: string;
    };
    for (let n = 0; n < 100; n++) await platform.call('GET', 'acme.localhost', '/v1/keys', { token: key.secret });
    const refused = (await at(acme, 'GET', '/v1/audit?action=admission.*&limit=100')).json() as {
      data: { actor: { id: string }; outcome: string; details: object }[];
    };
    expect(refused.data.length).toBeGreaterThan(0);
    expect(refused.data.length).toBeLessThanOrEqual(61);
    expect(refused.data.at(-1)).toMatchObject({
      actor: { id: key.id },
      outcome: 'refused',
      details: { code: 'permission_denied', permission: 'keys:read' },
    });
  });
});

type Domain = {
  readonly id: string;
  readonly status: string;
  readonly hostname: string;
  readonly challenge: { readonly dns: { readonly name: string; readonly value: string } };
};

describe('a custom hostname', () => {
  const claim = async (tenant: CreatedTenant, hostname: string) =>
    (await at(tenant, 'POST', '/v1/domains', { hostname })).json() as Domain;
  const verify = async (tenant: CreatedTenant, id: string) =>
    (await at(tenant, 'POST', `/v1/domains/${id}/verify`)).json() as Domain;
  const servedBy = async (hostname: string, tenant: CreatedTenant) =>
    (await platform.call('GET', hostname, '/v1/agents', { token: tenant.key })).status;

  test('leads to its tenant once a TXT record proves it, and not before', async () => {
    const made = await claim(acme, 'Agents.Example.COM');
    expect(made).toMatchObject({ hostname: 'agents.example.com' });
    await waitUntil(async () => (await verify(acme, made.id)).status === 'verifying');
    expect(await servedBy('agents.example.com', acme)).toBe(404);
    resolver.txt.set(made.challenge.dns.name, ['v=spf1 -all', made.challenge.dns.value]);
    expect(await verify(acme, made.id)).toMatchObject({ status: 'active', method: 'dns' });
    expect(await servedBy('agents.example.com', acme)).toBe(200);
  });

  test('is kept by nobody with a claim alone: the one who proves it has it, and the other is told', async () => {
    const rival = await platform.createTenant('rival');
    const squat = await claim(acme, 'contested.example.com');
    const owner = await claim(rival, 'contested.example.com');
    resolver.txt.set(owner.challenge.dns.name, [owner.challenge.dns.value]);
    expect(await verify(rival, owner.id)).toMatchObject({ status: 'active' });
    expect(await servedBy('contested.example.com', rival)).toBe(200);
    expect(await servedBy('contested.example.com', acme)).toBe(401);
    resolver.txt.set(squat.challenge.dns.name, [squat.challenge.dns.value]);
    expect(await verify(acme, squat.id)).toMatchObject({
      status: 'failed',
      reason: 'another tenant has this hostname',
    });
    expect(await servedBy('contested.example.com', rival)).toBe(200);
  });

  test('leads nowhere within a second of its removal', async () => {
    const { data } = (await at(acme, 'GET', '/v1/domains')).json() as { data: Domain[] };
    const active = data.find(({ hostname }) => hostname === 'agents.example.com')!;
    expect((await at(acme, 'DELETE', `/v1/domains/${active.id}`)).status).toBe(200);
    const removed = Date.now();
    await waitUntil(async () => (await servedBy('agents.example.com', acme)) === 404);
    expect(Date.now() - removed).toBeLessThan(3_000);
    expect((await at(acme, 'GET', `/v1/domains/${active.id}`)).status).toBe(404);
  });

  test('is not lost, nor won, while nobody can be asked', async () => {
    const made = await claim(acme, 'outage.example.com');
    resolver.isDown = true;
    expect(await verify(acme, made.id)).toMatchObject({ status: 'pending', reason: 'the check could not be made' });
    resolver.isDown = false;
    resolver.txt.set(made.challenge.dns.name, [made.challenge.dns.value]);
    expect(await verify(acme, made.id)).toMatchObject({ status: 'active' });
  });

  const refused = [
    'localhost',
    'acme.localhost',
    'deep.acme.localhost',
    'com',
    '127.0.0.1',
    '0x7f.1',
    '[::1]',
    '*.example.com',
    'http://example.com',
    'example.com/x',
    'example.com:80',
    'user@example.com',
    'exa mple.com',
    'a..example.com',
    '-a.example.com',
    `${'a'.repeat(64)}.example.com`,
    'xn--.example.com',
    '%65xample.com',
  ];
  test.each(refused)('is refused by name: %s', async (hostname) => {
    const answer = await at(acme, 'POST', '/v1/domains', { hostname });
    expect(answer.status, answer.text).toBe(400);
    expect(errorOf(answer).param).toBe('hostname');
  });

  test('beyond ASCII is taken as IDN', async () => {
    expect(await claim(acme, 'bücher.example')).toMatchObject({ hostname: 'xn--bcher-kva.example' });
  });
});
