/**
 * Memories found by a node's model: chosen, embedded anew while recall goes on, metered, degraded with a notice, forgotten
 * in every space; another tenant's question is never answered from what this one asked.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { verifyCertificate } from '../../scripts/verify-certificate.ts';
import type { TenantDeletion } from '../../shared/contracts/deletions.ts';
import type { MemoryEmbedding } from '../../shared/contracts/memory-embedding.ts';
import type { Memory } from '../../shared/contracts/memories.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { EmbeddingModel, startPlatformWithNode, type PlatformWithNode } from '../support/platform-with-node.ts';
import type { CreatedTenant } from '../support/running-platform.ts';
import type { FakeRequest } from '../support/fake-node.ts';
import { waitUntil } from '../support/wait-until.ts';

const OtherModel = 'other-embed';
const RerankModel = 'tiny-rerank';
/** Words that mean the same have the same direction; nothing of it is in their letters. */
const meanings = [
  ['dog', 'hound', 'puppy'],
  ['car', 'vehicle', 'automobile'],
  ['rain', 'drizzle', 'weather'],
];

let world: PlatformWithNode;
let dimensions: Record<string, number>;

beforeAll(async () => {
  world = await startPlatformWithNode({
    script: { models: ['org/tiny', EmbeddingModel, OtherModel, RerankModel] },
  });
});
beforeEach(() => {
  dimensions = { [EmbeddingModel]: 8, [OtherModel]: 12 };
  world.node.script.body = embed;
});
afterAll(() => world.stop());

