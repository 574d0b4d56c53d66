/** A shard's codes against a model in workerd: whatever is written, deleted, evicted, sealed and compacted in between. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import kernelModule from '../../dist/kernel/scan.wasm';
import { migrate } from '../../durable-objects/runtime/migrate.ts';
import { CodeArena } from '../../durable-objects/vector-shard/code-arena.ts';
import { openShard as openParts } from '../../durable-objects/vector-shard/open-shard.ts';
import { VectorKernel } from '../../durable-objects/vector-shard/vector-kernel.ts';
import { vectorShardMigrations } from '../../durable-objects/vector-shard/vector-shard-migrations.ts';
import { compileFilter, computeRank } from '../../durable-objects/vector-shard/vector-shard.ts';
import type { NewVector } from '../../durable-objects/vector-shard/vector-shard-store.ts';
import { mintId } from '../../shared/core/ids.ts';
import { compareRanked, type VectorFilter, type VectorMetric } from '../../shared/store/vector-index.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openShard } from './vectors-env.ts';

const Dimensions = 8;
const PageRows = 12;
const freshTenant = () => mintId('tenant', 0);

const someId = fc.integer({ min: 0, max: 59 }).map((number) => `v${number}`);
const someValues = fc
  .array(fc.integer({ min: -3, max: 3 }), { minLength: Dimensions, maxLength: Dimensions })
  .map((values) => Float32Array.from(values));
const someVector = fc.record({
  id: someId,
  namespace: fc.constantFrom('x', 'y'),
  metadata: fc.option(
    fc.record(
      {
        kind: fc.constantFrom('fact', 'event', 'summary'),
        time: fc.integer({ min: 0, max: 9 }),
        scope: fc.constantFrom('private', 'shared'),
        tags: fc.subarray(['red', 'green', 'blue']),
        n: fc.constantFrom(1, '1', true),
      },
      { requiredKeys: [] },
    ),
    { nil: undefined },
  ),
  values: someValues,
  text: fc.constant(undefined),
});
const operators = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof(
    value,
    fc.record({ $ne: value }),
    fc.record({ $in: fc.array(value, { minLength: 1, maxLength: 2 }) }),
    fc.record({ $nin: fc.array(value, { minLength: 1, maxLength: 2 }) }),
  );
const bound = fc.integer({ min: 0, max: 9 });
const someFilter = fc.record(
  {
    kind: operators(fc.constantFrom('fact', 'event', 'never')),
    time: fc.oneof(bound, fc.record({ $gte: bound, $lt: bound }), fc.record({ $ne: bound }), fc.record({ $gt: bound })),
    scope: operators(fc.constantFrom('private', 'shared')),
    tags: operators(fc.constantFrom('red', 'green')),
    n: operators(fc.constantFrom<string | number | boolean>(1, '1', true, 0)),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<VectorFilter>;
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('write'),
      vectors: fc.array(someVector, { minLength: 1, maxLength: 14 }),
      skip: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('delete'), ids: fc.array(someId, { minLength: 1, maxLength: 12 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('evict') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart') }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('upkeep'), steps: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('ask'),
      query: someValues,
      filter: someFilter,
      k: fc.integer({ min: 1, max: 12 }),
    }),
  },
);
type Step = {
  type: string;
  vectors?: NewVector[];
  skip?: boolean;
  ids?: string[];
  steps?: number;
  query?: Float32Array;
  filter?: VectorFilter;
  k?: number;
};

const budgets = { 'enough RAM': 1024 * 1024, 'RAM for nothing': 1 } as const;
const metrics: readonly VectorMetric[] = ['cosine', 'dot', 'euclidean'];

describe.each(Object.entries(budgets))('with %s', (_, budget) => {
  test.each(metrics)('by %s, every answer is that of a loop over the model', { timeout: 120_000 }, async (metric) => {
    await runInDurableObject(openShard(freshTenant()), async (__, { storage }) => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 4, maxLength: 30 }), (steps) => {
          storage.sql.exec('DROP TABLE IF EXISTS passages');
          for (const { name } of storage.sql
            .exec<{ name: string }>(
              `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'`,
            )
            .toArray())
            storage.sql.exec(`DROP TABLE ${name}`);
          run(storage, steps as Step[], metric, budget);
        }),
        { numRuns: 60 },
      );
    });
  });
});

function run(storage: DurableObjectStorage, steps: readonly Step[], metric: VectorMetric, budget: number): void {
  const makeArena = () => new CodeArena(new VectorKernel(kernelModule), budget);
  let arena = makeArena();
  let shard = openParts(storage, arena, 'shard', PageRows);
  const model = new Map<string, NewVector>();
  let stamp = 0;
  const note = () => ({ stamp: ++stamp, isCounted: true });
  for (const { type, vectors = [], skip = false, ids = [], steps: count = 0, query, filter, k = 1 } of steps) {
    const before = shard.store.stamp;
    if (type === 'write') {
      shard.codes.noteWritten(shard.store.write(vectors, skip ? 'skip' : 'replace', metric, note()), before);
      for (const vector of vectors) if (!skip || !model.has(vector.id)) model.set(vector.id, vector);
      shard.upkeep.sealTail();
    } else if (type === 'delete') {
      shard.codes.noteWritten({ rows: [], removed: shard.store.delete(ids, note()) }, before);
      for (const id of ids) model.delete(id);
    } else if (type === 'upkeep') {
      for (let done = 0; done < count && shard.upkeep.step(); done++);
    } else if (type === 'ask') {
      if (shard.store.dimensions === 0) continue;
      const scope = { namespace: 'x', ...(Object.keys(filter!).length === 0 ? {} : { filter: filter! }) };
      expectSameScores(
        shard.search.findNearest(query!, scope, k),
        searchModel([...model.values()], query!, scope.filter, metric).slice(0, k),
      );
    } else {
      if (type === 'restart') arena = makeArena();
      shard = openParts(storage, arena, 'shard', PageRows);
    }
    expect(shard.store.count()).toBe(model.size);
  }
  shard.codes.drop();
  expect(arena.usedBytes).toBe(0);
}

function searchModel(
  vectors: readonly NewVector[],
  query: Float32Array,
  filter: VectorFilter | undefined,
  metric: VectorMetric,
) {
  const norm = Math.hypot(...query);
  if (norm === 0 && metric !== 'euclidean') return [];
  const accepts = compileFilter(filter) ?? (() => true);
  return vectors
    .filter(({ namespace, metadata }) => namespace === 'x' && accepts(metadata))
    .map(({ id, values }) => ({ id, score: computeRank(metric, query, values) / (metric === 'cosine' ? norm : 1) }))
    .sort((a, b) => compareRanked({ ...a, score: round(a.score) }, { ...b, score: round(b.score) }));
}

/** Sums in another order end in other digits; ids of equal scores are then compared as a set. */
function expectSameScores(
  hits: readonly { readonly score: number }[],
  expected: readonly { readonly score: number }[],
) {
  expect(hits).toHaveLength(expected.length);
  hits.forEach(({ score }, at) => expect(score).toBeCloseTo(expected[at]!.score, 4));
}

