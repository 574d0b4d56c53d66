/**
 * Every type of event that a request can cause reaches a webhook in the trace of that request. A type of the catalogue that
 * stands in no step, and not among those that no single request causes, fails the suite. (M-2)
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventTypes, type EventType } from '../../shared/contracts/events.ts';
import type { FakeScript } from '../support/fake-node.ts';
import { LocalIssuer } from '../support/local-issuer.ts';
import { PlainModel, startPlatformWithNode, type PlatformWithNode } from '../support/platform-with-node.ts';
import { Resolver } from '../support/resolver.ts';
import { waitUntil } from '../support/wait-until.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

type Method = 'POST' | 'PATCH' | 'DELETE';
type Body = { readonly id: string; readonly [member: string]: unknown };
/** Under the step's trace, unless it is asked by somebody else's token. */
type Call = (method: Method, path: string, body?: object, token?: string) => Promise<Body>;
type Step = { readonly types: readonly EventType[]; readonly run: (call: Call) => Promise<unknown> };

/** Time, money that many requests have spent, or days of failures cause these. */
const ofNoRequest: readonly EventType[] = [
  'alert.fired',
  'alert.resolved',
  'budget.threshold_reached',
  // test/unit/webhook-endpoint/deliverer.test.ts
  'webhook.exhausted',
];

let world: PlatformWithNode;
let receiver: WebhookReceiver;
let resolver: Resolver;
let issuer: LocalIssuer;
const got: { readonly type: EventType; readonly traceparent: string | undefined }[] = [];
/** What the failing webhook is answered. */
let answer = 500;
let failures = 0;

beforeAll(async () => {
  [receiver, resolver, issuer] = [
    await WebhookReceiver.start(),
    await Resolver.start(),
    await LocalIssuer.start(['ES256']),
  ];
  world = await startPlatformWithNode({ vars: { DNS_OVER_HTTPS_URL: resolver.url } });
  const url = receiver.url('/all', (response, { body, headers }) => {
    const { type } = JSON.parse(body) as { type: EventType };
    got.push({ type, traceparent: headers['traceparent'] as string | undefined });
    response.writeHead(204).end();
  });
  const own = world.platform.client(world.tenant);
  const { id } = await own.require<Body>('POST', '/v1/webhooks', { url, events: ['*'] });
  watcher = id;
});
afterAll(async () => {
  await world.stop();
  await Promise.all([receiver.stop(), resolver.stop(), issuer.stop()]);
});

let watcher: string;
/** Of all steps so far. */
const traces = new Set<string>();
const traceIdOf = ({ traceparent }: (typeof got)[number]) => traceparent?.split('-')[1] ?? 'none';
let serial = 0;
const fresh = (prefix: string) => `${prefix}-${serial++}`;
const script = (partial: FakeScript) => {
  world.node.script = { models: world.node.script.models!, ...partial };
};
const byMembers = <T extends 'member' | 'budget' | 'agent' | 'webhook'>(type: T) =>
  [`${type}.created`, `${type}.updated`, `${type}.deleted`] as const;
const newAgent = (call: Call, definition: object = {}) =>
  call('POST', '/v1/agents', { slug: fresh('agent'), name: 'Agent', definition: { model: PlainModel, ...definition } });
const ended = (id: string) =>
  waitUntil('the response has ended', async () => {
    const { status } = await world.platform
      .client(world.tenant)
      .require<{ status: string }>('GET', `/v1/responses/${id}`);
    return !['queued', 'in_progress'].includes(status) && status;
  });

