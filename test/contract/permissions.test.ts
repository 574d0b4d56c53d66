/**
 * Which permission opens which route, tried one by one with keys that carry a single permission, and compared with the
 * committed table. A change of the table is a change of what tenants have granted: it is made on purpose or not at all. (I-6)
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { permissions, type Permission } from '../../shared/contracts/keys.ts';
import { fillPath, readApi, type Api, type Operation } from '../support/api-operations.ts';
import { sampleBodies } from '../support/api-samples.ts';
import { populateTenant, type PopulatedTenant } from '../support/populated-tenant.ts';
import { startTestPlatform, type Answer, type TestPlatform } from '../support/running-platform.ts';

type Who = Permission | 'nothing but a visit';
/** Permission to the operations that it opens, sorted. */
type Matrix = Readonly<Record<string, readonly string[]>>;

const expectedPath = join(import.meta.dirname, 'permissions.expected.json');
const expected = JSON.parse(readFileSync(expectedPath, 'utf8')) as Matrix;

let platform: TestPlatform;
let api: Api;
let tenant: PopulatedTenant;
const keys = new Map<Who, string>();

beforeAll(async () => {
  platform = await startTestPlatform();
  api = await readApi(platform);
  tenant = await populateTenant(platform, 'acme');
  for (const permission of permissions) keys.set(permission, await issue({ permissions: [permission] }));
  keys.set('nothing but a visit', tenant.visitor);
});
afterAll(() => platform.stop());

async function issue(body: object): Promise<string> {
  const made = await platform.client(tenant).require<{ secret: string }>('POST', '/v1/keys', { name: 'k', ...body });
  return made.secret;
}

function tenantOperations(): readonly Operation[] {
  return api.operations.filter(({ access }) => access === 'tenant');
}

/** Names a thing that is there, or, so that nothing is destroyed between two tries, a child that is not. */
function send(operation: Operation, token: string): Promise<Answer> {
  const { method, path, body, id } = operation;
  const last = operation.pathParams.at(-1);
  const params = {
    ...tenant.ids,
    ...((method === 'DELETE' || ['revokeKey', 'rotateKey', 'updateMember', 'updateIssuer'].includes(id)) &&
    last &&
    last !== 'agent'
      ? { [last]: `${tenant.ids[last as 'key'].slice(0, -4)}zzzz` }
      : {}),
  };
  const target = id === 'deleteAgent' ? path.replace('{agent}', 'nobody') : fillPath(path, params);
  // A key grants only what it has, so the new one is given nothing but the right to make keys.
  const sample = id === 'createKey' ? { name: 'k', permissions: ['keys:write'] } : sampleBodies[id]?.(tenant);
  return platform.call(method, 'acme.localhost', target, { token, ...(body ? { body: sample } : {}) });
}

/**
 * Nobody grants more than they have, so a single permission opens the route and gives no role, and no hook of either kind
 * that acts with another one.
 */
function isBeyond({ id }: Operation, answer: Answer): boolean {
  if (id === 'createHook' || id === 'updateHook') return answer.text.includes('inference:invoke');
  if (id === 'updateProtocolHook') return answer.text.includes('tasks:write');
  return id === 'createMember' && answer.text.includes('The role \\"viewer\\" holds');
}