function round(score: number): number {
  return Math.round(score * 1e5) / 1e5 + 0;
}

describe.each(Object.entries(budgets))('deleted vectors, with %s,', (_, budget) => {
  test.each(['before', 'after'])('never take the place of live ones: loaded %s the deletion', async (when) => {
    await runInDurableObject(openShard(freshTenant()), (__, { storage }) => {
      const arena = new CodeArena(new VectorKernel(kernelModule), budget);
      const { store, codes, search, upkeep } = openParts(storage, arena, 'shard', 150);
      const make = (id: string, far: number): NewVector => ({
        id,
        values: Float32Array.of(1, far, 0, 0, 0, 0, 0, 0),
        namespace: 'x',
        metadata: undefined,
        text: undefined,
      });
      const near = Array.from({ length: 200 }, (___, at) => make(`near${at}`, at / 1_000));
      const far = Array.from({ length: 10 }, (___, at) => make(`far${at}`, 3 + at));
      const find = () => search.findNearest([1, 0, 0, 0, 0, 0, 0, 0], { namespace: 'x' }, 10).map(({ id }) => id);
      store.write([...near, ...far], 'replace', 'cosine', { stamp: 1, isCounted: true });
      upkeep.sealTail();
      if (when === 'before') expect(find().every((id) => id.startsWith('near'))).toBe(true);
      const removed = store.delete(
        near.map(({ id }) => id),
        { stamp: 2, isCounted: true },
      );
      codes.noteWritten({ rows: [], removed }, 1);
      expect(find()).toEqual(far.map(({ id }) => id));
    });
  });
});

