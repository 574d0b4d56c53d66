/** The embedded index, over real vector shards in workerd, keeps the contract of a VectorIndex. */
import { describe } from 'vitest';
import { testVectorIndex } from '../contract/vector-index.ts';
import { openEmbeddedIndex } from './vectors-env.ts';

describe('EmbeddedVectorIndex', () => {
  testVectorIndex({ open: openEmbeddedIndex, settle: () => {}, filtersLists: true });
});

describe('EmbeddedVectorIndex that grows by a shard with every few vectors', () => {
  testVectorIndex({
    open: (tenant, options) => openEmbeddedIndex(tenant, { ...options, capacity: 3 }),
    settle: () => {},
    filtersLists: true,
  });
});
