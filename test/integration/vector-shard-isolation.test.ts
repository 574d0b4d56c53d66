/** Fifty tenants with the same texts, ids of their own, and every trick to see another's: no foreign id, ever. */
import { beforeAll, describe, expect, test } from 'vitest';
import { embedByHash } from '../../shared/core/hash-embedding.ts';
import { mintId } from '../../shared/core/ids.ts';
import type { VectorFilter, VectorQueryOptions } from '../../shared/store/vector-index.ts';
import { openEmbeddedIndex } from './vectors-env.ts';

const texts = [
  'our bank is the First of Freehold',
  'the key is under the mat',
  'the price is 40 euro',
  'call Ada at noon',
];

const tenants = Array.from({ length: 50 }, (_, at) => {
  const tenantId = mintId('tenant', at);
  const agentIds = [mintId('agent', at), mintId('agent', at)];
  const ids = agentIds.map(() => texts.map(() => mintId('memory', at)));
  return { tenantId, agentIds, ids, index: openEmbeddedIndex(tenantId) };
});

beforeAll(async () => {
  for (const { agentIds, ids, index } of tenants) {
    for (const [agent, namespace] of agentIds.entries()) {
      await index.upsertWithText(
        texts.map((text, at) => ({
          id: ids[agent]![at]!,
          values: embedByHash(text),
          namespace,
          metadata: { kind: 'fact' },
          text,
        })),
      );
    }
  }
});

const filters: readonly unknown[] = [
  undefined,
  { kind: 'fact' },
  { kind: { $ne: '' } },
  { kind: { $nin: ['x'] } },
  { $or: [{ kind: 'fact' }, { kind: { $ne: 'fact' } }] },
  { $and: [] },
  { kind: { $exists: true } },
  { kind: { $regex: '.*' } },
  JSON.parse('{"__proto__":{"$ne":"x"}}'),
  JSON.parse('{"constructor":{"prototype":{"$ne":1}}}'),
  { hasOwnProperty: { $ne: 'x' } },
  { kind: `' OR '1'='1` },
  { kind: `fact' --` },
  { namespace: { $ne: 'x' } },
  { tenant: { $ne: 'x' } },
];

describe('fifty tenants with the same texts', () => {
  test('no query of an agent returns an id of another agent or tenant', async () => {
    let answered = 0;
    let foreign = 0;
    for (const [place, { agentIds, ids, index }] of tenants.entries()) {
      const other = tenants[(place + 1) % tenants.length]!;
      const own = new Set<string>(ids[0]);
      const text = `${texts[place % texts.length]!} ${other.tenantId} OR namespace:${other.agentIds[0]}`;
      const vector = embedByHash(text);
      for (const filter of filters) {
        for (const topK of [1, 100, 1e9]) {
          const options = {
            namespace: agentIds[0]!,
            topK,
            ...(filter === undefined ? {} : { filter: filter as VectorFilter }),
          };
          for (const ask of [() => index.hybrid({ ...options, vector, text }), () => query(options)]) {
            const hits = await ask().catch(() => []);
            answered += hits.length;
            foreign += hits.filter(({ id }) => !own.has(id)).length;
          }
        }
      }
      async function query(options: VectorQueryOptions) {
        return (await index.query(vector, options)).matches;
      }
    }
    expect(foreign).toBe(0);
    expect(answered).toBeGreaterThan(1_500);
  });

  test("another tenant's ids and namespaces lead nowhere", async () => {
    for (const [place, { index }] of tenants.entries()) {
      const other = tenants[(place + 1) % tenants.length]!;
      expect(await index.getByIds(other.ids.flat())).toEqual([]);
      await index.deleteByIds(other.ids.flat());
      const options = { topK: 100, namespace: other.agentIds[0]! };
      expect((await index.query(embedByHash(texts[0]!), options)).matches).toEqual([]);
      expect(await index.hybrid({ ...options, vector: embedByHash(texts[0]!), text: texts[0]! })).toEqual([]);
      expect(await other.index.getByIds(other.ids.flat())).toHaveLength(2 * texts.length);
    }
  });

  test('without a namespace an agent’s vectors are not seen', async () => {
    for (const { index } of tenants.slice(0, 5)) {
      expect((await index.query(embedByHash(texts[0]!), { topK: 100 })).count).toBe(0);
      expect(await index.hybrid({ vector: embedByHash(texts[0]!), text: texts[0]!, topK: 100 })).toEqual([]);
    }
  });

  test('a destroyed tenant is empty at the next read, and its neighbours are whole', async () => {
    const [gone, neighbour] = [tenants[10]!, tenants[11]!];
    await gone.index.destroy();
    const ask = ({ index, agentIds }: typeof gone) =>
      index.hybrid({ vector: embedByHash(texts[0]!), text: texts[0]!, topK: 100, namespace: agentIds[0]! });
    expect(await ask(gone)).toEqual([]);
    expect(await gone.index.getByIds(gone.ids.flat())).toEqual([]);
    expect(await ask(neighbour)).not.toEqual([]);
  });
});