test.each(Object.entries(budgets))('texts of another namespace are not found, with %s', async (_, budget) => {
  await runInDurableObject(openShard(freshTenant()), (__, { storage }) => {
    const { store, search } = openParts(storage, new CodeArena(new VectorKernel(kernelModule), budget), 'shard');
    const make = (id: string, namespace: string): NewVector => ({
      id,
      values: Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0),
      namespace,
      metadata: undefined,
      text: 'an invoice',
    });
    store.write([make('a', 'x'), make('b', 'y')], 'replace', 'cosine', { stamp: 1, isCounted: true });
    const find = (namespace: string) => search.findMatching('invoices', { namespace }, 10).map(({ id }) => id);
    expect([find('x'), find('y'), find('z')]).toEqual([['a'], ['b'], []]);
  });
});

describe('a shard of the first schema', () => {
  test('answers at once, and is converted by the alarm in slices without a change of its answers', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    const Rows = 600;
    const values = (at: number) => new Float32Array([at % 7, at % 11, 1, at % 3]);
    await runInDurableObject(shard, async (_, { storage }) => {
      await storage.deleteAlarm();
      await storage.deleteAll();
      migrate(storage, vectorShardMigrations.slice(0, 1));
      storage.sql.exec(`INSERT INTO settings (key, value) VALUES ('dimensions', 4), ('generation', 7)`);
      for (let at = 1; at <= Rows; at++) {
        storage.sql.exec(
          `INSERT INTO vectors (id, namespace, metadata, v) VALUES (?, 'x', ?, ?)`,
          `old${at}`,
          JSON.stringify({ kind: at % 2 ? 'fact' : 'event', scope: at % 5 ? 'private' : 'shared' }),
          values(at).buffer,
        );
      }
      storage.sql.exec(`INSERT INTO passages (rowid, text) VALUES (1, 'an old passage')`);
    });
    await evictDurableObject(shard);
    const ask = async () => {
      const query = { vector: [3, 4, 1, 1], namespace: 'x', topK: 20, filter: { kind: 'fact', scope: 'shared' } };
      const near = await shard.query(tenant, { ...query, returnValues: true });
      const lanes = await shard.lanes(tenant, { vector: [0, 1, 0, 0], text: 'passages', topK: 5, namespace: 'x' });
      const records = await shard.get(tenant, ['old1', 'old77', 'old600']);
      if (!near.ok || !lanes.ok || !records.ok) throw new Error('a legacy shard does not answer');
      const hits = near.value.matches.map(({ score, values }) => [
        round(score),
        round(computeRank('cosine', Float32Array.of(3, 4, 1, 1), Float32Array.from(values!)) / Math.sqrt(27)),
      ]);
      return { hits, matching: lanes.value.matching.map(({ id }) => id), records: records.value.vectors };
    };
    const countOld = () =>
      runInDurableObject(
        shard,
        (_, { storage }) =>
          storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM vectors WHERE exponent IS NULL').one().n,
      );
    const before = await ask();
    expect(before.hits).toHaveLength(20);
    for (const [score, recomputed] of before.hits) expect(score).toBe(recomputed);
    expect(before.matching).toEqual(['old1']);
    await waitUntil('all rows are converted', async () => (await countOld()) === 0);
    expect(await ask()).toEqual(before);
    await evictDurableObject(shard);
    expect(await ask()).toEqual(before);
  });
});

