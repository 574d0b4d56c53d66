/** VectorizeIndex over a double of the binding: the contract, and what only the asynchronous binding does. */
import { describe, expect, test } from 'vitest';
import type { VectorMetric } from '../../../shared/store/vector-index.ts';
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
    await index.upsert([{ id: longest, values: [1, 0, 0, 0], namespace: longest }]);
    binding.processAll();
    const { matches } = await index.query([1, 0, 0, 0], { namespace: longest });
    expect(matches).toMatchObject([{ id: longest, namespace: longest }]);
  });

  test('a failure of the binding is service_unavailable', async () => {
    const binding = make();
    binding.query = () => Promise.reject(new Error('down'));
    const index = new VectorizeIndex(binding, mintId('tenant', 0), ContractDimensions);
    await expect(index.query([1, 0, 0, 0])).rejects.toMatchObject({ failure: { code: 'service_unavailable' } });
  });
});
