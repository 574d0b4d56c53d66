/** The shell of a vector shard in workerd: eviction, migration, destruction, full text, and whose it is. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { embedByHash } from '../../shared/core/hash-embedding.ts';
import { mintId } from '../../shared/core/ids.ts';
import type { VectorShardStub } from '../../shared/store/embedded-vector-index.ts';
import { openEmbeddedIndex, openShard } from './vectors-env.ts';

const nowhere = [0, 0, 0, 0];
const freshTenant = () => mintId('tenant', 0);
const passage = (id: string, text: string, namespace = 'x') => ({ id, values: [1, 0, 0, 0], namespace, text });

/** Ids of the text lane. */
async function searchText(
  shard: VectorShardStub,
  tenant: ReturnType<typeof freshTenant>,
  text: string,
  namespace = 'x',
) {
  const result = await shard.lanes(tenant, { vector: nowhere, text, topK: 100, namespace });
  if (!result.ok) throw new Error(result.failure.message);
  return result.value.matching.map(({ id }) => id);
}

describe('a vector shard', () => {
  test('answers the same after its eviction', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    const texts = ['the red fox', 'a blue whale', 'the reddest of all foxes', 'green grass', 'seven seas'];
    await shard.upsert(
      tenant,
      texts.map((text, at) => ({ id: `m${at}`, values: embedByHash(text), namespace: 'x', text })),
    );
    await shard.delete(tenant, ['m3']);
    const ask = async () => [
      await shard.query(tenant, { vector: embedByHash('red foxes'), namespace: 'x', returnValues: true }),
      await openEmbeddedIndex(tenant).hybrid({
        vector: embedByHash('red foxes'),
        text: 'red foxes',
        topK: 5,
        namespace: 'x',
      }),
      await shard.describe(tenant),
    ];
    const before = await ask();
    await evictDurableObject(shard);
    expect(await ask()).toEqual(before);
  });

  test('sees a write at once, also when its matrix was loaded before', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    const find = async () => {
      const result = await shard.query(tenant, { vector: [1, 0, 0, 0], namespace: 'x' });
      return result.ok ? result.value.matches.map(({ id }) => id) : [];
    };
    await shard.upsert(tenant, [passage('a', 'one')]);
    expect(await find()).toEqual(['a']);
    await shard.upsert(tenant, [passage('b', 'two')]);
    expect(await find()).toEqual(['a', 'b']);
    await shard.delete(tenant, ['a']);
    expect(await find()).toEqual(['b']);
  });

  test('fixes its dimensions at the first write', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    expect(await shard.query(tenant, { vector: [1, 0] })).toMatchObject({ ok: true, value: { count: 0, matches: [] } });
    await shard.upsert(tenant, [passage('a', 'one')]);
    expect(await shard.query(tenant, { vector: [1, 0] })).toMatchObject({
      ok: false,
      failure: { code: 'invalid_request', param: 'vector' },
    });
    await shard.delete(tenant, ['a']);
    expect(await shard.upsert(tenant, [{ id: 'b', values: [1, 0] }])).toMatchObject({
      ok: false,
      failure: { code: 'invalid_request', param: 'vectors.0.values' },
    });
  });

  test('a refused write leaves nothing behind', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    const bad = { id: 'bad', values: [Number.NaN, 0, 0, 0] };
    expect(await shard.upsert(tenant, [passage('good', 'good'), bad])).toMatchObject({ ok: false });
    expect(await shard.describe(tenant)).toMatchObject({ value: { vectorCount: 0, dimensions: 0 } });
  });

  test('is not found by a caller who means another tenant', async () => {
    const [tenant, other] = [freshTenant(), freshTenant()];
    const shard = openShard(tenant);
    await shard.upsert(tenant, [passage('a', 'secret')]);
    const refused = { ok: false, failure: { code: 'not_found' } };
    expect(await shard.query(other, { vector: [1, 0, 0, 0], namespace: 'x' })).toMatchObject(refused);
    expect(await shard.lanes(other, { vector: nowhere, text: 'secret', topK: 5, namespace: 'x' })).toMatchObject(
      refused,
    );
    expect(await shard.place(other, { ids: ['a'], purpose: 'write' })).toMatchObject(refused);
    expect(await shard.grow(other, 2)).toMatchObject(refused);
    expect(await shard.get(other, ['a'])).toMatchObject(refused);
    expect(await shard.upsert(other, [passage('b', 'planted')])).toMatchObject(refused);
    expect(await shard.insert(other, [passage('b', 'planted')])).toMatchObject(refused);
    expect(await shard.delete(other, ['a'])).toMatchObject(refused);
    expect(await shard.describe(other)).toMatchObject(refused);
    expect(await shard.destroy(other)).toMatchObject(refused);
    expect(await shard.describe(tenant)).toMatchObject({ value: { vectorCount: 1, processedUpToMutation: '1' } });
  });

  test('holds nothing after it was destroyed, and can be used again', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    await shard.upsert(tenant, [passage('a', 'secret')]);
    await searchText(shard, tenant, 'secret');
    expect(await shard.destroy(tenant)).toEqual({ ok: true, value: undefined });
    await runInDurableObject(shard, (_, { storage }) => {
      expect(
        storage.sql.exec(`SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'`).toArray(),
      ).toEqual([]);
    });
    expect(await shard.query(tenant, { vector: [1, 0, 0, 0], namespace: 'x' })).toMatchObject({ value: { count: 0 } });
    expect(await searchText(shard, tenant, 'secret')).toEqual([]);
    expect(await shard.upsert(tenant, [{ id: 'b', values: [1, 0] }])).toMatchObject({ ok: true });
  });
});

