/**
 * kill -9 of everything while an agent's memories move from one model's space to another's: recall goes on by the old one,
 * the move goes on where it was, and no vector stands in a space that is not its model's.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalClient } from '../../scripts/local-client.ts';
import { findFreePort } from '../../scripts/find-free-port.ts';
import type { MemoryEmbedding } from '../../shared/contracts/memory-embedding.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { FakeNode, type FakeRequest } from '../support/fake-node.ts';
import { StartedProcess } from '../support/started-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const Old = 'old-embed';
const New = 'new-embed';
const dimensions: Readonly<Record<string, number>> = { [Old]: 8, [New]: 12 };
const Memories = 200;
/** Entries that are embedded together. */
const Step = 64;
const path = '/v1/agents/keeper/memories';
const fact = 'The hound sleeps on the porch.';
const textOf = (at: number) => (at === 0 ? fact : `Parcel ${at} came on day ${at * 7}.`);

type Found = { data: { id: string; text: string }[]; embedding_space: string; notices: string[] };

const dataDir = mkdtempSync(join(tmpdir(), 'freehold-space-kill-'));
let node: FakeNode;
let port = 0;
let started: StartedProcess;
let client: LocalClient;
/** How often the new model has embedded each text of a memory. */
const embedded = new Map<string, number>();
/** Whether the new model embeds memories. */
let isOpen = true;

/** Puppies are hounds to both models, and nothing else is alike. */
function embed({ body }: FakeRequest): object {
  const model = String(body['model']);
  const texts = [body['input']].flat() as readonly string[];
  if (model === New && texts.length > 1) {
    if (!isOpen) return { object: 'list', data: [], model };
    for (const text of texts) embedded.set(text, (embedded.get(text) ?? 0) + 1);
    if (embedded.size === Step) node.script.hang = true;
  }
  const data = texts.map((text, index) => {
    const isDog = /hound|puppy/.test(text);
    return {
      index,
      embedding: Array.from({ length: dimensions[model]! }, (_, at) => (isDog === (at === 0) ? 1 : 0.01)),
    };
  });
  return { object: 'list', data, model, usage: { prompt_tokens: texts.length, total_tokens: texts.length } };
}

const embedding = () => client.require<MemoryEmbedding>('GET', `${path}/embedding`);
const recall = (query: string) => client.require<Found>('POST', `${path}/recall`, { query, limit: 3 });
/** Without the model by the embedded default, which then says so. */
async function ask(): Promise<Found> {
  const found = await recall('puppy');
  if (found.embedding_space === HashEmbeddingModel) expect(found.notices).toEqual(['embedder_unavailable']);
  return found;
}
const isWhole = ({ current, next }: MemoryEmbedding, space: string) =>
  next === null && current?.space === space && current.reached === current.of;

async function start(): Promise<void> {
  const nodes = JSON.stringify([{ kind: 'openai-compatible', name: 'fake', url: node.url }]);
  started = await StartedProcess.start(dataDir, ['--no-demo', '--port', String(port)], {
    FREEHOLD_NODES: nodes,
    EGRESS_ALLOW: '127.0.0.0/8',
  });
}

beforeAll(async () => {
  node = await FakeNode.start({ models: ['org/tiny', Old, New], body: embed });
  port = await findFreePort();
  await start();
  const operator = new LocalClient(port, 'localhost', started.dev.operator_token);
  const tenant = await operator.require<{ admin_key: { secret: string } }>('POST', '/operator/v1/tenants', {
    slug: 'acme',
    name: 'Acme',
  });
  client = new LocalClient(port, 'acme.localhost', tenant.admin_key.secret);
  await client.require('POST', '/v1/agents', { slug: 'keeper', name: 'Keeper' });
  const memories = Array.from({ length: Memories }, (_, at) => ({ text: textOf(at) }));
  await client.require('POST', `${path}/batch`, { memories });
});

afterAll(async () => {
  node.release();
  await started.killGroup();
  await node.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Of each shard of a model: the dimensions that it is for, and how many bytes its vectors have. */
function readShards() {
  const folder = join(dataDir, 'state/do/freehold-VectorShardObject');
  const files = readdirSync(folder).filter((name) => name.endsWith('.sqlite') && !name.startsWith('metadata'));
  return files.flatMap((name) => {
    const database = new DatabaseSync(join(folder, name), { readOnly: true });
    const [setting] = database.prepare("SELECT value FROM settings WHERE key = 'dimensions'").all();
    const rows = database.prepare('SELECT id, length(v) AS bytes FROM vectors').all() as {
      id: string;
      bytes: number;
    }[];
    database.close();
    const own = Number(setting?.['value'] ?? 0);
    return own === 0 || own > dimensions[New]! ? [] : [{ dimensions: own, rows }];
  });
}

it('is answered by the old space after the next start, until the new one is whole, and then by that one alone', async () => {
  await waitUntil('the model is offered', async () =>
    JSON.stringify((await client.call('GET', '/v1/models')).body).includes(New),
  );
  await client.require('POST', `${path}/embedding`, { model: Old });
  await waitUntil('all are in the old space', async () => isWhole(await embedding(), Old), { withinMs: 60_000 });
  expect(await recall('puppy')).toMatchObject({ embedding_space: Old, notices: [], data: [{ text: fact }, {}, {}] });
  await client.require('POST', `${path}/embedding`, { model: New });
  const isNext = ({ body }: FakeRequest) => body['model'] === New && [body['input']].flat().length > 1;
  await waitUntil('the node holds the second step', async () => {
    const { next } = await embedding();
    return next?.reached === Step && node.requests.filter(isNext).length === 2;
  });

  await started.killGroup();
  isOpen = false;
  node.script.hang = false;
  node.release();
  await start();
  await waitUntil('recall is answered by the old space', async () => {
    const { embedding_space: space, data } = await ask();
    if (space === Old) expect(data.map(({ text }) => text)).toContain(fact);
    expect(space).not.toBe(New);
    return space === Old;
  });
  expect((await embedding()).next).toMatchObject({ space: New, reached: Step });
  const [lost] = (await recall(textOf(150))).data;
  await client.require('POST', `${path}/forget`, { ids: [lost!.id] });
  const fresh = await client.require<{ id: string }>('POST', path, { text: 'A puppy came to stay in May.' });

  isOpen = true;
  await waitUntil(
    'all are in the new space',
    async () => {
      const { embedding_space: space } = await ask();
      const state = await embedding();
      if (space === New) expect(isWhole(state, New)).toBe(true);
      return isWhole(state, New);
    },
    { withinMs: 120_000 },
  );
  const found = await recall('a puppy');
  expect(found).toMatchObject({ embedding_space: New, notices: [] });
  expect(found.data.map(({ id }) => id)).toContain(fresh.id);
  expect((await recall(textOf(150))).data.map(({ id }) => id)).not.toContain(lost!.id);
  expect(await client.require('GET', `${path}/verify`)).toMatchObject({ valid: true, entries: Memories + 1 });

  // What was embedded before the kill was not embedded again.
  expect(Array.from({ length: Step }, (_, at) => embedded.get(textOf(at)))).toEqual(Array(Step).fill(1));
  await started.killGroup();
  const shards = readShards();
  expect(shards.map((shard) => shard.dimensions).toSorted()).toEqual([12, 8]);
  for (const shard of shards) {
    expect(shard.rows.every(({ bytes }) => bytes === 2 * shard.dimensions)).toBe(true);
    expect(shard.rows.some(({ id }) => id === lost!.id)).toBe(false);
  }
  expect(shards.find((shard) => shard.dimensions === dimensions[New])!.rows).toHaveLength(Memories);
});
