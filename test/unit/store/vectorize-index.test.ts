/** VectorizeIndex over a double of the binding: the contract, and what only the asynchronous binding does. */
import { describe, expect, test } from 'vitest';
import type { VectorMetric } from '../../../shared/store/vector-index.ts';
import { HashEmbeddingModel } from '../../../shared/core/hash-embedding.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { VectorizeIndex } from '../../../shared/store/vectorize-index.ts';
import { ContractDimensions, ContractMetadataIndexes, testVectorIndex } from '../../contract/vector-index.ts';
import { VectorizeDouble } from '../../support/vectorize-double.ts';

const make = (metric: VectorMetric = 'cosine') =>
  new VectorizeDouble({ dimensions: ContractDimensions, metadataIndexes: ContractMetadataIndexes, metric });

describe('VectorizeIndex', () => {
  const doubles = { cosine: make(), euclidean: make('euclidean'), dot: make('dot') };
  testVectorIndex({
    open: (tenant, options) =>
      new VectorizeIndex(doubles[options?.metric ?? 'cosine'], tenant, ContractDimensions, options),
    settle: () => Object.values(doubles).forEach((double) => double.processAll()),
    filtersLists: false,
  });

  test('a write is seen when its mutation has been processed, and not before', async () => {
    const binding = make();
    const index = new VectorizeIndex(binding, mintId('tenant', 0), ContractDimensions);
    const first = await index.upsert([{ id: 'a', values: [1, 0, 0, 0] }]);
    const second = await index.deleteByIds(['a']);
    expect((await index.query([1, 0, 0, 0])).count).toBe(0);
    binding.processNext();
    expect((await index.describe()).processedUpToMutation).toBe(first.mutationId);
    expect((await index.query([1, 0, 0, 0])).count).toBe(1);
    binding.processNext();
    expect((await index.describe()).processedUpToMutation).toBe(second.mutationId);
    expect((await index.query([1, 0, 0, 0])).count).toBe(0);
  });

  test('the longest id and namespace fit into the 64 bytes of the binding', async () => {
    const binding = make();
    const index = new VectorizeIndex(binding, mintId('tenant', 0), ContractDimensions);
    const longest = 'x'.repeat(33);
    const inSpace = new VectorizeIndex(binding, mintId('tenant', 0), ContractDimensions, { space: 'org/embed' });
    await inSpace.upsert([{ id: longest, values: [1, 0, 0, 0], namespace: longest }]);
    await index.upsert([{ id: longest, values: [1, 0, 0, 0], namespace: longest }]);
    binding.processAll();
    const { matches } = await index.query([1, 0, 0, 0], { namespace: longest });
    expect(matches).toMatchObject([{ id: longest, namespace: longest }]);
  });

  test('the same memory of a tenant in two spaces are two vectors, and neither space sees the other', async () => {
    const binding = make();
    const tenant = mintId('tenant', 0);
    const open = (space?: string) =>
      new VectorizeIndex(binding, tenant, ContractDimensions, space === undefined ? {} : { space });
    const [embedded, model, other] = [open(), open('org/embed'), open('org/other')];
    await embedded.upsert([{ id: 'a', values: [1, 0, 0, 0], namespace: 'n' }]);
    await model.upsert([{ id: 'a', values: [0, 1, 0, 0], namespace: 'n' }]);
    binding.processAll();
    const ask = async (index: VectorizeIndex) =>
      (await index.query([1, 1, 0, 0], { namespace: 'n', returnValues: true })).matches.map(({ values }) => values);
    expect([await ask(embedded), await ask(model), await ask(other)]).toEqual([[[1, 0, 0, 0]], [[0, 1, 0, 0]], []]);
    expect((await other.getByIds(['a'])).length).toBe(0);
    await model.deleteByIds(['a']);
    binding.processAll();
    expect([(await ask(embedded)).length, (await ask(model)).length]).toEqual([1, 0]);
  });

  test('vectors of an earlier release, which knew of no spaces, are those of the embedded default', async () => {
    const binding = make();
    const tenant = mintId('tenant', 0);
    await binding.upsert([{ id: `${tenant}/a`, values: [1, 0, 0, 0], namespace: `${tenant}/n` }]);
    binding.processAll();
    const index = new VectorizeIndex(binding, tenant, ContractDimensions, { space: HashEmbeddingModel });
    expect((await index.query([1, 0, 0, 0], { namespace: 'n' })).matches).toMatchObject([{ id: 'a' }]);
  });

  test('a failure of the binding is service_unavailable', async () => {
    const binding = make();
    binding.query = () => Promise.reject(new Error('down'));
    const index = new VectorizeIndex(binding, mintId('tenant', 0), ContractDimensions);
    await expect(index.query([1, 0, 0, 0])).rejects.toMatchObject({ failure: { code: 'service_unavailable' } });
  });
});
