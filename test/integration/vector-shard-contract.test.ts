/** The embedded index, over real vector shards in workerd, keeps the contract of a VectorIndex. */
import { describe } from 'vitest';
import { testVectorIndex } from '../contract/vector-index.ts';
import { openEmbeddedIndex } from './vectors-env.ts';

describe('EmbeddedVectorIndex', () => {
  testVectorIndex({ open: openEmbeddedIndex, settle: () => {} });
});