describe('full text of a vector shard', () => {
  test('finds other forms of a word, best match first, in its own namespace only', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    await shard.upsert(tenant, [
      passage('often', 'invoice invoices invoiced'),
      passage('once', 'one invoice among a great many other words that say nothing of it'),
      passage('other', 'a parcel'),
      passage('foreign', 'invoice', 'y'),
    ]);
    expect(await searchText(shard, tenant, 'Invoicing?')).toEqual(['often', 'once']);
    expect(await searchText(shard, tenant, 'Invoicing?', 'y')).toEqual(['foreign']);
    expect(await searchText(shard, tenant, 'invoice', 'z')).toEqual([]);
  });

  test('by words that are everywhere, what holds all of them comes first, then what holds the rarest, the newest first', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    const write = async (from: number, to: number) => {
      for (let first = from; first < to; first += 1_000) {
        const count = Math.min(1_000, to - first);
        await shard.upsert(
          tenant,
          Array.from({ length: count }, (_, at) => passage(`p${first + at}`, textOf(first + at))),
        );
      }
    };
    // "harbour" is in half of them, "lamp" in a third, so both are in every sixth; "the" is in all.
    const textOf = (at: number) => `the ${at % 2 ? 'ship' : 'harbour'} ${at % 3 ? 'rope' : 'lamp'} of day ${at}`;
    const find = async (text: string) => (await searchText(shard, tenant, text)).map((id) => Number(id.slice(1)));
    const newest = (last: number, step: number, count: number) =>
      Array.from({ length: count }, (_, at) => last - at * step);
    await write(0, 3_000);
    const both = await find('the lamp of a harbour');
    expect(both.slice(0, 20)).toEqual(newest(2_994, 6, 20));
    expect(await find('the harbour')).toEqual(newest(2_998, 2, 100));
    expect(await find('the')).toEqual(newest(2_999, 1, 100));
    // What was counted before holds for what is written and deleted since.
    expect(await find('comet')).toEqual([]);
    await shard.upsert(tenant, [passage('p9000', 'comet')]);
    expect(await find('comet')).toEqual([9_000]);
    await write(3_000, 3_010);
    expect((await find('the lamp of a harbour'))[0]).toBe(3_006);
    await shard.delete(tenant, ['p3006']);
    expect((await find('the lamp of a harbour'))[0]).toBe(3_000);
    expect(await find('ship harbour')).toEqual([3_008, ...newest(3_004, 2, 99)]);
    await shard.upsert(tenant, [passage('p9001', 'harbour, lamp')]);
    expect((await find('the lamp of a harbour'))[0]).toBe(9_001);
  });

  test('forgets the text of a deleted or replaced vector', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    await shard.upsert(tenant, [passage('a', 'zanzibar'), passage('b', 'zanzibar'), passage('c', 'zanzibar')]);
    await shard.delete(tenant, ['a']);
    await shard.upsert(tenant, [passage('b', 'timbuktu'), { id: 'c', values: [1, 0, 0, 0], namespace: 'x' }]);
    expect(await searchText(shard, tenant, 'zanzibar')).toEqual([]);
    expect(await searchText(shard, tenant, 'timbuktu')).toEqual(['b']);
    await runInDurableObject(shard, (_, { storage }) => {
      const blocks = storage.sql.exec<{ block: ArrayBuffer }>('SELECT block FROM passages_data').toArray();
      const bytes = blocks.map(({ block }) => new TextDecoder('latin1').decode(block)).join('');
      expect(bytes).not.toContain('anzibar');
    });
  });

  const injections = [
    'sec*',
    '"sec" *',
    '^public',
    'text : nothing',
    '{text} : nothing',
    '- text : nothing',
    'nothing OR secret*',
    'public" OR "x',
    "'; DROP TABLE passages; --",
    'NEAR(public secre, 5)',
    'NOT nothing',
    '(',
    ')',
    '"',
    '""',
    '*',
    '+',
    '^',
    'AND',
    'OR OR',
    'passages MATCH 1',
    'rank:bm25',
    '\u0000',
    'a\u0000" OR secret',
    '\ud800',
    '\u0301',
    '🦊',
    'ﬁ',
    '٣',
    '%',
    '_',
    'x'.repeat(8_000),
    'word '.repeat(1_600),
    '"'.repeat(4_000),
    Array.from({ length: 500 }, (_, at) => `w${at}`).join(' '),
  ];
  test.each(injections)('takes %j for words and nothing else', async (text) => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    await shard.upsert(tenant, [
      passage('secret', 'secret'),
      passage('public', 'public'),
      passage('y', 'secret public', 'y'),
    ]);
    const words = new Set(text.toLowerCase().match(/[a-z]+/g));
    const expected = ['public', 'secret'].filter((word) => words.has(word));
    expect((await searchText(shard, tenant, text)).toSorted()).toEqual(expected);
    expect(await searchText(shard, tenant, 'secret')).toEqual(['secret']);
  });

  test('no text whatever makes a query fail', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    await shard.upsert(tenant, [passage('a', 'a passage')]);
    const syntax = fc.constantFrom(
      '"',
      '*',
      '(',
      ')',
      '^',
      ':',
      '{',
      '}',
      '+',
      '-',
      ',',
      'NEAR',
      'AND',
      'NOT',
      'OR',
      'text',
      ' ',
      '\0',
    );
    const anyText = fc
      .array(fc.oneof(syntax, fc.string({ unit: 'binary' })), { maxLength: 12 })
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        expect(await shard.lanes(tenant, { vector: nowhere, text, topK: 5, namespace: 'x' })).toMatchObject({
          ok: true,
        });
      }),
      { numRuns: 300 },
    );
  });
});