const steps: Readonly<Record<string, Step>> = {
  'a tenant is suspended and reactivated': {
    types: ['tenant.suspended', 'tenant.reactivated'],
    async run(call) {
      const token = world.platform.secrets.operator_token;
      await call('POST', `/operator/v1/tenants/${world.tenant.id}/suspend`, {}, token);
      await call('POST', `/operator/v1/tenants/${world.tenant.id}/reactivate`, {}, token);
    },
  },
  'all runs are stopped and go on': {
    types: ['tenant.stopped', 'tenant.resumed'],
    async run(call) {
      await call('POST', '/v1/tenant/stop', {});
      await call('POST', '/v1/tenant/resume', {});
    },
  },
  keys: {
    types: ['key.created', 'key.rotated', 'key.revoked'],
    async run(call) {
      const { id } = await call('POST', '/v1/keys', { name: 'k', permissions: ['agents:read'] });
      await call('POST', `/v1/keys/${id}/rotate`, { grace_seconds: 60 });
      await call('POST', `/v1/keys/${id}/revoke`, {});
    },
  },
  'people and their issuer': {
    types: ['issuer.created', 'issuer.updated', 'issuer.deleted', 'member.joined', ...byMembers('member')],
    async run(call) {
      const made = await call('POST', '/v1/issuers', { issuer: issuer.url, audience: 'freehold' });
      await call('PATCH', `/v1/issuers/${made.id}`, { client_id: null });
      const invited = { issuer: made.id, email: 'ada@example.com', role: 'admin' };
      const member = await call('POST', '/v1/members', invited);
      const token = await issuer.sign({ sub: 'ada', email: 'ada@example.com', email_verified: true });
      await call('POST', '/v1/agents', { slug: fresh('agent'), name: 'By a member' }, token);
      await call('PATCH', `/v1/members/${member.id}`, { role: 'viewer' });
      await call('DELETE', `/v1/members/${member.id}`);
      await call('DELETE', `/v1/issuers/${made.id}`);
    },
  },
  secrets: {
    types: ['secret.created', 'secret.rotated', 'secret.deleted'],
    async run(call) {
      await call('POST', '/v1/secrets', { name: 'credential', value: 'a value' });
      await call('POST', '/v1/secrets/credential/rotate', { value: 'another value' });
      await call('DELETE', '/v1/secrets/credential');
    },
  },
  budgets: {
    types: byMembers('budget'),
    async run(call) {
      const { id } = await call('POST', '/v1/budgets', { name: 'b', limit_micros: 1e12, window: 'month' });
      await call('PATCH', `/v1/budgets/${id}`, { name: 'c' });
      await call('DELETE', `/v1/budgets/${id}`);
    },
  },
  'agents and their state': {
    types: [
      ...byMembers('agent'),
      'agent.version_created',
      'agent.published',
      'agent.rolled_back',
      'agent.suspended',
      'agent.resumed',
      'agent.state_changed',
    ],
    async run(call) {
      const { id } = await newAgent(call);
      await call('PATCH', `/v1/agents/${id}`, { name: 'Renamed' });
      await call('POST', `/v1/agents/${id}/versions`, { model: PlainModel, instructions: 'Be kind.' });
      await call('POST', `/v1/agents/${id}/publish`, { version: 2, environment: 'prod' });
      await call('POST', `/v1/agents/${id}/rollback`, { environment: 'prod' });
      await call('POST', `/v1/agents/${id}/suspend`, {});
      await call('POST', `/v1/agents/${id}/resume`, {});
      await call('PATCH', `/v1/agents/${id}/persona`, { tone: 'brief' });
      await call('DELETE', `/v1/agents/${id}`);
    },
  },
  'memories are written, consolidated, and forgotten': {
    types: ['memory.written', 'memory.forgotten'],
    async run(call) {
      const { id } = await newAgent(call);
      const path = `/v1/agents/${id}/memories`;
      for (const text of ['Ada likes cups of tea.', 'Ada likes cup of tea']) await call('POST', path, { text });
      const run = await call('POST', `${path}/consolidate`);
      await call('POST', `${path}/consolidations/${run.id}/undo`);
      await call('POST', `${path}/forget`, { all: true });
      await call('DELETE', `/v1/agents/${id}`);
    },
  },
  'a protocol hook is made, fires on a memory, gives a task, and is deleted': {
    types: ['agent.hook_fired', 'agent.state_changed', 'task.created', 'task.started', 'task.succeeded'],
    async run(call) {
      const { id } = await newAgent(call);
      const before = got.length;
      const action = { type: 'task', input: 'Look at it.' };
      const hook = await call('POST', `/v1/agents/${id}/protocol_hooks`, {
        name: 'h',
        moment: 'on_memory_written',
        action,
      });
      await call('POST', `/v1/agents/${id}/memories`, { text: 'The lamp is in the hall.' });
      await waitUntil('its task is done', () => got.slice(before).some(({ type }) => type === 'task.succeeded'));
      await call('DELETE', `/v1/agents/${id}/protocol_hooks/${hook.id}`);
    },
  },
  'conversations, one opened and one branched off': {
    types: ['conversation.created', 'conversation.deleted'],
    async run(call) {
      const { id } = await call('POST', '/v1/conversations', { items: [{ role: 'user', content: 'hello' }] });
      const branch = await call('POST', `/v1/conversations/${id}/branch`, {});
      await call('DELETE', `/v1/conversations/${id}`);
      await call('DELETE', `/v1/conversations/${branch.id}`);
    },
  },
  'responses that end in every way': {
    types: ['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled'],
    async run(call) {
      const { slug } = await newAgent(call);
      const ask = { model: `agent/${String(slug)}`, input: 'hello' };
      await call('POST', '/v1/responses', ask);
      script({ words: Array.from({ length: 60 }, () => 'word '), finish: 'length' });
      await call('POST', '/v1/responses', { ...ask, max_output_tokens: 16 });
      script({ refuse: { status: 400, body: { error: { message: 'no' } } } });
      await call('POST', '/v1/responses', ask);
      script({ hang: true });
      const { id } = await call('POST', '/v1/responses', { ...ask, background: true });
      await call('POST', `/v1/responses/${id}/cancel`, {});
      await ended(id);
      world.node.release();
      script({});
    },
  },
  'tools are called, and people asked': {
    types: ['tool.called', 'approval.requested', 'approval.approved', 'approval.denied'],
    async run(call) {
      const tools = [{ type: 'builtin', name: 'memory_search', approval: 'always' }];
      const { slug } = await newAgent(call, { tools });
      script({
        reply: ({ body }) =>
          JSON.stringify(body['messages']).includes('"role":"tool"')
            ? { text: 'Done.' }
            : { calls: [{ name: 'memory_search', arguments: { query: 'tea' } }] },
      });
      for (const decision of ['approve', 'deny']) {
        const asked = await call('POST', '/v1/responses', { model: `agent/${String(slug)}`, input: 'hello' });
        const { id } = (asked['output'] as Body[]).find(({ type }) => type === 'mcp_approval_request')!;
        await call('POST', `/v1/approvals/${id}/${decision}`, {});
        await ended(asked.id);
      }
      script({});
    },
  },
  'tasks that do not end well': {
    types: ['task.created', 'task.started', 'task.retrying', 'task.dead', 'task.failed', 'task.cancelled'],
    async run(call) {
      const { id } = await newAgent(call);
      const before = got.length;
      const path = `/v1/agents/${id}/tasks`;
      const later = await call('POST', path, { input: 'x', run_at: '2100-01-01T00:00:00Z' });
      await call('POST', `/v1/tasks/${later.id}/cancel`, {});
      script({ refuse: { status: 503, body: { error: { message: 'busy' } } } });
      await call('POST', path, { input: 'x', max_attempts: 2 });
      await waitUntil('it is given up', () => got.slice(before).some(({ type }) => type === 'task.dead'));
      script({ hang: true });
      await call('POST', path, { input: 'x', deadline: new Date(Date.now() + 1_000).toISOString() });
      await waitUntil('it is late', () => got.slice(before).some(({ type }) => type === 'task.failed'));
      world.node.release();
      script({});
    },
  },
  "hostnames, one of them another tenant's": {
    types: ['domain.created', 'domain.verified', 'domain.activated', 'domain.failed', 'domain.deleted'],
    async run(call) {
      const prove = async (own: Call, hostname: string) => {
        const made = await own('POST', '/v1/domains', { hostname });
        const check = () => own('POST', `/v1/domains/${made.id}/verify`, {});
        // Until the check that is due with the claim has been made, without a proof.
        await waitUntil('it is looked for', async () => (await check())['status'] === 'verifying');
        const { name, value } = (made['challenge'] as { dns: { name: string; value: string } }).dns;
        resolver.txt.set(name, [value]);
        await check();
        return made.id;
      };
      const rival = await world.platform.createTenant('rival');
      const rivals: Call = (...args) => world.platform.client(rival).require(...args);
      await prove(rivals, 'taken.example.com');
      await prove(call, 'taken.example.com');
      await call('DELETE', `/v1/domains/${await prove(call, 'own.example.com')}`);
    },
  },
  'a webhook is made, tested, fails, recovers, is disabled, and deleted': {
    types: [
      ...byMembers('webhook'),
      'webhook.secret_rotated',
      'webhook.endpoint_failing',
      'webhook.endpoint_recovered',
      'webhook.endpoint_disabled',
    ],
    async run(call) {
      const url = receiver.url('/failing', (response) => {
        failures++;
        response.writeHead(answer).end();
      });
      const { id } = await call('POST', '/v1/webhooks', { url, events: ['webhook.test'] });
      const heard = (type: EventType) => waitUntil(type, () => got.some((each) => each.type === type));
      const tried = async () => {
        const before = failures;
        await call('POST', `/v1/webhooks/${id}/test`, {});
        await waitUntil('it is tried', () => failures > before);
      };
      await call('PATCH', `/v1/webhooks/${id}`, { description: 'It fails.' });
      await call('POST', `/v1/webhooks/${id}/rotate_secret`, { grace_seconds: 60 });
      for (let failed = 0; failed < 5; failed++) await tried();
      await heard('webhook.endpoint_failing');
      answer = 204;
      await heard('webhook.endpoint_recovered');
      answer = 410;
      await tried();
      await heard('webhook.endpoint_disabled');
      await call('DELETE', `/v1/webhooks/${id}`);
    },
  },
  'a webhook is tested': {
    types: ['webhook.test'],
    run: (call) => call('POST', `/v1/webhooks/${watcher}/test`, {}),
  },
};

