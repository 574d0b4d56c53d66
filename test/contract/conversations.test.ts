/** Conversations of a running platform: found by what was said, by whom, when; branched; and gone once they are deleted. */
import { Agent, WebSocket } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';

type Made = { readonly id: string };
type Item = Made & { readonly role: string; readonly content: readonly { readonly text: string }[] };
type List<T> = { readonly data: readonly T[]; readonly has_more: boolean; readonly next_cursor: string | null };
type Match = {
  readonly conversation: Made & { readonly agent: string | null };
  readonly item: string;
  readonly excerpt: string;
};

const loopback = new Agent({ connect: { lookup: (_, __, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) } });
let platform: TestPlatform;
let tenant: CreatedTenant;
let other: CreatedTenant;
let agent: string;

beforeAll(async () => {
  platform = await startTestPlatform();
  [tenant, other] = await Promise.all([platform.createTenant('acme'), platform.createTenant('rival')]);
  for (const each of [tenant, other])
    agent = (await platform.client(each).require<Made>('POST', '/v1/agents', { slug: 'desk', name: 'Desk' })).id;
  agent = (await api<Made>('GET', '/v1/agents/desk')).id;
});
afterAll(async () => {
  await loopback.destroy();
  await platform.stop();
});

const host = (of: CreatedTenant) => `${of.slug}.localhost`;
const api = <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object, of = tenant) =>
  platform.client(of).require<T>(method, path, body);

async function begin(texts: readonly string[], metadata: object = {}, token = tenant.key): Promise<string> {
  const items = texts.map((content) => ({ role: 'user', content }));
  const made = await platform.call('POST', host(tenant), '/v1/conversations', { token, body: { items, metadata } });
  expect(made.status).toBe(200);
  return (made.json() as Made).id;
}

async function search(q: string, more = '', token = tenant.key, of = tenant): Promise<readonly Match[]> {
  const path = `/v1/conversations/search?q=${encodeURIComponent(q)}${more}`;
  const answer = await platform.call('GET', host(of), path, { token });
  expect(answer.status, answer.text).toBe(200);
  return (answer.json() as List<Match>).data;
}
/** The index is told at once, but nobody waits for it. */
const found = (q: string, count = 1) =>
  waitUntil(`"${q}" is found`, async () => {
    const matches = await search(q);
    return matches.length === count ? matches : undefined;
  });

async function visit(): Promise<{ token: string; visitor: string }> {
  const made = await platform.call('POST', host(tenant), '/v1/sessions', { body: {} });
  return made.json() as { token: string; visitor: string };
}

describe('a search', () => {
  test('finds every item that holds all the words, in any form, newest first, in pages', async () => {
    const first = await begin(['The zebra was running home.', 'Nothing here.']);
    const second = await begin([`${'Long before. '.repeat(60)} A zebra runs. ${'Long after. '.repeat(60)}`]);
    const matches = await found('ZEBRA run', 2);
    expect(matches.map(({ conversation }) => conversation.id)).toEqual([second, first]);
    expect(matches[0]!.excerpt).toMatch(/^….*zebra runs.*…$/);
    expect(await search('zebra unicorn')).toEqual([]);
    expect(await search('"zebra" OR NOT')).toEqual([]);
    const page = await api<List<Match>>('GET', '/v1/conversations/search?q=zebra&limit=1');
    expect(page.data.map(({ conversation }) => conversation.id)).toEqual([second]);
    const rest = await api<List<Match>>('GET', `/v1/conversations/search?q=zebra&cursor=${page.next_cursor!}`);
    expect([...rest.data.map(({ conversation }) => conversation.id), rest.has_more]).toEqual([first, false]);
  });

  test('finds what an agent has answered, and the agent finds its conversations', async () => {
    await api('POST', '/v1/agents/desk/memories', { text: 'The opening hours are nine to five, says the walrus.' });
    const id = await begin([]);
    await api('POST', '/v1/responses', { model: 'agent/desk', conversation: id, input: 'What are the opening hours?' });
    const matches = await found('walrus');
    expect(matches[0]!.conversation).toMatchObject({ id, agent });
    const listed = await api<List<Made>>('GET', '/v1/conversations?agent=desk');
    expect(listed.data.map((each) => each.id)).toContain(id);
    expect((await search('walrus', '&agent=desk')).length).toBe(1);
    const nobody = await platform.call('GET', host(tenant), '/v1/conversations?agent=nobody', { token: tenant.key });
    expect(nobody.status).toBe(404);
  });

  test('finds nothing that was deleted: the item, the conversation', async () => {
    const id = await begin(['the first okapi', 'the second okapi']);
    const [match] = await found('okapi', 2);
    await api('DELETE', `/v1/conversations/${id}/items/${match!.item}`);
    expect(await search('okapi')).toHaveLength(1);
    await api('DELETE', `/v1/conversations/${id}`);
    expect(await search('okapi')).toEqual([]);
  });

  test('shows a visitor its own alone, and another tenant nothing', async () => {
    const [mine, theirs] = [await visit(), await visit()];
    const own = await begin(['my tapir'], {}, mine.token);
    await begin(['their tapir'], {}, theirs.token);
    await begin(['our tapir']);
    await found('tapir', 3);
    expect((await search('tapir', '', mine.token)).map(({ conversation }) => conversation.id)).toEqual([own]);
    expect(await search('tapir', `&visitor=${theirs.visitor}`, mine.token)).toEqual([]);
    expect((await search('tapir', `&visitor=${mine.visitor}`)).map(({ conversation }) => conversation.id)).toEqual([
      own,
    ]);
    expect(await search('tapir', '', other.key, other)).toEqual([]);
  });
});