function embed({ body }: FakeRequest): object {
  const model = String(body['model']);
  const texts = body['input'] as readonly string[];
  const data = texts.map((text, index) => {
    const vector = Array.from({ length: dimensions[model] ?? 8 }, () => 0.01);
    for (const [at, words] of meanings.entries()) {
      if (words.some((word) => text.toLowerCase().includes(word))) vector[at] = 1;
    }
    return { object: 'embedding', index, embedding: vector };
  });
  const tokens = 5 * texts.length;
  return { object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

const client = (tenant: CreatedTenant = world.tenant) => world.platform.client(tenant);
/** A test that is tried again has agents of its own. */
const newSlug = (name: string) => `${name}-${(made += 1)}`;
let made = 0;
async function newAgent(name: string, tenant?: CreatedTenant): Promise<string> {
  const slug = newSlug(name);
  await client(tenant).require('POST', '/v1/agents', { slug, name });
  return slug;
}
const remember = (slug: string, text: string, partial: object = {}) =>
  client().require<Memory>('POST', `/v1/agents/${slug}/memories`, { text, ...partial });
const choose = (slug: string, model: string | null, tenant?: CreatedTenant) =>
  client(tenant).require<MemoryEmbedding>('POST', `/v1/agents/${slug}/memories/embedding`, { model });
const embedding = (slug: string, tenant?: CreatedTenant) =>
  client(tenant).require<MemoryEmbedding>('GET', `/v1/agents/${slug}/memories/embedding`);
type Found = {
  readonly data: (Memory & { why?: Record<string, unknown> })[];
  readonly notices: string[];
  readonly embedding_space: string;
  readonly semantic: boolean;
};
const recall = (slug: string, query: string, options: object = {}, tenant?: CreatedTenant) =>
  client(tenant).require<Found>('POST', `/v1/agents/${slug}/memories/recall`, { query, ...options });
const texts = ({ data }: Found) => data.map(({ text }) => text);
const call = (path: string, body: object, token = world.tenant.key) =>
  world.platform.call('POST', 'acme.localhost', path, { token, body });
const embeddedBy = (slug: string, space: string, tenant?: CreatedTenant) =>
  waitUntil(`${slug} in ${space}`, async () => {
    const { current } = await embedding(slug, tenant);
    return current?.space === space && current.reached === current.of;
  });

/** The databases of all vector shards. */
function vectorFiles(): string[] {
  const folder = join(world.platform.dataDir, 'state/do/freehold-VectorShardObject');
  const isShard = (name: string) => name.endsWith('.sqlite') && !name.startsWith('metadata');
  return readdirSync(folder)
    .filter(isShard)
    .map((name) => join(folder, name));
}

describe('memories in the space of a model', () => {
  test('are found by what they mean, and by another model once it has embedded all of them', async () => {
    const meaning = await newAgent('meaning');
    await remember(meaning, 'The hound sleeps on the porch.');
    await remember(meaning, 'The automobile is red.');
    expect((await recall(meaning, 'puppy')).embedding_space).toBe(HashEmbeddingModel);
    await choose(meaning, EmbeddingModel);
    await embeddedBy(meaning, EmbeddingModel);
    const found = await recall(meaning, 'puppy', { explain: true });
    expect(found).toMatchObject({ semantic: true, embedding_space: EmbeddingModel, notices: [] });
    expect(texts(found)[0]).toBe('The hound sleeps on the porch.');
    expect(found.data[0]!.why).toMatchObject({ model: { rank: 1 } });

    await choose(meaning, OtherModel);
    await embeddedBy(meaning, OtherModel);
    expect(await recall(meaning, 'puppy')).toMatchObject({ embedding_space: OtherModel, notices: [] });
    expect(await embedding(meaning)).toMatchObject({ current: { dimensions: 12 }, next: null });
    await remember(meaning, 'It may drizzle on Sunday.');
    await embeddedBy(meaning, OtherModel);
    expect(texts(await recall(meaning, 'weather', { limit: 1 }))).toEqual(['It may drizzle on Sunday.']);

    expect(await choose(meaning, null)).toMatchObject({ current: null, next: null });
    expect(await recall(meaning, 'hound')).toMatchObject({ semantic: false, embedding_space: HashEmbeddingModel });
  });

  test('are answered from the old space until the new one is whole; a write meanwhile is found in both', async () => {
    const moving = await newAgent('moving');
    await remember(moving, 'The hound sleeps on the porch.');
    await choose(moving, EmbeddingModel);
    await embeddedBy(moving, EmbeddingModel);
    // The other model answers when it is asked whether it is there, and then no more.
    world.node.script.body = (request) =>
      request.body['model'] === OtherModel && String(request.body['input']) !== 'memory'
        ? { data: [] }
        : embed(request);
    const chosen = await choose(moving, OtherModel);
    expect(chosen).toMatchObject({ current: { space: EmbeddingModel }, next: { space: OtherModel, reached: 0 } });
    await waitUntil('it was tried and failed', async () => (await embedding(moving)).next?.failure !== null);
    await remember(moving, 'The vehicle is in the yard.');
    await waitUntil('in the old space', async () => (await embedding(moving)).current?.reached === 2);
    const found = await recall(moving, 'automobile');
    expect(found).toMatchObject({ embedding_space: EmbeddingModel, notices: [] });
    expect(texts(found)[0]).toBe('The vehicle is in the yard.');
    world.node.script.body = embed;
    await embeddedBy(moving, OtherModel);
    expect(texts(await recall(moving, 'automobile'))[0]).toBe('The vehicle is in the yard.');
  });

  test('cost embedding tokens', async () => {
    const metered = await newAgent('metered');
    await world.settle();
    const before = await world.ledger();
    await choose(metered, EmbeddingModel);
    await remember(metered, 'The hound sleeps on the porch.');
    await embeddedBy(metered, EmbeddingModel);
    await recall(metered, `a question about ${metered}`);
    await world.settle();
    const after = await world.ledger();
    // The model was asked whether it is there, for the memory, and for the question.
    expect([after.requests - before.requests, after.inputTokens - before.inputTokens]).toEqual([3, 15]);
  });

  test('answer without the node by words and characters, and say so', async () => {
    const degraded = await newAgent('degraded');
    await choose(degraded, EmbeddingModel);
    await remember(degraded, 'The hound sleeps on the porch.');
    await embeddedBy(degraded, EmbeddingModel);
    world.node.script.body = () => ({ data: [] });
    const found = await recall(degraded, 'Where does the hound sleep?');
    expect(found).toMatchObject({ notices: ['embedder_unavailable'], embedding_space: HashEmbeddingModel });
    expect(texts(found)).toEqual(['The hound sleeps on the porch.']);
    // A write is taken, and found at once.
    await remember(degraded, 'The vehicle is in the yard.');
    expect(texts(await recall(degraded, 'the vehicle in the yard'))[0]).toBe('The vehicle is in the yard.');
    world.node.script.body = embed;
    await embeddedBy(degraded, EmbeddingModel);
    expect(await recall(degraded, 'automobile')).toMatchObject({ notices: [], embedding_space: EmbeddingModel });
  });

  test('keep to the dimensions of their space: others are refused, and nothing of them is stored', async () => {
    const narrow = await newAgent('dimensions');
    await choose(narrow, EmbeddingModel);
    dimensions[EmbeddingModel] = 9;
    await remember(narrow, 'The hound sleeps on the porch.');
    await waitUntil('it failed', async () => (await embedding(narrow)).current?.failure !== null);
    const { current } = await embedding(narrow);
    expect(current).toMatchObject({ reached: 0, of: 1, refused: 0, failure: { code: 'upstream_invalid' } });
    expect(current!.failure!.message).toContain('9 dimensions; its space has 8');
    const found = await recall(narrow, 'hound on the porch');
    expect([found.notices, found.data.length]).toEqual([['embedder_unavailable'], 1]);
    dimensions[EmbeddingModel] = 8;
    await embeddedBy(narrow, EmbeddingModel);
  });

  test.each([
    ['one that is not there', 'no-such-model', 404, 'model_not_found'],
    ['one that does not embed', 'org/tiny', 400, 'unsupported_parameter'],
    ['an empty name', ' ', 400, 'invalid_request'],
  ])('are not embedded by %s', async (_, model, status, code) => {
    const answer = await call('/v1/agents/helper/memories/embedding', { model });
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({ error: { code } });
    expect(await embedding('helper')).toMatchObject({ current: null, next: null });
  });

  test('are not embedded by a model with more dimensions than an index has', async () => {
    dimensions[OtherModel] = 2_000;
    const tooWide = await newAgent('too-wide');
    const answer = await call(`/v1/agents/${tooWide}/memories/embedding`, { model: OtherModel });
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ error: { code: 'invalid_request', param: 'model' } });
    expect(await embedding(tooWide)).toMatchObject({ current: null, next: null });
  });

  test('are embedded on the account of one who may call models', async () => {
    const permissions = ['memories:read', 'memories:write'];
    const { secret } = await client().require<{ secret: string }>('POST', '/v1/keys', { name: 'writer', permissions });
    const answer = await call('/v1/agents/helper/memories/embedding', { model: EmbeddingModel }, secret);
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({ error: { code: 'permission_denied' } });
  });

  test('that are forgotten are in no space, also while they move from one to the other', async () => {
    const forgetful = await newAgent('forgetful');
    const kept = await remember(forgetful, 'The hound sleeps on the porch.');
    const gone = await remember(forgetful, 'The hound bit Mr Smith.', { subject: 'smith' });
    await choose(forgetful, EmbeddingModel);
    await embeddedBy(forgetful, EmbeddingModel);
    await choose(forgetful, OtherModel);
    await client().require('POST', `/v1/agents/${forgetful}/memories/forget`, { subject: 'smith' });
    await embeddedBy(forgetful, OtherModel);
    const found = await recall(forgetful, 'puppy', { explain: true, limit: 50 });
    expect(found.data.map(({ id }) => id)).toEqual([kept.id]);
    expect(JSON.stringify(found)).not.toContain(gone.id);
  });

  test('a question is embedded once, and another tenant asks for itself', async () => {
    const other = await world.platform.createTenant(newSlug('globex'));
    const asking = await newAgent('asking');
    const theirs = await newAgent('asking', other);
    await choose(asking, EmbeddingModel);
    await choose(theirs, EmbeddingModel, other);
    const query = `Who has a puppy in the yard of ${theirs}?`;
    const timesAsked = () => world.node.requests.filter(({ body }) => String(body['input']) === query).length;
    await recall(asking, query);
    await recall(asking, query);
    expect(timesAsked()).toBe(1);
    await recall(theirs, query, {}, other);
    expect(timesAsked()).toBe(2);
  });

  test("go with their tenant's archive, in every space: what is exported is what a deletion erases", async () => {
    const tenant = await world.platform.createTenant(newSlug('initech'));
    const leaving = await newAgent('leaving', tenant);
    await choose(leaving, EmbeddingModel, tenant);
    await client(tenant).require('POST', `/v1/agents/${leaving}/memories`, { text: 'The hound sleeps on the porch.' });
    const archived = async () => {
      const host = `${tenant.slug}.localhost`;
      return (await world.platform.call('POST', host, '/v1/exports', { token: tenant.key, body: {} })).text.split('\n');
    };
    const ofSpace = (line: string) => line.includes(`vectors/${EmbeddingModel}/0`) && line.includes('"vectors"');
    await waitUntil('the vector is in the archive', async () => (await archived()).some(ofSpace));
    expect((await archived()).some((line) => line.includes('"embedding_spaces"'))).toBe(true);
  });

  test('go with their tenant: a deletion erases every space, those being left among them, and proves it', async () => {
    const tenant = await world.platform.createTenant(newSlug('hooli'));
    const leaving = await newAgent('leaving', tenant);
    const write = (text: string) => client(tenant).require<Memory>('POST', `/v1/agents/${leaving}/memories`, { text });
    const kept = [await write('The hound of hooli sleeps on the porch.'), await write('The vehicle of hooli is red.')];
    for (const model of [EmbeddingModel, OtherModel]) {
      await choose(leaving, model, tenant);
      await embeddedBy(leaving, model, tenant);
    }
    expect(await embedding(leaving, tenant)).toMatchObject({
      current: { space: OtherModel },
      leaving: [EmbeddingModel],
    });
    const countVectors = () =>
      vectorFiles().flatMap((file) => {
        const database = new DatabaseSync(file, { readOnly: true });
        const isShard = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'vectors'").get() !== undefined;
        const ids = isShard
          ? database
              .prepare('SELECT id FROM vectors')
              .all()
              .map(({ id }) => id)
          : [];
        database.close();
        return ids.filter((id) => kept.some((memory) => memory.id === id));
      }).length;
    expect(countVectors()).toBe(3 * kept.length);

    const { operator } = world.platform;
    const remove = () => operator.require<TenantDeletion>('DELETE', `/operator/v1/tenants/${tenant.id}`);
    const { certificate: signed } = await waitUntil('the tenant is deleted', async () => {
      const deletion = await remove();
      return deletion.status === 'done' && deletion;
    });
    const jwks = (await world.platform.call('GET', 'localhost', '/.well-known/jwks.json')).json();
    const { sub, stores } = await verifyCertificate(signed!, jwks as never);
    expect(sub).toBe(tenant.id);
    expect(stores.filter(({ left }) => left !== 0)).toEqual([]);
    const erased = new Map(stores.map(({ store, erased: rows }) => [store, rows]));
    expect(erased.get('VECTOR_SHARD.vectors')).toBe(3 * kept.length);
    expect(erased.get('D1.embedding_spaces')).toBe(2);
    expect(erased.get('AGENT.memory_spaces')).toBe(2);
    expect(countVectors()).toBe(0);
    const path = `/v1/agents/${leaving}/memories`;
    const asked = await world.platform.call('GET', `${tenant.slug}.localhost`, path, { token: tenant.key });
    expect(asked.status).toBe(404);
  });

  test('that are shared are found by an agent of another space', async () => {
    const sharing = await newAgent('sharing');
    const reading = await newAgent('reading');
    await choose(sharing, EmbeddingModel);
    await choose(reading, OtherModel);
    await remember(sharing, 'The hound sleeps on the porch.', { scope: 'shared' });
    await embeddedBy(sharing, EmbeddingModel);
    const found = await recall(reading, 'Where does the hound sleep?');
    expect(texts(found)).toEqual(['The hound sleeps on the porch.']);
    expect(found.embedding_space).toBe(OtherModel);
  });
});

