/**
 * Projects by where the code under test runs: `unit` in Node, `workerd` inside the Workers runtime, `e2e` against real
 * processes. `contract` holds the table-driven suites over the whole API; it drives a running platform as well.
 */
import { defineConfig } from 'vitest/config';

const slow = { testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], environment: 'node', testTimeout: 60_000 } },
      'test/integration/vitest.config.ts',
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], environment: 'node', ...slow } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], environment: 'node', ...slow } },
    ],
  },
});
