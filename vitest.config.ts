/**
 * Projects by where the code under test runs: `unit` in Node, `workerd` inside the Workers runtime, `e2e` against real
 * processes. `contract` holds the table-driven suites over the whole API; it drives a running platform as well.
 */
import { defineConfig } from 'vitest/config';
import type { Reporter } from 'vitest/node';

/** Real processes on a machine that others use too: tried twice, and the report says which (docs/decisions/0032). */
const slow = { testTimeout: 300_000, hookTimeout: 300_000, fileParallelism: false, retry: 1 };

const setupFiles = ['test/support/fix-seed.ts', 'test/support/short-keep-alive.ts'];

const secondTries: Reporter = {
  onTestCaseResult(test) {
    if (test.diagnostic()?.flaky) console.warn(`Passed at its second try: ${test.fullName} (${test.module.moduleId})`);
  },
};

export default defineConfig({
  test: {
    reporters: ['default', secondTries],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          environment: 'node',
          testTimeout: 60_000,
          setupFiles,
        },
      },
      'test/integration/vitest.config.ts',
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], environment: 'node', setupFiles, ...slow } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], environment: 'node', setupFiles, ...slow } },
    ],
  },
});
