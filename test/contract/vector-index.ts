/**
 * What every VectorIndex guarantees, as a suite that an implementation's test file runs. The oracle is a Map and a loop.
 * A property test prints the seed and path of a counterexample; `fc.assert(..., { seed, path })` repeats it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FailureError } from '../../shared/core/failure.ts';
import { mintId, type TenantId } from '../../shared/core/ids.ts';
import type {
  VectorFilter,
  VectorIndex,
  VectorIndexOptions,
  VectorMetadata,
  VectorRecord,
} from '../../shared/store/vector-index.ts';

export const ContractDimensions = 4;
/** The members that the suite filters by; Vectorize needs a metadata index for each. */
export const ContractMetadataIndexes = ['kind', 'n', 'flag', '__proto__', 'constructor', 'toString'];

export type IndexFactory = {
  /** The index of this tenant, of `ContractDimensions`. */
  open(tenant: TenantId, options?: VectorIndexOptions): VectorIndex;
  /** Whether a filter may ask for a member of a list, such as tags. */
  readonly filtersLists: boolean;
  /** Returns when every mutation so far is visible. */
  settle(): Promise<void> | void;
};

export function testVectorIndex(factory: IndexFactory): void {
  const fresh = () => factory.open(mintId('tenant', 0));
  const ids = async (index: VectorIndex, options?: Parameters<VectorIndex['query']>[1]) =>
    (await index.query([1, 0, 0, 0], { topK: 20, ...options })).matches.map(({ id }) => id).toSorted();

  describe('writes', () => {
    test('a query finds the nearest first, scored by cosine', async () => {
      const index = fresh();
      await index.upsert([
        { id: 'far', values: [0, 2, 0, 0] },
        { id: 'near', values: [3, 0, 0, 0] },
        { id: 'between', values: [1, 1, 0, 0] },
      ]);
      await factory.settle();
      const { count, matches } = await index.query([5, 0, 0, 0], { topK: 2 });
      expect(count).toBe(2);
      expect(matches.map(({ id }) => id)).toEqual(['near', 'between']);
      expect(matches[0]!.score).toBeCloseTo(1, 5);
      expect(matches[1]!.score).toBeCloseTo(Math.SQRT1_2, 5);
    });

    test('a query of zeros is near to nothing, and a vector of zeros is near to no query', async () => {
      const index = fresh();
      await index.upsert([
        { id: 'some', values: [1, 0, 0, 0] },
        { id: 'zeros', values: [0, 0, 0, 0] },
      ]);
      await factory.settle();
      expect(await index.query([0, 0, 0, 0])).toEqual({ count: 0, matches: [] });
      const { matches } = await index.query([1, 0, 0, 0]);
      expect(matches.map(({ id, score }) => [id, score])).toEqual([
        ['some', 1],
        ['zeros', 0],
      ]);
    });

    test('insert keeps what exists, upsert replaces it in full', async () => {
      const index = fresh();
      const old = { id: 'a', values: [1, 0, 0, 0], namespace: 'x', metadata: { kind: 'old' } };
      await index.insert([old]);
      await index.insert([{ id: 'a', values: [0, 1, 0, 0] }]);
      await factory.settle();
      expect(await index.getByIds(['a'])).toEqual([old]);
      await index.upsert([{ id: 'a', values: [0, 0, 1, 0] }]);
      await factory.settle();
      expect(await index.getByIds(['a'])).toEqual([{ id: 'a', values: [0, 0, 1, 0] }]);
      expect(await ids(index, { namespace: 'x' })).toEqual([]);
    });

    test('a deleted vector is neither found nor read, and may be written again', async () => {
      const index = fresh();
      await index.upsert(['a', 'b', 'c'].map((id) => ({ id, values: [1, 0, 0, 0] })));
      await index.deleteByIds(['a', 'never']);
      await factory.settle();
      expect(await ids(index)).toEqual(['b', 'c']);
      expect(await index.getByIds(['a'])).toEqual([]);
      await index.insert([{ id: 'a', values: [1, 0, 0, 0] }]);
      await factory.settle();
      expect(await ids(index)).toEqual(['a', 'b', 'c']);
    });

    test('hundreds of ids are deleted and read in one call', async () => {
      const index = fresh();
      const many = Array.from({ length: 250 }, (_, at) => ({ id: `v${at}`, values: [1, at, 0, 0] }));
      await index.upsert(many);
      await factory.settle();
      expect(await index.getByIds(many.map(({ id }) => id))).toHaveLength(250);
      await index.deleteByIds(many.map(({ id }) => id));
      await factory.settle();
      expect(await ids(index)).toEqual([]);
    });

    test('describe names the dimensions and the last mutation that can be seen', async () => {
      const index = fresh();
      const { mutationId } = await index.upsert([{ id: 'a', values: [1, 0, 0, 0] }]);
      await factory.settle();
      const info = await index.describe();
      expect(info.dimensions).toBe(ContractDimensions);
      expect(info.processedUpToMutation).toBe(mutationId);
    });

    test('values and metadata come back only where they are asked for', async () => {
      const index = fresh();
      await index.upsert([
        { id: 'a', values: [0.5, 3, -1, 0], namespace: 'x', metadata: { kind: 'fact', n: 1.5, flag: true } },
      ]);
      await factory.settle();
      const bare = await index.query([1, 0, 0, 0], { namespace: 'x' });
      expect(bare.matches).toEqual([{ id: 'a', score: expect.any(Number), namespace: 'x' }]);
      const full = await index.query([1, 0, 0, 0], { namespace: 'x', returnValues: true, returnMetadata: 'all' });
      expect(full.matches[0]).toMatchObject({
        values: [0.5, 3, -1, 0],
        metadata: { kind: 'fact', n: 1.5, flag: true },
      });
    });
  });

  describe('separation', () => {
    test('a query sees the namespace that it names, and without one the vectors that have none', async () => {
      const index = fresh();
      await index.upsert([
        { id: 'x', values: [1, 0, 0, 0], namespace: 'x' },
        { id: 'y', values: [1, 0, 0, 0], namespace: 'y' },
        { id: 'none', values: [1, 0, 0, 0] },
      ]);
      await factory.settle();
      expect(await ids(index, { namespace: 'x' })).toEqual(['x']);
      expect(await ids(index, { namespace: 'y' })).toEqual(['y']);
      expect(await ids(index, { namespace: 'z' })).toEqual([]);
      expect(await ids(index)).toEqual(['none']);
    });

    test('tenants with the same ids, namespaces and values do not see, replace or delete one another', async () => {
      const [a, b] = [fresh(), fresh()];
      const vector = { id: 'same', values: [1, 0, 0, 0], namespace: 'x' };
      await a.upsert([{ ...vector, metadata: { kind: 'of-a' } }]);
      await b.upsert([
        { ...vector, metadata: { kind: 'of-b' } },
        { ...vector, id: 'only-b' },
      ]);
      await factory.settle();
      expect(await ids(a, { namespace: 'x' })).toEqual(['same']);
      expect(await a.getByIds(['same', 'only-b'])).toEqual([{ ...vector, metadata: { kind: 'of-a' } }]);
      await a.deleteByIds(['same', 'only-b']);
      await factory.settle();
      expect(await ids(b, { namespace: 'x' })).toEqual(['only-b', 'same']);
    });
  });

  describe('filters', () => {
    const records: readonly (readonly [string, VectorMetadata | undefined])[] = [
      ['fact1', { kind: 'fact', n: 1, flag: true }],
      ['fact2', { kind: 'fact', n: 2, flag: false }],
      ['event3', { kind: 'event', n: 3 }],
      ['bare', undefined],
      ['text', { kind: 'text', n: '2' }],
    ];
    const cases: readonly (readonly [VectorFilter, readonly string[]])[] = [
      [{ kind: 'fact' }, ['fact1', 'fact2']],
      [{ kind: { $eq: 'event' } }, ['event3']],
      [{ kind: { $ne: 'fact' } }, ['event3', 'text']],
      [{ kind: { $in: ['fact', 'event'] } }, ['event3', 'fact1', 'fact2']],
      [{ kind: { $nin: ['fact', 'event'] } }, ['text']],
      [{ n: 2 }, ['fact2']],
      [{ n: { $lt: 2 } }, ['fact1']],
      [{ n: { $lte: 2 } }, ['fact1', 'fact2']],
      [{ n: { $gt: 2 } }, ['event3']],
      [{ n: { $gte: 2, $lt: 3 } }, ['fact2']],
      [{ flag: false }, ['fact2']],
      [{ kind: 'fact', n: { $gt: 1 } }, ['fact2']],
      [{ kind: 'FACT' }, []],
      [JSON.parse('{"__proto__":{"$ne":"x"}}') as VectorFilter, []],
      [{ constructor: { $ne: 'x' } }, []],
      [{ toString: { $nin: ['x'] } } as unknown as VectorFilter, []],
    ];
    test.each(cases.map(([filter, expected]) => ({ filter, expected })))(
      'the filter $filter passes $expected',
      async ({ filter, expected }) => {
        const index = fresh();
        const values = [1, 0, 0, 0];
        await index.upsert(records.map(([id, metadata]) => (metadata ? { id, values, metadata } : { id, values })));
        await factory.settle();
        expect(await ids(index, { filter })).toEqual(expected);
      },
    );
  });

  describe('metrics', () => {
    const vectors = [
      { id: 'long', values: [9, 9, 0, 0] },
      { id: 'near', values: [2, 1, 0, 0] },
      { id: 'same-way', values: [5, 0, 0, 0] },
      { id: 'away', values: [-2, 0, 0, 0] },
      { id: 'zeros', values: [0, 0, 0, 0] },
    ];
    const cases = [
      { metric: 'cosine', expected: ['same-way', 'near', 'long', 'zeros', 'away'], best: 1 },
      { metric: 'dot', expected: ['long', 'same-way', 'near', 'zeros', 'away'], best: 18 },
      { metric: 'euclidean', expected: ['near', 'zeros', 'same-way', 'away', 'long'], best: 1 },
    ] as const;
    test.each(cases)('by $metric the order is $expected', async ({ metric, expected, best }) => {
      const index = factory.open(mintId('tenant', 0), { metric });
      await index.upsert(vectors);
      await factory.settle();
      const { matches } = await index.query([2, 0, 0, 0], { topK: 20 });
      expect(matches.map(({ id }) => id)).toEqual(expected);
      expect(matches[0]!.score).toBeCloseTo(best, 4);
    });
  });

  describe('what may be filtered by', () => {
    test('a member that was not declared is refused by its name, before anything is searched', async () => {
      const index = factory.open(mintId('tenant', 0), { filterable: ['kind', 'n'] });
      await index.upsert([{ id: 'a', values: [1, 0, 0, 0], metadata: { kind: 'fact' } }]);
      await factory.settle();
      expect(await ids(index, { filter: { kind: 'fact' } })).toEqual(['a']);
      await expect(index.query([1, 0, 0, 0], { filter: { knd: 'fact' } })).rejects.toMatchObject({
        failure: { code: 'invalid_request', param: 'filter.knd', message: expect.stringContaining('kind, n') },
      });
    });

    test('a list holds what it contains, or is refused where lists cannot be asked for', async () => {
      const index = fresh();
      await index.upsert([
        { id: 'both', values: [1, 0, 0, 0], metadata: { tags: ['red', 'blue'] } },
        { id: 'red', values: [1, 0, 0, 0], metadata: { tags: ['red'] } },
        { id: 'empty', values: [1, 0, 0, 0], metadata: { tags: [] } },
        { id: 'none', values: [1, 0, 0, 0] },
      ]);
      await factory.settle();
      const answer = ids(index, { filter: { tags: { $ne: 'blue' } } });
      if (factory.filtersLists) {
        expect(await answer).toEqual(['red']);
        expect(await ids(index, { filter: { tags: 'red' } })).toEqual(['both', 'red']);
        expect(await ids(index, { filter: { tags: { $in: ['blue', 'green'] } } })).toEqual(['both']);
      } else {
        await expect(answer).rejects.toMatchObject({ failure: { code: 'invalid_request', param: 'filter.tags' } });
      }
    });
  });

  describe('refusals', () => {
    const values = [1, 0, 0, 0];
    const long = 'é'.repeat(17);
    const write = (vector: Partial<VectorRecord>) => (index: VectorIndex) =>
      index.upsert([{ id: 'a', values, ...vector }]);
    const query = (options: object) => (index: VectorIndex) => index.query(values, options);
    const cases: Record<string, readonly [(index: VectorIndex) => Promise<unknown>, string]> = {
      NaN: [write({ values: [1, Number.NaN, 0, 0] }), 'vectors.0.values'],
      Infinity: [write({ values: [1, Infinity, 0, 0] }), 'vectors.0.values'],
      'a number beyond 32 bits': [write({ values: [1e39, 0, 0, 0] }), 'vectors.0.values'],
      'no dimensions': [write({ values: [] }), 'vectors.0.values'],
      'too many dimensions': [write({ values: Array.from({ length: 1537 }, () => 1) }), 'vectors.0.values'],
      'other dimensions in a write': [write({ values: [1, 0, 0] }), 'vectors.0.values'],
      'other dimensions in a query': [(index) => index.query([1, 0, 0]), 'vector'],
      'NaN in a query': [(index) => index.query([1, 0, 0, Number.NaN]), 'vector'],
      'an empty id': [write({ id: '' }), 'vectors.0.id'],
      'a long id': [write({ id: long }), 'vectors.0.id'],
      'half a character in an id': [write({ id: '\ud800' }), 'vectors.0.id'],
      'a long namespace': [write({ namespace: long }), 'vectors.0.namespace'],
      'an empty namespace': [write({ namespace: '' }), 'vectors.0.namespace'],
      'large metadata': [write({ metadata: { kind: 'x'.repeat(10_240) } }), 'vectors.0.metadata'],
      'nested metadata': [write({ metadata: { kind: {} } as unknown as VectorMetadata }), 'vectors.0.metadata'],
      'a metadata key with a dot': [write({ metadata: { 'a.b': 1 } }), 'vectors.0.metadata'],
      'a time that is no number': [write({ metadata: { time: 'noon' } }), 'vectors.0.metadata'],
      'no vectors': [(index) => index.upsert([]), 'vectors'],
      '1001 vectors': [(index) => index.upsert(Array.from({ length: 1001 }, () => ({ id: 'a', values }))), 'vectors'],
      'no ids': [(index) => index.deleteByIds([]), 'ids'],
      'topK 0': [query({ topK: 0 }), 'topK'],
      'topK 101': [query({ topK: 101 }), 'topK'],
      'topK 1e9': [query({ topK: 1e9 }), 'topK'],
      'topK 1.5': [query({ topK: 1.5 }), 'topK'],
      'topK 21 with values': [query({ topK: 21, returnValues: true }), 'topK'],
      'topK 21 with metadata': [query({ topK: 21, returnMetadata: 'all' }), 'topK'],
      'an empty filter': [query({ filter: {} }), 'filter'],
      'a filter that is a list': [query({ filter: [] }), 'filter'],
      'a filter that sets its own prototype': [query({ filter: { __proto__: { kind: 'fact' } } }), 'filter'],
      'a large filter': [query({ filter: { kind: { $in: Array.from({ length: 400 }, () => 'abcdef') } } }), 'filter'],
      $or: [query({ filter: { $or: [{ kind: 'fact' }, { kind: 'event' }] } }), 'filter'],
      'an unknown operator': [query({ filter: { kind: { $regex: '.*' } } }), 'filter.kind'],
      'mixed operators': [query({ filter: { n: { $eq: 1, $lt: 2 } } }), 'filter.n'],
      null: [query({ filter: { kind: null } }), 'filter.kind'],
      'a bound that is no number': [query({ filter: { n: { $lt: 'x' } } }), 'filter.n'],
    };
    test.each(Object.entries(cases).map(([what, [act, param]]) => ({ what, act, param })))(
      '$what is refused as $param',
      async ({ act, param }) => {
        const index = fresh();
        await index.upsert([{ id: 'first', values }]);
        await factory.settle();
        const error: unknown = await act(index).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(error).toBeInstanceOf(FailureError);
        expect((error as FailureError).failure).toMatchObject({ code: 'invalid_request', param });
        await factory.settle();
        expect(await ids(index)).toEqual(['first']);
      },
    );
  });

  test(
    'after any sequence of writes every query answers as a brute-force search does',
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(mutation, { minLength: 1, maxLength: 12 }),
          fc.array(question, { minLength: 1, maxLength: 6 }),
          async (mutations, questions) => {
            const index = fresh();
            const oracle = new Map<string, VectorRecord>();
            for (const step of mutations) {
              if (step.type === 'delete') {
                await index.deleteByIds(step.ids);
                for (const id of step.ids) oracle.delete(id);
              } else {
                await index[step.type](step.vectors);
                for (const vector of step.vectors) {
                  if (step.type === 'upsert' || !oracle.has(vector.id)) oracle.set(vector.id, vector);
                }
              }
            }
            await factory.settle();
            for (const { vector, ...options } of questions) {
              const answer = await index.query(vector, options);
              const expected = searchByForce([...oracle.values()], vector, options);
              const scoreOf = new Map(expected.map(({ id, score }) => [id, score]));
              expect(answer.count).toBe(Math.min(options.topK, expected.length));
              expect(new Set(answer.matches.map(({ id }) => id)).size).toBe(answer.count);
              for (const [rank, match] of answer.matches.entries()) {
                expect(scoreOf.has(match.id)).toBe(true);
                expect(match.score).toBeCloseTo(scoreOf.get(match.id)!, 5);
                expect(match.score).toBeCloseTo(expected[rank]!.score, 5);
              }
            }
          },
        ),
        { numRuns: 150 },
      );
    },
  );
}