describe('the list', () => {
  test('can be had by metadata, visitor and time', async () => {
    const before = await begin([], { topic: 'billing' });
    const after = await begin([], { topic: 'billing: late', urgent: 'yes' });
    const ids = async (query: string) =>
      (await api<List<Made>>('GET', `/v1/conversations?limit=100&${query}`)).data.map(({ id }) => id);
    await waitUntil('the index was told', async () => (await ids('metadata=urgent:yes')).includes(after));
    expect(await ids('metadata=topic:billing')).toEqual([before]);
    expect(await ids(`metadata=${encodeURIComponent('topic:billing: late')}`)).toEqual([after]);
    await api('POST', `/v1/conversations/${before}`, { metadata: { topic: 'sales' } });
    await waitUntil('the index was told', async () => (await ids('metadata=topic:sales')).includes(before));
    expect(await ids('metadata=topic:billing')).toEqual([]);
    const all = await ids('');
    expect(await ids('created_before=2000-01-01T00:00:00Z')).toEqual([]);
    expect(await ids('created_after=2000-01-01T00:00:00Z')).toEqual(all);
    const { token, visitor } = await visit();
    const own = await begin([], {}, token);
    expect(await ids(`visitor=${visitor}`)).toEqual([own]);
  });
});

describe('a branch', () => {
  const itemsOf = async (id: string) => (await api<List<Item>>('GET', `/v1/conversations/${id}/items?order=asc`)).data;

  test('begins with what was said up to an item, and goes its own way', async () => {
    const id = await begin(['one', 'two', 'three'], { topic: 'x' });
    const [, second] = await itemsOf(id);
    const branch = await api<Made>('POST', `/v1/conversations/${id}/branch`, { item: second!.id });
    expect(branch).toMatchObject({ metadata: { topic: 'x' }, branched_from: { conversation: id, item: second!.id } });
    await api('POST', '/v1/responses', { model: 'agent/desk', conversation: branch.id, input: 'And now?' });
    const texts = (await itemsOf(branch.id)).map(({ content }) => content[0]!.text);
    expect(texts.slice(0, 3)).toEqual(['one', 'two', 'And now?']);
    expect(await itemsOf(id)).toHaveLength(3);
    await api('DELETE', `/v1/conversations/${id}`);
    expect((await itemsOf(branch.id)).length).toBeGreaterThan(3);
  });

  test('of all there is has all there is, and its own metadata where it was given', async () => {
    const id = await begin(['one', 'two']);
    const branch = await api<Made>('POST', `/v1/conversations/${id}/branch`, { metadata: { topic: 'y' } });
    expect(branch).toMatchObject({ metadata: { topic: 'y' } });
    expect(await itemsOf(branch.id)).toEqual(await itemsOf(id));
    const listed = await api<List<Made>>('GET', '/v1/conversations');
    expect(listed.data[0]!.id).toBe(branch.id);
  });

  test('of what is not there, or what the caller may not see, is not found, and leaves nothing', async () => {
    const id = await begin(['one']);
    const { token } = await visit();
    const branch = (by: string, of: CreatedTenant, body: object = {}) =>
      platform.call('POST', host(of), `/v1/conversations/${id}/branch`, { token: by, body });
    const listed = async () => (await api<List<Made>>('GET', '/v1/conversations?limit=100')).data;
    const known = await listed();
    expect((await branch(tenant.key, tenant, { item: 'msg_none' })).status).toBe(404);
    expect((await branch(token, tenant)).status).toBe(404);
    expect((await branch(other.key, other)).status).toBe(404);
    expect(await listed()).toEqual(known);
  });
});

