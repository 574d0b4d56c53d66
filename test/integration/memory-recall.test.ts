/** Recall over D1 with either index: an agent gets its own live, valid, unforged memories, each once, and nothing else. */
import { beforeAll, describe, expect, test } from 'vitest';
import { recalledMemory, recallRequest } from '../../shared/contracts/memories.ts';
import { err, ok } from '../../shared/core/result.ts';
import { embedByHash, HashEmbeddingDimensions, HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { mintId, type AgentId, type TenantId } from '../../shared/core/ids.ts';
import type { MemoryDraft } from '../../shared/store/memory-chain.ts';
import { MemoryStore } from '../../shared/store/memory-store.ts';
import { hashEmbedder, memoryVector, recallMemories } from '../../shared/store/recall.ts';
import { isHybrid, MemoryFilterFields, type VectorIndex } from '../../shared/store/vector-index.ts';
import { VectorizeIndex } from '../../shared/store/vectorize-index.ts';
import { tenantScope } from '../../shared/tenancy/tenant-scope.ts';
import { memoryChain } from '../support/memory-factory.ts';
import { VectorizeDouble } from '../support/vectorize-double.ts';
import { database, migrateDatabase, openEmbeddedIndex, openShard } from './vectors-env.ts';

const now = Date.UTC(2026, 5, 1);
const store = new MemoryStore(database);
const double = new VectorizeDouble({ dimensions: HashEmbeddingDimensions, metadataIndexes: [...MemoryFilterFields] });

beforeAll(migrateDatabase);

const backends: Record<string, (tenant: TenantId) => VectorIndex> = {
  embedded: openEmbeddedIndex,
  vectorize: (tenant) => new VectorizeIndex(double, tenant, HashEmbeddingDimensions),
};

test('a shard that is gone is told of, and what the others hold is found', async () => {
  const tenant = mintId('tenant', 0);
  const agentId = mintId('agent', 0);
  const scope = tenantScope(tenant);
  const index = openEmbeddedIndex(tenant, { capacity: 2 });
  const names = ['Ada', 'Bob', 'Cem', 'Dea', 'Eli', 'Fay'];
  const rows = memoryChain(
    tenant,
    agentId,
    names.map((name) => ({ text: `${name} likes liquorice.` })),
  );
  await store.insertMemories(scope, rows);
  for (const row of rows) await index.upsertWithText([memoryVector(row, embedByHash(row.text))]);
  const deps = { store, index, embedder: hashEmbedder, clock: { now: () => now } };
  const recall = async () => {
    const found = await recallMemories(deps, scope, agentId, recallRequest.parse({ query: 'Who likes liquorice?' }));
    if (!found.ok) throw new Error(found.failure.code);
    return { notices: found.value.notices, names: found.value.hits.map(({ text }) => text.slice(0, 3)).toSorted() };
  };
  expect(await recall()).toEqual({ notices: [], names });
  await openShard(tenant, 1).destroy(tenant);
  expect(await recall()).toEqual({ notices: ['index_degraded'], names: ['Ada', 'Bob', 'Eli', 'Fay'] });
});

describe.each(Object.entries(backends).map(([name, open]) => ({ name, open })))(
  'recall with the $name index',
  ({ open }) => {
    async function setUp(
      partials: readonly Partial<MemoryDraft>[],
      tenant = mintId('tenant', 0),
      agentId: AgentId = mintId('agent', 0),
    ) {
      const scope = tenantScope(tenant);
      const index = open(tenant);
      const rows = memoryChain(tenant, agentId, partials);
      for (const row of rows) {
        await store.insertMemories(scope, [row]);
        const vector = memoryVector(row, embedByHash(row.text));
        await (isHybrid(index) ? index.upsertWithText([vector]) : index.upsert([vector]));
      }
      double.processAll();
      const deps = { store, index, embedder: hashEmbedder, clock: { now: () => now } };
      const recall = async (query: string, options: object = {}, asAgent: AgentId = agentId) => {
        const recalled = await recallMemories(deps, scope, asAgent, recallRequest.parse({ query, ...options }));
        if (!recalled.ok) throw new Error(recalled.failure.code);
        return recalled.value;
      };
      const texts = async (...args: Parameters<typeof recall>) => (await recall(...args)).hits.map(({ text }) => text);
      return { scope, agentId, index, rows, deps, recall, texts };
    }

    test('the best answer comes first, with its provenance, and the space is said to be lexical', async () => {
      const { recall, rows } = await setUp([
        { text: 'The parking permit costs 40 euro.', sourceType: 'document', sourceRef: 'handbook#3', author: 'key_7' },
        { text: 'Ada likes liquorice.' },
        { text: 'The cat is called Turing.' },
      ]);
      const recalled = await recall('How much is a parking permit?', { limit: 2 });
      expect(recalled).toMatchObject({ semantic: false, embedding_space: HashEmbeddingModel, tampered: [] });
      const [best] = recalled.hits;
      expect(recalledMemory.parse(best)).toEqual({
        id: rows[0]!.id,
        text: 'The parking permit costs 40 euro.',
        score: best!.score,
        kind: 'fact',
        provenance: {
          source: { type: 'document', ref: 'handbook#3' },
          author: 'key_7',
          recorded_at: '2026-01-01T00:00:00.000Z',
        },
        hash: rows[0]!.hash,
      });
      const scores = recalled.hits.map(({ score }) => score);
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      expect(recalled.hits.length).toBeLessThanOrEqual(2);
    });

    test('a memory deleted in D1 is never returned, though the index still holds it', async () => {
      const { scope, agentId, rows, texts } = await setUp([{ text: 'the code is 1234' }, { text: 'the code is old' }]);
      await store.deleteMemories(scope, agentId, [rows[0]!.id], now);
      expect(await texts('the code is 1234')).toEqual(['the code is old']);
    });

    test('a memory of another tenant or agent is never returned, even where the index proposes it', async () => {
      const own = await setUp([{ text: 'our secret word is apple' }]);
      const foreign = await setUp([{ text: 'our secret word is pear' }]);
      const sibling = await setUp([{ text: 'our secret word is plum' }], own.scope.tenantId);
      for (const other of [foreign, sibling]) {
        for (const row of other.rows) {
          await own.index.upsert([{ ...memoryVector(row, embedByHash(row.text)), namespace: own.agentId }]);
        }
      }
      double.processAll();
      expect(await own.texts('our secret word')).toEqual(['our secret word is apple']);
      expect(await own.texts('our secret word', {}, mintId('agent', 0))).toEqual([]);
    });

    test('a tombstone or another agent’s row is dropped, even where the store hands it out', async () => {
      const texts = ['the door code', 'the door code?', 'a door code'];
      const { deps, scope, agentId, rows } = await setUp(texts.map((text) => ({ text })));
      const [other, reader] = [mintId('agent', 0), mintId('agent', 0)];
      const careless = [
        { ...rows[0]!, text: '', deletedAt: 1 },
        { ...rows[1]!, agentId: other },
        ...memoryChain(scope.tenantId, other, [{ scope: 'shared', readers: [reader] }]).map((row) => ({
          ...row,
          id: rows[2]!.id,
        })),
      ];
      const store = { findMemories: async () => ok(careless) };
      const request = recallRequest.parse({ query: 'the door code' });
      expect(await recallMemories({ ...deps, store }, scope, agentId, request)).toMatchObject({
        ok: true,
        value: { hits: [], tampered: [] },
      });
    });

    test('a memory counts only inside its validity window', async () => {
      const { texts } = await setUp([
        { text: 'opening hours: nine to five', validUntil: now + 1 },
        { text: 'opening hours: ten to six', validUntil: now },
        { text: 'opening hours: eight to four', validFrom: now + 1 },
        { text: 'opening hours: all day', validFrom: now },
      ]);
      expect((await texts('opening hours')).toSorted()).toEqual([
        'opening hours: all day',
        'opening hours: nine to five',
      ]);
    });

    test('a row that was edited in the database is left out and named', async () => {
      const { recall, rows, scope } = await setUp([{ text: 'pay into account 1' }, { text: 'pay into account 2' }]);
      await database
        .prepare('UPDATE memories SET text = ? WHERE tenant_id = ? AND id = ?')
        .bind('pay into account 666', scope.tenantId, rows[0]!.id)
        .run();
      const recalled = await recall('pay into account');
      expect(recalled.hits.map(({ text }) => text)).toEqual(['pay into account 2']);
      expect(recalled.tampered).toEqual([rows[0]!.id]);
    });

    test('exact duplicates are one hit', async () => {
      const { texts } = await setUp([
        { text: 'the sky is blue' },
        { text: 'the sky is blue' },
        { text: 'the sky is high' },
      ]);
      expect((await texts('the sky is blue')).toSorted()).toEqual(['the sky is blue', 'the sky is high']);
    });

    test('dropped rows do not use up the limit', async () => {
      const dead = Array.from({ length: 20 }, () => ({ text: 'the answer is forty-two', validUntil: 1 }));
      const { texts } = await setUp([...dead, { text: 'the answer is forty-three' }]);
      expect(await texts('the answer is forty-two', { limit: 1 })).toEqual(['the answer is forty-three']);
    });

    test('the kind can be asked for', async () => {
      const { texts } = await setUp([
        { text: 'meeting on Monday', kind: 'event' },
        { text: 'meeting rooms are upstairs', kind: 'fact' },
      ]);
      expect(await texts('meeting', { filter: { kind: 'event' } })).toEqual(['meeting on Monday']);
    });

    test('a query without a letter or digit finds nothing and fails nothing', async () => {
      const { texts } = await setUp([{ text: 'something' }]);
      expect(await texts('?!')).toEqual([]);
    });

    test('an outage of the index, the embedder or D1 is a failure, not an empty answer', async () => {
      const { deps, scope, agentId } = await setUp([{ text: 'something' }]);
      const down = err('service_unavailable');
      const request = recallRequest.parse({ query: 'something' });
      const deadIndex = new VectorizeIndex(
        { ...double, query: () => Promise.reject(new Error('down')) } as never,
        scope.tenantId,
        HashEmbeddingDimensions,
      );
      const cases = [
        { ...deps, index: deadIndex },
        { ...deps, embedder: { ...hashEmbedder, embed: async () => down } },
        { ...deps, store: { findMemories: async () => down } },
      ];
      for (const broken of cases) {
        expect(await recallMemories(broken, scope, agentId, request)).toMatchObject({
          ok: false,
          failure: { code: 'service_unavailable' },
        });
      }
    });
  },
);
