/** Inbound hooks over HTTP: what is refused, and what is done exactly once. (O-8) */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MaxHookBytes, type CreatedHook, type HookDelivery } from '../../shared/contracts/hooks.ts';
import type { Task } from '../../shared/contracts/tasks.ts';
import { startTestPlatform, type Answer, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { sendGithub, sendStandard, type SentRequest } from '../support/sign-hook.ts';
import { waitUntil } from '../support/wait-until.ts';

let platform: TestPlatform;
let tenant: CreatedTenant;
let other: CreatedTenant;

beforeAll(async () => {
  platform = await startTestPlatform();
  [tenant, other] = [await platform.createTenant('acme'), await platform.createTenant('globex')];
  for (const each of [tenant, other])
    await platform.client(each).require('POST', '/v1/agents', { slug: 'concierge', name: 'Concierge' });
});
afterAll(() => platform.stop());

const wanted = { name: 'h', agent: 'concierge', verification: { scheme: 'github' } };
const create = (change: object = {}) =>
  platform.call('POST', 'acme.localhost', '/v1/hooks', { token: tenant.key, body: { ...wanted, ...change } });
const make = async (change: object = {}) => (await create(change)).json() as CreatedHook & { readonly secret: string };
const send = (path: string, { headers, body }: SentRequest, host = 'acme.localhost'): Promise<Answer> =>
  platform.call('POST', host, path, { rawBody: body, headers });
const deliveriesOf = async (hook: CreatedHook) =>
  (await platform.client(tenant).require<{ data: HookDelivery[] }>('GET', `/v1/hooks/${hook.id}/deliveries`)).data;

describe('a hook is refused at its making', () => {
  test.each([
    ['a template that does not parse', { template: '{{payload.issue' }, 'template'],
    ['a template with logic', { template: '{{#if payload}}' }, 'template'],
    ['a template that names what there is not', { template: '{{secrets.mail}}' }, 'template'],
    ['an agent that is not there', { agent: 'nobody' }, 'agent'],
    ['a scheme that nobody knows', { verification: { scheme: 'none' } }, 'verification.scheme'],
    ['no secret where the sender has it', { verification: { scheme: 'slack' } }, 'secret'],
    ['a secret that does not fit', { verification: { scheme: 'discord' }, secret: 'not-a-public-key' }, 'secret'],
    [
      'a signing key in place of the public one',
      { verification: { scheme: 'standard_webhooks' }, secret: `whsk_${'A'.repeat(43)}=` },
      'secret',
    ],
    ['a header that is none', { verification: { scheme: 'hmac', header: 'X Signature' } }, 'verification.header'],
    ['a lane that there is not', { lane: 'express' }, 'lane'],
    ['no attempt at all', { max_attempts: 0 }, 'max_attempts'],
    ['a member that there is not', { principal: 'me' }, 'principal'],
  ])('with %s', async (_, change, param) => {
    const answer = await create(change);
    expect([answer.status, answer.json()]).toMatchObject([400, { error: { param } }]);
  });
});

describe('a delivery is refused', () => {
  test.each([
    ['to a hook that is none', 'hook_00000000000000000000000000', 404],
    ['to a name that is no id', 'not-an-id', 404],
  ])('%s', async (_, id, status) => {
    expect((await send(`/hooks/${id}`, sendGithub('secret', 'd', 'push', '{}'))).status).toBe(status);
  });

  test("to another tenant's hook at the own host", async () => {
    const hook = await make();
    const sent = sendGithub(hook.secret, 'd', 'push', '{}');
    expect((await send(hook.path, sent, 'globex.localhost')).status).toBe(404);
    expect((await send(hook.path, sent, 'localhost')).status).toBe(404);
    expect((await send(hook.path, sent)).status).toBe(202);
  });

  test('that is larger than its limit, before anybody verifies it', async () => {
    const hook = await make();
    const body = JSON.stringify('x'.repeat(MaxHookBytes));
    expect((await send(hook.path, sendGithub(hook.secret, 'd', 'push', body))).status).toBe(413);
    const fitting = JSON.stringify('x'.repeat(MaxHookBytes - 2));
    expect((await send(hook.path, sendGithub(hook.secret, 'd', 'push', fitting))).status).toBe(202);
  });

  test('whose signed body is no JSON, and says so to its sender alone', async () => {
    const hook = await make();
    const answer = await send(hook.path, sendGithub(hook.secret, 'd', 'push', 'no json'));
    expect([answer.status, answer.json()]).toMatchObject([400, { error: { code: 'invalid_json' } }]);
    expect((await send(hook.path, sendGithub('another', 'd', 'push', 'no json'))).status).toBe(401);
    const { last_refusal } = await platform.client(tenant).require<CreatedHook>('GET', `/v1/hooks/${hook.id}`);
    expect(last_refusal?.reason).toBe('The body is not valid JSON.');
  });

  test('with another key of the tenant, which opens nothing here', async () => {
    const hook = await make();
    const answer = await platform.call('POST', 'acme.localhost', hook.path, { token: tenant.key, body: {} });
    expect(answer.status).toBe(401);
  });
});

test('ten copies at once and ten later ones are one delivery and one task', async () => {
  const hook = await make();
  const sent = sendGithub(hook.secret, 'd-1', 'push', '{"ref":"refs/heads/main"}');
  const first = await Promise.all(Array.from({ length: 10 }, () => send(hook.path, sent)));
  await waitUntil('it is handed over', async () => (await deliveriesOf(hook))[0]?.status === 'handed_over');
  const later = await Promise.all(
    Array.from({ length: 10 }, (_, at) => send(hook.path, sendGithub(hook.secret, `other-${at}`, 'push', sent.body))),
  );
  const receipts = [...first, ...later].map((answer) => answer.json() as { delivery: string; duplicate: boolean });
  expect(receipts.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  expect(new Set(receipts.map(({ delivery }) => delivery)).size).toBe(1);
  const deliveries = await deliveriesOf(hook);
  expect(deliveries).toHaveLength(1);
  const tasks = await platform.client(tenant).require<{ data: Task[] }>('GET', '/v1/agents/concierge/tasks?limit=100');
  expect(tasks.data.filter(({ metadata }) => metadata['hook'] === hook.id).map(({ id }) => id)).toEqual([
    deliveries[0]!.task,
  ]);
});

test('a body that is signed with bytes that text would not keep is verified as it travelled', async () => {
  const hook = await make();
  const body = '\ufeff{"a": 1.0, "b":"\\u00e9é"}';
  expect((await send(hook.path, sendGithub(hook.secret, 'd', 'push', body))).status).toBe(202);
});

test('a Standard Webhooks sender is known by the reference library, and its secret is shown once', async () => {
  const hook = await make({ verification: { scheme: 'standard_webhooks' } });
  expect(hook.secret).toMatch(/^whsec_/);
  const now = Math.floor(Date.now() / 1000);
  expect((await send(hook.path, sendStandard(hook.secret, 'msg_1', now, '{"type":"a.b"}'))).status).toBe(202);
  expect((await send(hook.path, sendStandard(hook.secret, 'msg_2', now - 600, '{"type":"a.b"}'))).status).toBe(401);
  for (const path of ['/v1/hooks', `/v1/hooks/${hook.id}`, '/v1/secrets', '/v1/audit'])
    expect((await platform.call('GET', 'acme.localhost', path, { token: tenant.key })).text).not.toContain(hook.secret);
});

test('who repeats the making of a hook with an Idempotency-Key finds the same hook and the same secret', async () => {
  const once = () =>
    platform.call('POST', 'acme.localhost', '/v1/hooks', {
      token: tenant.key,
      body: wanted,
      headers: { 'idempotency-key': 'make-a-hook' },
    });
  const [one, two] = [await once(), await once()];
  expect(one.status).toBe(201);
  expect(two.json()).toEqual(one.json());
});