describe('reranking', () => {
  test('orders by a model, and where that fails the order stays, with a notice', async () => {
    const slug = await newAgent('ranked');
    await remember(slug, 'The hound sleeps on the porch.');
    await remember(slug, 'The hound sleeps under the table.');
    const query = 'Where does the hound sleep?';
    const plain = texts(await recall(slug, query));
    expect(plain).toHaveLength(2);
    const answerWith = (results: (documents: readonly string[]) => object[]) => {
      world.node.script.forwarded = ({ body }) => {
        const answer = { id: 'r', model: body['model'], results: results(body['documents'] as string[]), usage: {} };
        return { type: 'application/json', body: JSON.stringify({ ...answer, usage: { total_tokens: 9 } }) };
      };
    };
    answerWith((documents) =>
      documents.map((text, index) => ({ index, relevance_score: text === plain[1] ? 0.9 : 0.1 })),
    );
    for (const rerank of [true, { model: RerankModel }]) {
      const ranked = await recall(slug, query, { rerank });
      expect([texts(ranked), ranked.notices]).toEqual([plain.toReversed(), []]);
    }
    const named = await recall(slug, query, { rerank: { model: 'no-such-model' } });
    expect([texts(named), named.notices]).toEqual([plain, ['rerank_unavailable']]);
    answerWith(() => []);
    const failed = await recall(slug, query, { rerank: true });
    expect([texts(failed), failed.notices]).toEqual([plain, ['rerank_unavailable']]);
  });
});
