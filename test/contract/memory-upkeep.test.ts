/** What becomes of memories: found in conversations, put together, taken elsewhere. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyExport } from '../../scripts/verify-memory.ts';
import type { Consolidation, Memory } from '../../shared/contracts/memories.ts';
import { PlainModel, startPlatformWithNode, type PlatformWithNode } from '../support/platform-with-node.ts';
import { waitUntil } from '../support/wait-until.ts';

let freehold: PlatformWithNode;
let client: ReturnType<PlatformWithNode['platform']['client']>;

beforeAll(async () => {
  freehold = await startPlatformWithNode();
  client = freehold.platform.client(freehold.tenant);
});
afterAll(() => freehold.stop());

const listMemories = async (slug: string) =>
  (await client.require<{ data: Memory[] }>('GET', `/v1/agents/${slug}/memories`)).data;

describe('memories out of conversations', () => {
  test('are found by the model after a stored response, with the message as their source, and paid for', async () => {
    await client.require('POST', '/v1/agents', {
      slug: 'listener',
      name: 'Listener',
      definition: { model: PlainModel, memory: { extract: true } },
    });
    freehold.node.script.reply = ({ body }) => {
      const [system] = body['messages'] as { content: string }[];
      if (!system?.content.startsWith('You keep the memory')) return { text: 'How nice.' };
      return { text: '{"memories":[{"item":1,"kind":"fact","text":"The person lives in Riga."}]}' };
    };
    await client.require('POST', '/v1/responses', { model: 'agent/listener', input: 'x', store: false });
    type Answer = { readonly id: string };
    const answer = await client.require<Answer>('POST', '/v1/responses', {
      model: 'agent/listener',
      input: 'I live in Riga.',
    });
    const found = await waitUntil('a memory', async () => (await listMemories('listener'))[0]);
    const { data: inputs } = await client.require<{ data: Answer[] }>('GET', `/v1/responses/${answer.id}/input_items`);
    expect(found).toMatchObject({
      text: 'The person lives in Riga.',
      provenance: { source: { type: 'conversation', ref: inputs[0]!.id }, author: freehold.tenant.keyId },
    });
    await freehold.settle();
    expect((await freehold.ledger()).requests).toBe(3);
  });
});

test('memories that are alike are put together, listed as a run, and undone', async () => {
  await client.require('POST', '/v1/agents', { slug: 'tidy', name: 'Tidy' });
  for (const text of ['Ada likes cups of tea.', 'Ada likes cup of tea'])
    await client.require('POST', '/v1/agents/tidy/memories', { text });
  const recall = async () =>
    (await client.require<{ data: Memory[] }>('POST', '/v1/agents/tidy/memories/recall', { query: 'tea' })).data;
  const run = await client.require<Consolidation>('POST', '/v1/agents/tidy/memories/consolidate');
  expect(run).toMatchObject({ near_duplicates: 1, closed: 2, whole: true, author: freehold.tenant.keyId });
  const [found, ...others] = await recall();
  expect([found!.provenance.source, others]).toEqual([{ type: 'consolidation', ref: run.id }, []]);
  const path = '/v1/agents/tidy/memories/consolidations';
  expect(await client.require('GET', path)).toMatchObject({ data: [{ id: run.id, undone_at: null }] });
  await client.require('POST', `${path}/${run.id}/undo`);
  expect((await recall()).length).toBe(2);
  expect(await client.require('GET', '/v1/agents/tidy/memories/verify')).toMatchObject({ valid: true });
});

test('an export is taken over by an agent of another tenant, byte for byte, and its chain goes on; nothing else is', async () => {
  await client.require('POST', '/v1/agents', { slug: 'moving', name: 'Moving' });
  const write = (text: string, partial: object = {}) =>
    client.require<Memory>('POST', '/v1/agents/moving/memories', { text, ...partial });
  const old = await write('The office closes at six.', { subject: 'office', tags: ['hours'] });
  await write('The office closes at seven.', { supersedes: old.id });
  const gone = await write('A thing to forget.');
  await client.require('DELETE', `/v1/agents/moving/memories/${gone.id}`);
  for (const text of ['Ada likes cups of tea.', 'Ada likes cup of tea']) await write(text);
  await client.require('POST', '/v1/agents/moving/memories/consolidate');

  const elsewhere = await freehold.platform.createTenant('elsewhere');
  const other = freehold.platform.client(elsewhere);
  const agent = await other.require<{ id: string }>('POST', '/v1/agents', { slug: 'moved', name: 'Moved' });
  await client.require('POST', '/v1/agents', { slug: 'sibling', name: 'Sibling' });
  const send = (to: { readonly slug: string; readonly key: string }, slug: string, rawBody: string) =>
    freehold.platform.call('POST', `${to.slug}.localhost`, `/v1/agents/${slug}/memories/import`, {
      token: to.key,
      rawBody,
      headers: { 'content-type': 'application/x-ndjson' },
    });
  const read = async (from: { readonly slug: string; readonly key: string }, slug: string) => {
    const path = `/v1/agents/${slug}/memories/export?vectors=true`;
    return (await freehold.platform.call('GET', `${from.slug}.localhost`, path, { token: from.key })).text;
  };
  const exported = await read(freehold.tenant, 'moving');
  const lines = exported.trimEnd().split('\n');
  expect(exported).toContain('"vector"');

  for (const broken of [
    lines.toSpliced(1, 1),
    lines.slice(0, -1),
    lines.toSpliced(-2, 1),
    lines.with(-1, lines.at(-1)!.replace(/"hash":"[^"]+"/, `"hash":"${'0'.repeat(64)}"`)),
    [lines[1]!, lines[0]!, ...lines.slice(2)],
    lines.toSpliced(-1, 0, lines.at(-2)!),
    lines.with(0, lines[0]!.replace('six', 'ten')),
    lines.with(1, lines[1]!.replace(/"agentId":"[^"]+"/, '"agentId":"agt_00000000000000000000000000"')),
    lines.with(
      0,
      lines[0]!.replace(/"closedBy":"[^"]+"/, '"closedBy":null').replace(/"closedAt":[0-9]+/, '"closedAt":null'),
    ),
    lines.with(-1, lines.at(-1)!.replace(/"agent":"[^"]+"/, '"agent":"agt_00000000000000000000000000"')),
    ['{}'],
    [''],
  ]) {
    expect((await send(elsewhere, 'moved', broken.join('\n'))).status, broken[0]).toBe(400);
  }
  expect(await other.require('GET', '/v1/agents/moved/memories')).toMatchObject({ data: [] });
  expect((await send(freehold.tenant, 'sibling', exported)).status).toBe(409);

  const taken = await send(elsewhere, 'moved', exported);
  expect([taken.status, taken.json()]).toMatchObject([201, { entries: 6, memories: 5, agent: agent.id }]);
  expect((await send(elsewhere, 'moved', exported)).status).toBe(201);
  expect(await other.require('GET', '/v1/agents/moved/memories/verify')).toMatchObject({ valid: true, entries: 6 });
  const home = /"agentId":"([^"]+)"/.exec(exported)![1]!;
  const again = (await read(elsewhere, 'moved'))
    .replaceAll(`"agentId":"${agent.id}"`, `"agentId":"${home}"`)
    .replaceAll(`"origin":"${freehold.tenant.id}/${home}"`, '"origin":null')
    .replace(`"agent":"${agent.id}"`, `"agent":"${home}"`)
    .replace(`"tenant":"${elsewhere.id}"`, `"tenant":"${freehold.tenant.id}"`);
  expect(again).toBe(exported);

  const recall = async (query: string) => {
    const found = await other.require<{ data: Memory[] }>('POST', '/v1/agents/moved/memories/recall', { query });
    return found.data.map(({ text }) => text);
  };
  expect(await recall('When does the office close?')).toContain('The office closes at seven.');
  expect((await recall('tea')).filter((text) => text.includes('Ada'))).toHaveLength(1);
  const known = await other.call('POST', '/v1/agents/moved/memories', { text: 'the office closes at seven' });
  expect(known.status).toBe(422);
  await other.require('POST', '/v1/agents/moved/memories', { text: 'The lift is broken.' });
  await other.require('POST', '/v1/agents/moved/memories/forget', { subject: 'office' });
  expect(await other.require('GET', '/v1/agents/moved/memories/verify')).toMatchObject({ valid: true, entries: 7 });
  const grown = (await read(elsewhere, 'moved')).trimEnd().split('\n');
  expect(await verifyExport(grown)).toMatchObject({ valid: true, entries: 7 });
  expect((await send(elsewhere, 'moved', exported)).status).toBe(409);
});

test('what changed since is told, a page at a time, and what came in, was refused and forgotten is counted', async () => {
  await client.require('POST', '/v1/agents', { slug: 'changing', name: 'Changing' });
  const write = (text: string, partial: object = {}) =>
    client.require<Memory>('POST', '/v1/agents/changing/memories', { text, ...partial });
  const old = await write('The office closes at six.');
  const gone = await write('A thing to forget.');
  await write('A thing that stays.');
  const since = new Date(Date.parse((await write('The last of before.')).created_at) + 1).toISOString();
  await waitUntil('the next millisecond', () => new Date().toISOString() > since);
  const next = await write('The office closes at seven.', { supersedes: old.id, valid_from: '2020-01-01T00:00:00Z' });
  await client.require('DELETE', `/v1/agents/changing/memories/${gone.id}`);
  const path = `/v1/agents/changing/memories/changes?since=${since}`;
  type Page = { data: { memory: string; change: string; text: string | null }[]; next_cursor: string | null };
  const changes: Page['data'] = [];
  for (let cursor = ''; ;) {
    const page = await client.require<Page>('GET', `${path}&limit=2${cursor}`);
    changes.push(...page.data);
    if (page.next_cursor === null) break;
    cursor = `&cursor=${page.next_cursor}`;
  }
  expect(changes.map(({ memory, change, text }) => [memory, change, text])).toEqual([
    [old.id, 'closed', 'The office closes at six.'],
    [gone.id, 'forgotten', null],
    [next.id, 'written', 'The office closes at seven.'],
  ]);
  expect((await client.call('POST', '/v1/agents/changing/memories', { text: 'ok' })).status).toBe(422);
  expect(await client.require('GET', '/v1/agents/changing/memories/counters')).toMatchObject({
    live: 4,
    written: 5,
    refused: 1,
    forgotten: 1,
    waiting: 0,
    head: { sequence: 5, hash: next.hash },
  });
});