describe('permissions', () => {
  test('each alone opens exactly the routes of the committed table', async () => {
    const matrix: Record<string, string[]> = {};
    for (const [who, token] of keys) {
      matrix[who] = [];
      for (const operation of tenantOperations()) {
        const answer = await send(operation, token);
        expect([200, 201, 202, 403, 404, 409], `${operation.id} with ${who}: ${answer.text}`).toContain(answer.status);
        if (answer.status !== 403 || isBeyond(operation, answer)) matrix[who].push(operation.id);
      }
      matrix[who].sort();
    }
    expect(matrix, `if this is meant, write it to ${expectedPath}:\n${JSON.stringify(matrix, null, 2)}`).toEqual(
      expected,
    );
  });

  test('the table opens every route to exactly one permission, the one that the document names', () => {
    for (const { id, permission } of tenantOperations()) {
      const openers = permissions.filter((each) => expected[each]?.includes(id));
      expect(openers, id).toEqual([permission]);
    }
    const known = new Set(tenantOperations().map(({ id }) => id));
    expect(
      Object.values(expected)
        .flat()
        .filter((id) => !known.has(id)),
    ).toEqual([]);
  });

  test('a key with all of them opens every route, and is refused by none for want of a permission', async () => {
    for (const operation of tenantOperations())
      expect((await send(operation, tenant.key)).status, operation.id).not.toBe(403);
  });

  test('a refusal names the permission that is missing and nothing of what was asked for', async () => {
    const token = keys.get('usage:read')!;
    for (const operation of tenantOperations().filter(({ permission }) => permission !== 'usage:read')) {
      const answer = await send(operation, token);
      const { error } = answer.json() as { error: { code: string; message: string } };
      expect(error.code, operation.id).toBe('permission_denied');
      expect(error.message).toContain(operation.permission!);
      expect(tenant.canaries.filter((canary) => answer.text.includes(canary))).toEqual([]);
    }
  });

  test('a key of one agent opens that agent alone, whatever its permissions', async () => {
    const token = await issue({ scope: { agent: tenant.ids.agent } });
    const other = (await platform.call('GET', 'acme.localhost', '/v1/agents', { token: tenant.key })).json() as {
      data: { id: string; slug: string }[];
    };
    const foreign = other.data.find(({ id }) => id !== tenant.ids.agent)!;
    for (const operation of tenantOperations().filter(({ pathParams }) => pathParams[0] === 'agent')) {
      for (const ref of [foreign.id, foreign.slug, 'nobody']) {
        const path = fillPath(operation.path, { ...tenant.ids, agent: ref });
        const answer = await platform.call(operation.method, 'acme.localhost', path, {
          token,
          ...(operation.body ? { body: sampleBodies[operation.id]!(tenant) } : {}),
        });
        expect(answer.status, `${operation.id} of ${ref}`).toBe(403);
      }
    }
    const own = await platform.call('GET', 'acme.localhost', `/v1/agents/${tenant.ids.agent}`, { token });
    expect(own.status).toBe(200);
    for (const path of ['/v1/agents', '/v1/keys', '/v1/usage']) {
      expect((await platform.call('GET', 'acme.localhost', path, { token })).status, path).toBe(403);
    }
    const models = (await platform.call('GET', 'acme.localhost', '/v1/models', { token })).json() as {
      data: { id: string }[];
    };
    expect(models.data.map(({ id }) => id)).toEqual([tenant.ids.model]);
  });

  test('a key of one agent cannot tell another agent from none, and a key without the permission can tell nothing', async () => {
    const bound = await issue({ scope: { agent: tenant.ids.agent } });
    const ask = async (token: string, model: string) => {
      const answer = await platform.call('POST', 'acme.localhost', '/v1/chat/completions', {
        token,
        body: { model, messages: [{ role: 'user', content: 'hi' }] },
      });
      return `${answer.status} ${answer.text}`;
    };
    const { data } = (await platform.call('GET', 'acme.localhost', '/v1/agents', { token: tenant.key })).json() as {
      data: { id: string; model: string }[];
    };
    const foreign = data.find(({ id }) => id !== tenant.ids.agent)!.model;
    expect(await ask(bound, foreign)).toBe(await ask(bound, 'agent/nobody'));
    expect(await ask(bound, foreign)).toContain('model_not_found');
    expect(await ask(bound, tenant.ids.model)).toContain('chat.completion');
    const reader = keys.get('usage:read')!;
    expect(await ask(reader, foreign)).toBe(await ask(reader, 'agent/nobody'));
    expect(await ask(reader, foreign)).toContain('permission_denied');
  });

  test.each(['a key of one agent', 'a visitor'])(
    '%s is told what is wrong with its request, may use an Idempotency-Key, and finds its conversations',
    async (who) => {
      const token = who === 'a visitor' ? tenant.visitor : await issue({ scope: { agent: tenant.ids.agent } });
      const post = (path: string, body: object, headers = {}) =>
        platform.call('POST', 'acme.localhost', path, { token, body, headers });
      const { model } = tenant.ids;
      expect((await post('/v1/responses', { model })).status).toBe(400);
      expect((await post('/v1/responses', { model, input: 'hi', conversation: 'conv_none' })).status).toBe(404);
      const key = { 'idempotency-key': `once ${who}`.replaceAll(' ', '-') };
      const [first, second] = [
        await post('/v1/responses', { model, input: 'hi' }, key),
        await post('/v1/responses', { model, input: 'hi' }, key),
      ];
      expect([first.status, second.status, second.text]).toEqual([200, 200, first.text]);
      const made = (await post('/v1/conversations', {})).json() as { id: string };
      const listed = (await platform.call('GET', 'acme.localhost', '/v1/conversations', { token })).json() as {
        data: { id: string; agent: string }[];
      };
      expect(listed.data.map(({ id }) => id)).toContain(made.id);
      expect(listed.data.every(({ agent }) => agent === tenant.ids.agent)).toBe(true);
    },
  );
});
