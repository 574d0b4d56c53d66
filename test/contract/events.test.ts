/** The event log over the whole platform: what every part of it tells, as a list, as a stream and over a socket. */
import { Agent, WebSocket } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventCatalogue, isEventType, type PlatformEvent } from '../../shared/contracts/events.ts';
import type { LocalClient } from '../../scripts/local-client.ts';
import { waitUntil } from '../support/populated-tenant.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

type List = { readonly data: PlatformEvent[] };

let platform: TestPlatform;
let tenant: CreatedTenant;
let client: LocalClient;
let serial = 0;
/** Not every system resolves names under `localhost`. */
const local = new Agent({
  connect: { lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) },
});

beforeAll(async () => {
  platform = await startTestPlatform();
  tenant = await platform.createTenant('told');
  client = platform.client(tenant);
});
afterAll(async () => {
  await local.destroy();
  await platform.stop();
});

const listed = async (query = '') => (await client.require<List>('GET', `/v1/events?limit=100${query}`)).data;
const makeAgent = () =>
  client.require<{ id: string; slug: string }>('POST', '/v1/agents', { slug: `agent-${serial++}`, name: 'An agent' });

test('what agents, memories, conversations and responses do is told, each as its schema says, and once', async () => {
  const agent = await makeAgent();
  const memory = await client.require<{ id: string }>('POST', `/v1/agents/${agent.id}/memories`, {
    text: 'A secret fact.',
  });
  const conversation = await client.require<{ id: string }>('POST', '/v1/conversations', {});
  const response = await client.require<{ id: string }>('POST', '/v1/responses', {
    model: `agent/${agent.slug}`,
    input: 'What is the fact?',
    conversation: conversation.id,
  });
  await client.require('DELETE', `/v1/agents/${agent.id}/memories/${memory.id}`);
  await client.require('DELETE', `/v1/conversations/${conversation.id}`);
  const expected = [
    'memory.written',
    'conversation.created',
    'response.completed',
    'memory.forgotten',
    'conversation.deleted',
  ];
  await waitUntil(async () => {
    const types = (await listed()).map(({ type }) => type);
    return expected.every((type) => types.includes(type));
  });
  const events = await listed();
  for (const type of expected)
    expect(
      events.filter((event) => event.type === type),
      type,
    ).toHaveLength(1);
  for (const { type, data } of events) {
    const schema = isEventType(type) ? eventCatalogue[type].strict() : undefined;
    expect(schema?.safeParse(data).error?.issues ?? [], type).toEqual([]);
  }
  expect(events.find(({ type }) => type === 'response.completed')).toMatchObject({
    agent: agent.id,
    environment: 'prod',
    data: { id: response.id, conversation: conversation.id, actor: { kind: 'key', id: tenant.keyId } },
  });
  expect(JSON.stringify(events)).not.toContain('secret fact');
});

test('the catalogue has a JSON Schema for every type', async () => {
  const { data } = await client.require<{ data: { type: string; schema: { type: string } }[] }>(
    'GET',
    '/v1/events/types',
  );
  expect(data.map(({ type }) => type)).toEqual(Object.keys(eventCatalogue));
  for (const { schema } of data) expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
});

test('a filter that selects nothing that there is or will be is refused by name', async () => {
  for (const query of [
    'type=agents.*',
    'type=agent.create',
    'type=agent.created,nonsense',
    'type=,',
    'since=yesterday',
    'environment=x',
  ]) {
    const answer = await platform.call('GET', 'told.localhost', `/v1/events?${query}`, { token: tenant.key });
    expect(answer.status, query).toBe(400);
  }
});

describe('a socket', () => {
  /** Keeps what comes, and resolves when so much has. */
  async function open(query: string, key = tenant.key) {
    const socket = new WebSocket(`ws://told.localhost:${platform.port}/v1/events${query}`, {
      headers: { authorization: `Bearer ${key}` },
      dispatcher: local,
    });
    const got: PlatformEvent[] = [];
    const end = Promise.withResolvers<number>();
    socket.addEventListener('message', ({ data }) => got.push(JSON.parse(String(data)) as PlatformEvent));
    socket.addEventListener('close', ({ code }) => end.resolve(code));
    const opened = Promise.withResolvers<boolean>();
    socket.addEventListener('open', () => opened.resolve(true));
    socket.addEventListener('error', () => opened.resolve(false));
    return { socket, got, closed: end.promise, isOpen: await opened.promise };
  }

  test('has the events as they come, those it asked for, and goes on after the last that was seen', async () => {
    const first = await open('?type=agent.*');
    expect(first.isOpen).toBe(true);
    const agents = [await makeAgent(), await makeAgent()];
    await client.require('POST', '/v1/keys', { name: 'k' });
    await waitUntil(async () => first.got.length === 2);
    expect(first.got.map(({ data }) => data['id'])).toEqual(agents.map(({ id }) => id));
    first.socket.close();
    await first.closed;
    const missed = await makeAgent();
    const second = await open(`?type=agent.*&last_event_id=${first.got[0]!.id}`);
    const next = await makeAgent();
    await waitUntil(async () => second.got.length === 3);
    expect(second.got.map(({ data }) => data['id'])).toEqual([agents[1]!.id, missed.id, next.id]);
    expect(second.got[0]).toEqual((await listed('&type=agent.created')).find(({ id }) => id === second.got[0]!.id));
    second.socket.close();
  });

  test('is not opened without a credential that may read events, and closed when the credential is revoked', async () => {
    const weak = await client.require<{ secret: string }>('POST', '/v1/keys', {
      name: 'w',
      permissions: ['agents:read'],
    });
    expect((await open('', weak.secret)).isOpen).toBe(false);
    expect((await open('', 'nonsense')).isOpen).toBe(false);
    const key = await client.require<{ id: string; secret: string }>('POST', '/v1/keys', {
      name: 'r',
      permissions: ['events:read'],
    });
    const reader = await open('', key.secret);
    expect(reader.isOpen).toBe(true);
    await client.require('POST', `/v1/keys/${key.id}/revoke`);
    expect(await reader.closed).toBe(1008);
    expect(reader.got.map(({ type }) => type)).not.toContain('key.revoked');
  });
});
