/** Objects, D1 and the edge inside workerd, with the bindings of wrangler.toml. */
import { generateKeyPairSync } from 'node:crypto';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';
import { buildKernel } from '../../scripts/build-kernel.ts';

const root = new URL('../..', import.meta.url).pathname;

await buildKernel();

const objects = {
  TENANT: 'TenantObject',
  AGENT: 'AgentObject',
  CONVERSATION: 'ConversationObject',
  VECTOR_SHARD: 'VectorShardObject',
  NODE_POOL: 'NodePoolObject',
  BRIDGE_TUNNEL: 'BridgeTunnelObject',
  WEBHOOK_ENDPOINT: 'WebhookEndpointObject',
  OPERATOR: 'OperatorObject',
};

export default defineConfig(async () => ({
  root,
  plugins: [
    cloudflareTest({
      main: './test/integration/platform-worker.ts',
      miniflare: {
        compatibilityDate: '2026-09-01',
        compatibilityFlags: ['nodejs_compat', 'enable_request_signal'],
        cf: false,
        serviceBindings: { ASSETS: () => new Response(null, { status: 404 }) },
        modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
        d1Databases: ['DB'],
        durableObjects: Object.fromEntries(
          Object.entries(objects).map(([name, className]) => [name, { className, useSQLite: true }]),
        ),
        bindings: {
          MIGRATIONS: await readD1Migrations(`${root}migrations`),
          PLATFORM_DOMAIN: 'localhost',
          AGENT_BUCKETS: '0',
          VECTOR_BACKEND: 'embedded',
          FAULT_STRIDE: process.env['FAULT_STRIDE'] ?? '3',
          MEMORY_CYCLES: process.env['MEMORY_CYCLES'] ?? '25',
          FREEHOLD_SEED: process.env['FREEHOLD_SEED'] ?? '1',
          MAX_BODY_BYTES: '10485760',
          OPERATOR_TOKEN_SHA256: '0'.repeat(64),
          PLATFORM_SIGNING_KEY: JSON.stringify({
            ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
            kid: 'test',
          }),
        },
      },
    }),
  ],
  test: {
    name: 'workerd',
    root,
    include: ['test/integration/**/*.test.ts'],
    setupFiles: ['test/support/fix-seed.ts'],
    testTimeout: 60_000,
    retry: 1,
  },
}));
