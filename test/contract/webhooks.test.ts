/** Webhooks over the whole platform: who gets what, in which form, signed so that others verify it, and what came of it. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LocalClient } from '../../scripts/local-client.ts';
import { findSignatureFault } from '../../shared/core/standard-webhooks.ts';
import type { z } from 'zod';
import type { createdWebhook, Webhook, WebhookAttempt } from '../../shared/contracts/webhooks.ts';
import { waitUntil } from '../support/populated-tenant.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { makeSelfSigned } from '../support/self-signed.ts';
import { WebhookReceiver, type Behaviour, type Delivery } from '../support/webhook-receiver.ts';

type Created = z.infer<typeof createdWebhook>;
type List<T> = { readonly data: T[] };

let platform: TestPlatform;
let receiver: WebhookReceiver;
let tenant: CreatedTenant;
let serial = 0;

beforeAll(async () => {
  platform = await startTestPlatform({ vars: { EGRESS_ALLOW: '127.0.0.0/8' } });
  receiver = await WebhookReceiver.start();
  tenant = await platform.createTenant('hooked');
});
afterAll(async () => {
  await receiver.stop();
  await platform.stop();
});

const require = <T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown) =>
  platform.client(tenant).require<T>(method, path, ...(body === undefined ? [] : [body as object]));
const call = (method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown) =>
  platform.call(method, 'hooked.localhost', path, { token: tenant.key, ...(body === undefined ? {} : { body }) });

async function hook(wanted: object = {}, behaviour?: Behaviour) {
  const path = `/hook-${serial++}`;
  const made = await require<Created>('POST', '/v1/webhooks', { url: receiver.url(path, behaviour), ...wanted });
  return { path, ...made, got: () => receiver.on(path) };
}
const makeAgent = () => require<{ id: string }>('POST', '/v1/agents', { slug: `agent-${serial++}`, name: 'An agent' });
const attemptsOf = async (id: string) =>
  (await require<List<WebhookAttempt>>('GET', `/v1/webhooks/${id}/attempts?limit=100`)).data;
const retire = (id: string) => require('DELETE', `/v1/webhooks/${id}`);
const signed = ({ headers }: Delivery) => headers as Record<string, string>;

describe('a webhook', () => {
  test('gets what it asked for, by type, agent and environment, and nothing else', async () => {
    const agent = await makeAgent();
    const all = await hook();
    const agents = await hook({ events: ['agent.*'], agent: agent.id });
    const staged = await hook({ events: ['gateway.audit'], environment: 'staging' });
    await makeAgent();
    await require('POST', `/v1/agents/${agent.id}/publish`, { version: 1, environment: 'staging' });
    await require('POST', `/v1/agents/${agent.id}/memories`, { text: 'A fact.' });
    const types = (deliveries: readonly Delivery[]) =>
      deliveries.map(({ body }) => (JSON.parse(body) as { type: string }).type);
    await receiver.until(() => types(all.got()).includes('memory.written') && staged.got().length > 0);
    await receiver.until(() => agents.got().length > 0);
    expect(types(agents.got())).toEqual(['agent.published']);
    expect(types(staged.got())).toEqual(['agent.published']);
    expect(types(all.got())).toEqual(expect.arrayContaining(['agent.created', 'agent.published', 'memory.written']));
    const body = JSON.parse(staged.got()[0]!.body) as object;
    expect(Object.keys(body)).toEqual(['type', 'timestamp', 'data']);
    expect(body).toMatchObject({ data: { id: agent.id, agent: agent.id, version: 1, environment: 'staging' } });
    await Promise.all([all, agents, staged].map(({ id }) => retire(id)));
  });

  test('shows its secret once', async () => {
    const made = await hook({ description: 'once' });
    expect(made.secret).toMatch(/^whsec_/);
    const shown = [
      await call('GET', `/v1/webhooks/${made.id}`),
      await call('GET', '/v1/webhooks'),
      await call('GET', '/v1/secrets'),
    ];
    for (const { text, status } of shown) {
      expect(status).toBe(200);
      expect(text).not.toContain('whsec_');
    }
    expect(shown[2]!.json()).toMatchObject({ data: [] });
    await retire(made.id);
  });

  test('that is deleted gets nothing more, and nothing of it is left', async () => {
    const made = await hook({ events: ['agent.*'] });
    await makeAgent();
    await receiver.until(() => made.got().length === 1);
    await retire(made.id);
    await makeAgent();
    const witness = await hook({ events: ['agent.*'] });
    await makeAgent();
    await receiver.until(() => witness.got().length === 1);
    expect(made.got()).toHaveLength(1);
    expect((await call('GET', `/v1/webhooks/${made.id}/attempts`)).status).toBe(404);
    await retire(witness.id);
  });
});

describe('a signature', () => {
  test('of v1 is accepted by standardwebhooks and by svix, and theirs by ours; one byte changed is not', async () => {
    const made = await hook({ events: ['webhook.test'] });
    await require('POST', `/v1/webhooks/${made.id}/test`);
    await receiver.until(() => made.got().length > 0);
    const delivery = made.got()[0]!;
    expect(JSON.parse(delivery.body)).toMatchObject({ type: 'webhook.test', data: { id: made.id } });
    const verifiers = [new StandardWebhook(made.secret!), new SvixWebhook(made.secret!)];
    for (const verifier of verifiers) {
      verifier.verify(delivery.body, signed(delivery));
      expect(() => verifier.verify(`${delivery.body} `, signed(delivery))).toThrow();
      for (const body of ['', '{"ü":"✓ 𝄞"}', JSON.stringify('x'.repeat(1_000_000))]) {
        const at = new Date();
        const signature = verifier.sign('msg_1', at, body);
        const message = { id: 'msg_1', timestamp: String(Math.floor(at.getTime() / 1000)), signature, body };
        expect(await findSignatureFault(message, [made.secret!], at.getTime())).toBeUndefined();
        expect(await findSignatureFault({ ...message, body: `${body}.` }, [made.secret!], at.getTime())).toBe(
          'mismatch',
        );
        expect(await findSignatureFault(message, [made.secret!], at.getTime() + 301_000)).toBe('clock');
      }
    }
    await retire(made.id);
  });

  test('of v1a is verified with the public key alone', async () => {
    const made = await hook({ events: ['webhook.test'], signature: 'v1a' });
    expect(made).toMatchObject({ secret: null, public_key: expect.stringMatching(/^whpk_/) as string });
    await require('POST', `/v1/webhooks/${made.id}/test`);
    await receiver.until(() => made.got().length > 0);
    const { headers, body, at } = made.got()[0]!;
    const message = {
      id: String(headers['webhook-id']),
      timestamp: String(headers['webhook-timestamp']),
      signature: String(headers['webhook-signature']),
      body,
    };
    expect(message.signature).toMatch(/^v1a,/);
    expect(await findSignatureFault(message, [made.public_key!], at)).toBeUndefined();
    expect(await findSignatureFault({ ...message, body: `${body} ` }, [made.public_key!], at)).toBe('mismatch');
    await retire(made.id);
  });

  test('is by both secrets while a rotation has its grace, and by the new one alone without', async () => {
    const made = await hook({ events: ['webhook.test'] });
    const rotated = await require<Created>('POST', `/v1/webhooks/${made.id}/rotate_secret`, { grace_seconds: 3_600 });
    expect(rotated.secret).not.toBe(made.secret);
    await require('POST', `/v1/webhooks/${made.id}/test`);
    await receiver.until(() => made.got().length === 1);
    const [first] = made.got();
    for (const secret of [made.secret!, rotated.secret!]) {
      new StandardWebhook(secret).verify(first!.body, signed(first!));
      new SvixWebhook(secret).verify(first!.body, signed(first!));
    }
    const last = await require<Created>('POST', `/v1/webhooks/${made.id}/rotate_secret`, { grace_seconds: 0 });
    await require('POST', `/v1/webhooks/${made.id}/test`);
    await receiver.until(() => made.got().length === 2);
    const second = made.got()[1]!;
    new StandardWebhook(last.secret!).verify(second.body, signed(second));
    expect(() => new StandardWebhook(rotated.secret!).verify(second.body, signed(second))).toThrow();
    await retire(made.id);
  });
});

describe('a receiver', () => {
  const answer =
    (status: number, headers: Record<string, string> = {}): Behaviour =>
    (response) =>
      void response.writeHead(status, headers).end('said');
  const cases: readonly (readonly [string, Behaviour, Partial<WebhookAttempt> & object])[] = [
    ['200', answer(200), { outcome: 'delivered', response: { status: 200, body: 'said' }, fault: null }],
    ['204', answer(204), { outcome: 'delivered', response: { status: 204, body: '' } }],
    [
      '301 to elsewhere',
      answer(301, { location: '/elsewhere' }),
      { outcome: 'retried', response: { status: 301, body: 'said' } },
    ],
    ['302 to a private address', answer(302, { location: 'http://169.254.169.254/' }), { outcome: 'retried' }],
    ['400', answer(400), { outcome: 'retried', response: { status: 400, body: 'said' } }],
    ['410', answer(410), { outcome: 'endpoint_gone' }],
    ['429', answer(429, { 'retry-after': '7200' }), { outcome: 'retried' }],
    ['500', answer(500), { outcome: 'retried' }],
    ['502', answer(502), { outcome: 'retried' }],
    ['503', answer(503), { outcome: 'retried' }],
    ['504', answer(504), { outcome: 'retried' }],
    [
      'a reset before an answer',
      (response) => void response.socket?.destroy(),
      { outcome: 'retried', response: null, fault: 'lost' },
    ],
    [
      'a reset after the headers',
      (response) => void response.writeHead(200).write('begun', () => response.socket?.destroy()),
      { outcome: 'retried', fault: 'cut' },
    ],
    [
      'a body of a gigabyte',
      (response) => {
        const part = Buffer.alloc(65_536, 97);
        let left = 16_384;
        const more = () => {
          while (!response.destroyed && left-- > 0) if (!response.write(part)) return void response.once('drain', more);
          response.end();
        };
        response.writeHead(200);
        more();
      },
      { outcome: 'delivered' },
    ],
  ];

  test('is judged by its answer, and the attempt says what happened', async () => {
    const hooks = await Promise.all(
      cases.map(async ([name, behaviour, expected]) => ({
        name,
        expected,
        made: await hook({ events: ['webhook.test'] }, behaviour),
      })),
    );
    await Promise.all(hooks.map(({ made }) => require('POST', `/v1/webhooks/${made.id}/test`)));
    for (const { name, expected, made } of hooks) {
      await waitUntil(async () => (await attemptsOf(made.id)).length > 0);
      const [first] = (await attemptsOf(made.id)).slice(-1);
      expect(first, name).toMatchObject({ number: 1, type: 'webhook.test', event: made.got()[0]!.id, ...expected });
      expect(first!.request, name).toMatchObject({ url: receiver.url(made.path), body: made.got()[0]!.body });
      expect(first!.request.headers['webhook-id'], name).toBe(first!.event);
      if (first!.outcome !== 'retried') continue;
      const waitMs = Date.parse(first!.next_attempt_at!) - Date.parse(first!.at) - first!.duration_ms;
      if (name === '429') expect(waitMs, name).toBe(7_200_000);
      else {
        expect(waitMs, name).toBeGreaterThanOrEqual(5_000);
        expect(waitMs, name).toBeLessThanOrEqual(5_500 + 50);
      }
    }
    expect(receiver.on('/elsewhere')).toEqual([]);
    await Promise.all(hooks.map(({ made }) => retire(made.id)));
  });

  test('whose TLS does not hold gets nothing; the event waits, and comes when the URL leads to one that holds', async () => {
    const tls = makeSelfSigned();
    const asked: string[] = [];
    const selfSigned = createHttpsServer(tls, (request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(204).end();
    }).listen(0, '127.0.0.1');
    const noTls = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n', () => socket.destroy()));
    });
    noTls.listen(0, '127.0.0.1');
    await Promise.all([once(selfSigned, 'listening'), once(noTls, 'listening')]);
    const urlOf = (server: Server) => `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const trusting = new Agent({ connect: { ca: tls.cert } });
    try {
      // Nothing else is wrong with it: who trusts the certificate is let in.
      expect((await request(`${urlOf(selfSigned)}/trusted`, { dispatcher: trusting })).statusCode).toBe(204);
      const failOnce = async (url: string) => {
        const made = await require<Created>('POST', '/v1/webhooks', { url, events: ['webhook.test'] });
        const { event } = await require<{ event: string }>('POST', `/v1/webhooks/${made.id}/test`);
        await waitUntil(async () => (await attemptsOf(made.id)).length > 0);
        const unreachable = { number: 1, event, outcome: 'retried', response: null, fault: 'unreachable' };
        expect(await attemptsOf(made.id), url).toMatchObject([unreachable]);
        const path = `/hook-${serial++}`;
        await require('PATCH', `/v1/webhooks/${made.id}`, { url: receiver.url(path) });
        return { id: made.id, event, path };
      };
      const hooks = await Promise.all([selfSigned, noTls].map((server) => failOnce(urlOf(server))));
      await receiver.until(() => hooks.every(({ path, event }) => receiver.on(path).some(({ id }) => id === event)));
      await Promise.all(hooks.map(({ id }) => retire(id)));
      expect(asked).toEqual(['/trusted']);
    } finally {
      await trusting.destroy();
      selfSigned.closeAllConnections();
      for (const server of [selfSigned, noTls]) await new Promise((resolve) => server.close(resolve));
    }
  });

  test('that is gone is disabled, with a notice to the others; enabled again it begins anew, and a replay brings the rest', async () => {
    const since = new Date(Date.now() - 1).toISOString();
    let status = 410;
    const gone = await hook({ events: ['agent.created'] }, (response) => void response.writeHead(status).end());
    const other = await hook({ events: ['webhook.*'] });
    await makeAgent();
    const notices = () =>
      other.got().map(({ body }) => JSON.parse(body) as { type: string; data: { id: string; reason?: string } });
    await receiver.until(() =>
      notices().some(({ type, data }) => type === 'webhook.endpoint_disabled' && data.id === gone.id),
    );
    expect(await require<Webhook>('GET', `/v1/webhooks/${gone.id}`)).toMatchObject({
      status: 'disabled',
      disabled_reason: 'it answered 410 Gone',
    });
    expect((await call('POST', `/v1/webhooks/${gone.id}/test`)).status).toBe(409);
    status = 204;
    const missed = await makeAgent();
    await require('PATCH', `/v1/webhooks/${gone.id}`, { enabled: true });
    const next = await makeAgent();
    const agentsGot = () =>
      gone
        .got()
        .slice(1)
        .map(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id);
    await receiver.until(() => agentsGot().includes(next.id));
    expect(agentsGot()).not.toContain(missed.id);
    const [first] = gone.got();
    await require('POST', `/v1/webhooks/${gone.id}/replay`, { since });
    await receiver.until(
      () => agentsGot().includes(missed.id) && gone.got().filter(({ id }) => id === first!.id).length > 1,
    );
    await Promise.all([gone, other].map(({ id }) => retire(id)));
  });

  test('gets an event again with the same id, and once more by a replay of that one', async () => {
    const flaky = await hook(
      { events: ['webhook.test'] },
      (response, _, count) => void response.writeHead(count === 1 ? 500 : 200).end(),
    );
    const { event } = await require<{ event: string }>('POST', `/v1/webhooks/${flaky.id}/test`);
    await receiver.until(() => flaky.got().length === 2);
    await require('POST', `/v1/webhooks/${flaky.id}/replay`, { event });
    await receiver.until(() => flaky.got().length === 3);
    expect(flaky.got().map(({ id }) => id)).toEqual([event, event, event]);
    const bodies = new Set(flaky.got().map(({ body }) => body));
    expect(bodies.size).toBe(1);
    await retire(flaky.id);
  });
});

test("receivers of two tenants that hang delay no third tenant's events, nor what else those two send", async () => {
  const held: ServerResponse[] = [];
  const hang: Behaviour = (response) => void held.push(response);
  const hooksOf = async (slug: string, behaviours: readonly (Behaviour | undefined)[]) => {
    const client = platform.client(await platform.createTenant(slug));
    const paths: string[] = [];
    const ids: string[] = [];
    for (const behaviour of behaviours) {
      const path = `/hook-${serial++}`;
      const url = receiver.url(path, behaviour);
      const settings = { url, events: ['agent.created'], timeout_seconds: 30 };
      ids.push((await client.require<Created>('POST', '/v1/webhooks', settings)).id);
      paths.push(path);
    }
    return { client, paths, ids };
  };
  const hanging = Array.from({ length: 6 }, () => hang);
  const bad = [await hooksOf('bad-one', [...hanging, undefined]), await hooksOf('bad-two', hanging)];
  const good = await hooksOf('good', [undefined, undefined]);
  const make = (client: LocalClient, at: number) =>
    client.require('POST', '/v1/agents', { slug: `a-${at}`, name: 'A' });
  for (const { client } of bad) await make(client, 0);
  await receiver.until(() => held.length === 12);
  await make(bad[0]!.client, 1);
  for (let at = 0; at < 6; at++) await make(good.client, at);
  const has = (path: string, count: number) => receiver.on(path).length === count;
  await receiver.until(() => good.paths.every((path) => has(path, 6)) && has(bad[0]!.paths.at(-1)!, 2));
  const attempts = await bad[0]!.client.require<List<unknown>>('GET', `/v1/webhooks/${bad[0]!.ids[0]}/attempts`);
  expect(attempts.data, 'all that was sent while those hung').toEqual([]);
  for (const response of held) response.writeHead(204).end();
  await receiver.until(() => bad[0]!.paths.every((path) => has(path, 2)));
});

test('what happens while a receiver hangs is sent to it beside the attempt that hangs, and its trouble is told meanwhile', async () => {
  const held: ServerResponse[] = [];
  const other = await hook({ events: ['webhook.endpoint_failing'] });
  const made = await hook({ events: ['agent.created'], timeout_seconds: 30 }, (response, _, count) => {
    if (count === 1) held.push(response);
    else response.writeHead(500).end();
  });
  await makeAgent();
  await receiver.until(() => held.length === 1);
  for (let event = 0; event < 5; event++) await makeAgent();
  await receiver.until(() => other.got().some(({ body }) => body.includes(made.id)));
  expect(made.got().length).toBeGreaterThan(5);
  expect((await attemptsOf(made.id)).map(({ event }) => event)).not.toContain(made.got()[0]!.id);
  await Promise.all([made, other].map(({ id }) => retire(id)));
  held[0]!.writeHead(204).end();
});

test('an ordered webhook gets events in the order of the log, and a failing one holds up the rest', async () => {
  let failures = 1;
  const ordered = await hook(
    { events: ['agent.created'], ordered: true },
    (response) => void response.writeHead(failures-- > 0 ? 500 : 200).end(),
  );
  const made: string[] = [];
  for (let at = 0; at < 10; at++) made.push((await makeAgent()).id);
  await receiver.until(() => ordered.got().length === 11, 40_000);
  const ids = ordered.got().map(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id);
  expect(ids).toEqual([made[0], ...made]);
  await retire(ordered.id);
});

describe('a transform', () => {
  test('for Slack and Discord is a message that their incoming webhooks take', async () => {
    const slack = await hook({ events: ['agent.created'], transform: { kind: 'slack' } });
    const discord = await hook({ events: ['agent.created'], transform: { kind: 'discord' } });
    const agent = await makeAgent();
    await receiver.until(() => slack.got().length > 0 && discord.got().length > 0);
    expect(JSON.parse(slack.got()[0]!.body)).toEqual({
      text: expect.stringContaining(`*agent.created* ${agent.id}`) as string,
    });
    expect(JSON.parse(discord.got()[0]!.body)).toEqual({
      content: expect.stringContaining('**agent.created**') as string,
      allowed_mentions: { parse: [] },
    });
    await Promise.all([slack, discord].map(({ id }) => retire(id)));
  });

  test('by a template is what the template says; one that does not parse is refused by name', async () => {
    const template = '{"what": "{{type}} of {{data.id}}", "by": {{json data.actor}}, "none": {{json data.nothing}}}';
    const made = await hook({ events: ['agent.created'], transform: { kind: 'template', template } });
    const agent = await makeAgent();
    await receiver.until(() => made.got().length > 0);
    expect(JSON.parse(made.got()[0]!.body)).toEqual({
      what: `agent.created of ${agent.id}`,
      by: { kind: 'key', id: tenant.keyId },
      none: null,
    });
    for (const bad of [
      '{"a": {{type}}}',
      '{"a": "{{json data}}"}',
      '{"a": "{{ }}"}',
      '{"a": "{{type"}',
      'text',
      '{"a": {{#each x}} }',
    ]) {
      const refused = await call('POST', '/v1/webhooks', {
        url: receiver.url('/x'),
        transform: { kind: 'template', template: bad },
      });
      expect([refused.status, (refused.json() as { error: { param: string } }).error.param], bad).toEqual([
        400,
        'transform.template',
      ]);
    }
    await retire(made.id);
  });
});

test('a URL that leads inside is refused when it is registered and when it is changed', async () => {
  const made = await hook();
  for (const url of [
    'http://10.0.0.1/',
    'https://169.254.169.254/latest',
    'ftp://example.com/',
    'https://localhost/x',
    'not a url',
  ]) {
    const refusals = [
      await call('POST', '/v1/webhooks', { url }),
      await call('PATCH', `/v1/webhooks/${made.id}`, { url }),
    ];
    for (const { status, json } of refusals) {
      expect([status, (json() as { error: { param: string } }).error.param], url).toEqual([400, 'url']);
    }
  }
  await retire(made.id);
});