describe('the upkeep', () => {
  const Rows = 60;
  /** So far ahead that no alarm rings but those that a test has rung. */
  const now = Date.UTC(2096, 5, 1);
  const vector = (at: number) => ({ id: `v${at}`, values: [1, at, 0, 0], namespace: 'x' });

  async function sealed() {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    await shard.upsert(
      tenant,
      Array.from({ length: Rows }, (_, at) => vector(at)),
    );
    // A page as it would be after many more rows.
    await runInDurableObject(shard, (_, { storage }) => {
      openParts(storage, new CodeArena(new VectorKernel(kernelModule), 1), 'other', Rows).upkeep.sealTail();
    });
    await evictDurableObject(shard);
    await runInDurableObject(shard, (instance) => void (instance.clock = { now: () => now }));
    return { tenant, shard };
  }
  const readCounts = (shard: Awaited<ReturnType<typeof sealed>>['shard']) =>
    runInDurableObject(shard, async (_, { storage }) => {
      const read = (sql: string) => storage.sql.exec<{ n: number | null }>(sql).one().n ?? 0;
      return {
        rows: read('SELECT sum(rows) AS n FROM pages'),
        dead: read('SELECT count(*) AS n FROM dead'),
        alarm: await storage.getAlarm(),
      };
    });

  test('waits with a few dead rows, and writes the page anew at once beyond a quarter', async () => {
    const { tenant, shard } = await sealed();
    expect(await readCounts(shard)).toMatchObject({ rows: Rows, dead: 0, alarm: null });
    await shard.delete(tenant, ['v0', 'v1']);
    const few = await readCounts(shard);
    expect(few).toMatchObject({ rows: Rows, dead: 2 });
    expect(few.alarm! - now).toBeGreaterThan(50 * 60 * 1_000);
    expect(few.alarm! - now).toBeLessThan(70 * 60 * 1_000);
    await shard.delete(
      tenant,
      Array.from({ length: 20 }, (_, at) => `v${at}`),
    );
    await runDurableObjectAlarm(shard);
    expect(await readCounts(shard)).toEqual({ rows: Rows - 20, dead: 0, alarm: null });
    const found = await shard.query(tenant, { vector: [1, 30, 0, 0], namespace: 'x', topK: 100 });
    expect(found).toMatchObject({ value: { count: Rows - 20 } });
  });

  test('never throws, keeps what it could not do, and comes back to it', async () => {
    const { tenant, shard } = await sealed();
    await shard.delete(
      tenant,
      Array.from({ length: 30 }, (_, at) => `v${at}`),
    );
    const page = await runInDurableObject(shard, (_, { storage }) => {
      const [{ codes }] = storage.sql.exec<{ codes: ArrayBuffer }>('SELECT codes FROM pages').toArray() as [
        { codes: ArrayBuffer },
      ];
      storage.sql.exec(`UPDATE pages SET codes = x'00'`);
      return codes;
    });
    await runDurableObjectAlarm(shard);
    const failed = await readCounts(shard);
    expect(failed).toMatchObject({ rows: Rows, dead: 30 });
    expect(failed.alarm).toBeGreaterThan(now);
    await runInDurableObject(shard, (_, { storage }) => void storage.sql.exec('UPDATE pages SET codes = ?', page));
    await runDurableObjectAlarm(shard);
    expect(await readCounts(shard)).toEqual({ rows: Rows - 30, dead: 0, alarm: null });
  });
});

describe('the codes in RAM', () => {
  test('outlive the object, and are not trusted when a write was undone', async () => {
    const tenant = freshTenant();
    const shard = openShard(tenant);
    const arena = new CodeArena(new VectorKernel(kernelModule), 1024 * 1024);
    const find = (storage: DurableObjectStorage) =>
      openParts(storage, arena, 'shard')
        .search.findNearest([1, 0, 0, 0], { namespace: 'x' }, 9)
        .map(({ id }) => id);
    await shard.upsert(tenant, [{ id: 'a', values: [1, 0, 0, 0], namespace: 'x' }]);
    await runInDurableObject(shard, (_, { storage }) => {
      expect(find(storage)).toEqual(['a']);
      const held = arena.find('shard');
      expect(find(storage)).toEqual(['a']);
      expect(arena.find('shard')).toBe(held);
      // Deleted by this object, then lost with it: the arena saw what the store takes back.
      const lost = openParts(storage, arena, 'shard');
      expect(() =>
        storage.transactionSync(() => {
          const before = lost.store.stamp;
          lost.codes.noteWritten(
            { rows: [], removed: lost.store.delete(['a'], { stamp: 5, isCounted: true }) },
            before,
          );
          throw new Error('crash');
        }),
      ).toThrow('crash');
      expect(arena.find('shard')!.stamp).toBe(5);
      expect(find(storage)).toEqual(['a']);
    });
  });
});
