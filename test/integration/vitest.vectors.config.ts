/** Vectors, memories and recall: their rules in Node, their objects and D1 in workerd. */
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';

const root = new URL('../..', import.meta.url).pathname;

export default defineConfig(async () => {
  const migrations = await readD1Migrations(`${root}migrations`);
  return {
    root,
    test: {
      projects: [
        {
          root,
          test: {
            name: 'vectors-unit',
            include: ['test/unit/store/**/*.test.ts', 'test/unit/vector-shard/**/*.test.ts'],
          },
        },
        {
          root,
          plugins: [
            cloudflareTest({
              main: './test/integration/vectors-worker.ts',
              miniflare: {
                compatibilityDate: '2026-09-01',
                compatibilityFlags: ['nodejs_compat'],
                cf: false,
                d1Databases: ['DB'],
                durableObjects: { VECTOR_SHARD: { className: 'VectorShardObject', useSQLite: true } },
                bindings: { MIGRATIONS: migrations },
              },
            }),
          ],
          test: { name: 'vectors-workerd', include: ['test/integration/{vector-shard,memory}*.test.ts'] },
        },
      ],
    },
  };
});