describe('a socket', () => {
  type Event = { readonly type: string; readonly sequence_number: number; readonly response_id: string };

  function connect(id: string, query = '', token = tenant.key) {
    const address = `ws://${host(tenant)}:${platform.port}/v1/conversations/${id}/socket${query}`;
    const socket = new WebSocket(address, {
      headers: { authorization: `Bearer ${token}` },
      dispatcher: loopback,
    });
    const seen: Event[] = [];
    let closed: number | undefined;
    socket.addEventListener('message', ({ data }) => seen.push(JSON.parse(String(data)) as Event));
    socket.addEventListener('close', ({ code }) => (closed = code));
    const opened = new Promise<boolean>((resolve) => {
      socket.addEventListener('open', () => resolve(true));
      socket.addEventListener('error', () => resolve(false));
    });
    return { socket, seen, opened, closedWith: () => closed };
  }
  const say = (conversation: string, token = tenant.key) =>
    platform
      .call('POST', host(tenant), '/v1/responses', {
        token,
        body: { model: 'agent/desk', conversation, input: 'Hello?' },
      })
      .then((answer) => (answer.json() as Made).id);
  async function streamOf(response: string): Promise<Event[]> {
    const { text } = await platform.call('GET', host(tenant), `/v1/responses/${response}?stream=true`, {
      token: tenant.key,
    });
    return text
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => ({ ...(JSON.parse(line.slice(6)) as Event), response_id: response }));
  }
  const whole = (seen: readonly Event[], count: number) =>
    waitUntil(
      'the responses were shown',
      () => seen.filter(({ type }) => type === 'response.completed').length === count,
    );

  test('shows each event of each response once and in order, the same as its stream, from now on', async () => {
    const id = await begin([]);
    await say(id);
    const one = connect(id);
    await one.opened;
    const responses = [await say(id), await say(id)];
    await whole(one.seen, 2);
    expect(one.seen).toEqual((await Promise.all(responses.map(streamOf))).flat());
    one.socket.close();
  });

  test('goes on after what was seen: the rest of that response, and all that is newer', async () => {
    const id = await begin([]);
    const responses = [await say(id), await say(id), await say(id)];
    const streams = await Promise.all(responses.map(streamOf));
    type Followed = Made & { readonly sequence_number: number; readonly is_over: boolean };
    const { data } = await api<List<Followed>>('GET', `/v1/conversations/${id}/socket`);
    expect(data.map((each) => [each.id, each.sequence_number, each.is_over])).toEqual(
      responses.map((response, at) => [response, streams[at]!.length - 1, true]).toReversed(),
    );
    const back = connect(id, `?after=${responses[1]!}:1`);
    await whole(back.seen, 2);
    expect(back.seen).toEqual([...streams[1]!.slice(2), ...streams[2]!]);
    back.socket.close();
  });

  test('is for who may read the conversation, and ends with their credential and with the conversation', async () => {
    const id = await begin([]);
    const stranger = connect(id, '', (await visit()).token);
    expect(await stranger.opened).toBe(false);
    const key = await api<Made & { secret: string }>('POST', '/v1/keys', {
      name: 'reader',
      permissions: ['conversations:read'],
    });
    const [reader, owner] = [connect(id, '', key.secret), connect(id)];
    await Promise.all([reader.opened, owner.opened]);
    await api('POST', `/v1/keys/${key.id}/revoke`);
    const ended = () => owner.seen.filter(({ type }) => type === 'response.completed').length;
    await waitUntil('a response is shown to the one, and nothing of it to the revoked one', async () => {
      const before = [ended(), reader.seen.length] as const;
      await say(id);
      await waitUntil('the one saw it', () => ended() > before[0]);
      return reader.seen.length === before[1];
    });
    await api('DELETE', `/v1/conversations/${id}`);
    await waitUntil('the socket is closed', () => owner.closedWith() === 1000);
  });
});