const someId = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const someNamespace = fc.constantFrom('x', 'y');
const someVector = fc
  .array(fc.integer({ min: -3, max: 3 }), { minLength: ContractDimensions, maxLength: ContractDimensions })
  .filter((values) => values.some((value) => value !== 0));
const someMetadata = fc.record(
  { kind: fc.constantFrom('fact', 'event'), n: fc.integer({ min: 0, max: 3 }) },
  { requiredKeys: [] },
);
const someRecord: fc.Arbitrary<VectorRecord> = fc.record(
  { id: someId, values: someVector, namespace: someNamespace, metadata: someMetadata },
  { requiredKeys: ['id', 'values'] },
);
const mutation = fc.oneof(
  fc.record({
    type: fc.constantFrom('insert' as const, 'upsert' as const),
    vectors: fc.array(someRecord, { minLength: 1, maxLength: 6 }),
  }),
  fc.record({ type: fc.constant('delete' as const), ids: fc.array(someId, { minLength: 1, maxLength: 3 }) }),
);
const someFilter: fc.Arbitrary<VectorFilter> = fc.oneof(
  fc.record({ kind: fc.constantFrom('fact', 'event') }),
  fc.record({ kind: fc.record({ $ne: fc.constantFrom('fact', 'event') }) }),
  fc.record({ n: fc.record({ $in: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }) }) }),
  fc.record({ n: fc.record({ $gte: fc.integer({ min: 0, max: 3 }) }), kind: fc.constant('fact') }),
);
const question = fc.record(
  { vector: someVector, topK: fc.integer({ min: 1, max: 10 }), namespace: someNamespace, filter: someFilter },
  { requiredKeys: ['vector', 'topK'] },
);

function searchByForce(
  records: readonly VectorRecord[],
  vector: readonly number[],
  options: { readonly namespace?: string; readonly filter?: VectorFilter },
): { id: string; score: number }[] {
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).reduce((sum, value, at) => sum + value * b[at]!, 0);
  return records
    .filter((record) => record.namespace === options.namespace && passes(record.metadata ?? {}, options.filter ?? {}))
    .map(({ id, values }) => ({
      id,
      score: dot(values, vector) / Math.sqrt(dot(values, values) * dot(vector, vector)),
    }))
    .sort((a, b) => b.score - a.score);
}

/** The filters that `someFilter` makes, and no others. */
function passes(metadata: VectorMetadata, filter: VectorFilter): boolean {
  return Object.entries(filter).every(([key, condition]) => {
    const value = metadata[key];
    if (value === undefined) return false;
    if (typeof condition !== 'object') return value === condition;
    if (condition.$ne !== undefined) return value !== condition.$ne;
    if (condition.$in !== undefined) return condition.$in.some((wanted) => wanted === value);
    return typeof value === 'number' && value >= condition.$gte!;
  });
}