test.each(Object.entries(steps))('%s', { timeout: 60_000 }, async (_, { types, run }) => {
  const traceId = crypto.randomUUID().replaceAll('-', '');
  const headers = { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` };
  traces.add(traceId);
  await run(async (method, path, body, token = world.tenant.key) => {
    const host = path.startsWith('/operator') ? 'localhost' : 'acme.localhost';
    const options = { token, headers, ...(body === undefined ? {} : { body }) };
    const answered = await world.platform.call(method, host, path, options);
    expect([200, 201, 202], `${method} ${path}: ${answered.text}`).toContain(answered.status);
    return answered.json() as Body;
  });
  const own = () => got.filter((event) => traceIdOf(event) === traceId);
  const missing = () => types.filter((type) => !own().some((event) => event.type === type));
  await waitUntil('all of its types came in its trace', () => missing().length === 0).catch(() => {});
  expect(missing()).toEqual([]);
});

test('nothing came outside of a trace, or in any other', () => {
  expect(got.length).toBeGreaterThan(eventTypes.length);
  expect(got.filter((event) => !traces.has(traceIdOf(event)))).toEqual([]);
});

test('a tenant begins in the trace of who provisioned it', async () => {
  const traceId = 'd'.repeat(32);
  const headers = { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` };
  const token = world.platform.secrets.operator_token;
  const body = { slug: 'begun', name: 'Begun' };
  const made = (
    await world.platform.call('POST', 'localhost', '/operator/v1/tenants', { token, headers, body })
  ).json();
  const { id, admin_key: admin } = made as { id: string; admin_key: { id: string; secret: string } };
  const own = world.platform.client({ id, slug: 'begun', key: admin.secret, keyId: admin.id });
  const { id: hook } = await own.require<Body>('POST', '/v1/webhooks', { url: receiver.url('/begun'), events: ['*'] });
  await own.require('POST', `/v1/webhooks/${hook}/replay`, { since: '2020-01-01T00:00:00Z' });
  const told = () =>
    receiver
      .on('/begun')
      .map(({ body: text, headers: sent }) => [(JSON.parse(text) as Body)['type'], sent['traceparent']]);
  await waitUntil('both are there', () => told().length >= 2);
  const own_trace = expect.stringMatching(`^00-${traceId}-`) as string;
  expect(told().slice(0, 2)).toEqual([
    ['tenant.created', own_trace],
    ['key.created', own_trace],
  ]);
});

test('every type of the catalogue is one of these, or of no single request', () => {
  const caused = new Set([...Object.values(steps).flatMap(({ types }) => types), 'tenant.created']);
  expect(eventTypes.filter((type) => !caused.has(type)).toSorted()).toEqual(ofNoRequest.toSorted());
});
