/**
 * A whole Freehold whose bridge asks a scriptable node: what the official clients see at one end, and what the node was
 * asked and produced at the other. `settle` waits until the ledger has every receipt.
 */
import { request } from 'undici';
import type { BridgeDeps } from '../../gpu-bridge/bridge.ts';
import type { NodeConfig } from '../../gpu-bridge/config.ts';
import type { Transport } from '../../shared/contracts/bridges.ts';
import { silentLogger } from '../../shared/core/log.ts';
import { FakeNode, type FakeScript } from './fake-node.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from './running-platform.ts';
import { waitUntil } from './wait-until.ts';

/** Both ways that a job reaches a bridge, for suites that hold for either. */
export const transports: readonly Transport[] = ['http', 'tunnel'];

export const PlainModel = 'org/tiny';
export const EmbeddingModel = 'tiny-embed';
export const AgentSlug = 'helper';
export const AgentModel = `agent/${AgentSlug}`;

export type PlatformWithNode = {
  readonly platform: TestPlatform;
  readonly node: FakeNode;
  readonly tenant: CreatedTenant;
  /** Until no job runs and no receipt is under way. */
  settle(): Promise<void>;
  /** Output tokens and requests in the tenant's ledger. */
  ledger(): Promise<Ledger>;
  stop(): Promise<void>;
};

export type Ledger = { readonly requests: number; readonly outputTokens: number; readonly inputTokens: number };

export async function startPlatformWithNode(
  options: {
    readonly script?: FakeScript;
    readonly timings?: BridgeDeps['timings'];
    readonly alwaysStream?: boolean;
    readonly transport?: Transport;
    readonly operations?: NonNullable<NodeConfig['operations']>;
    /** Models of the node that take images. */
    readonly images?: NonNullable<NodeConfig['images']>;
    /** The address of a collector of traces, and the credential that it wants. */
    readonly otlp?: { readonly url: string; readonly headers: string };
    readonly vars?: Readonly<Record<string, string>>;
  } = {},
): Promise<PlatformWithNode> {
  const node = await FakeNode.start({ models: [PlainModel, EmbeddingModel], ...options.script });
  const { otlp } = options;
  const platform = await startTestPlatform({
    vars: { ...(otlp ? { OTLP_ENDPOINT: otlp.url, OTLP_HEADERS: otlp.headers } : {}), ...options.vars },
    bridge: {
      ...(otlp ? { otlp_endpoint: otlp.url, otlp_headers: otlp.headers } : {}),
      transport: options.transport ?? 'http',
      nodes: [
        {
          ...fakeNodeConfig(node),
          always_stream: options.alwaysStream ?? false,
          ...(options.operations === undefined ? {} : { operations: options.operations }),
          ...(options.images === undefined ? {} : { images: options.images }),
        },
      ],
    },
    bridgeDeps: { log: silentLogger, timings: options.timings ?? {} },
  });
  const tenant = await platform.createTenant('acme');
  await platform.client(tenant).require('POST', '/v1/agents', {
    slug: AgentSlug,
    name: 'Helper',
    definition: { model: PlainModel, instructions: 'You help.' },
  });
  return {
    platform,
    node,
    tenant,
    settle: () => settle(platform),
    ledger: () => readLedger(platform, tenant),
    async stop() {
      await node.close();
      await platform.stop();
    },
  };
}

export function fakeNodeConfig({ url }: FakeNode) {
  return {
    kind: 'openai-compatible',
    name: 'fake',
    url,
    external: false,
    limit_field: 'max_tokens',
    always_stream: false,
    threads: 1,
    max_context: 8192,
  } as const;
}

export async function settle(platform: TestPlatform): Promise<void> {
  await waitUntil('all jobs over and all receipts settled', async () => {
    const answer = await request(`${platform.bridge.url}/healthz`);
    const health = (await answer.body.json()) as { running: number; receipts_waiting: number };
    return health.running === 0 && health.receipts_waiting === 0;
  });
}

export async function readLedger(platform: TestPlatform, tenant: CreatedTenant): Promise<Ledger> {
  type Row = { key_id: string | null; requests: number; output_tokens: number; input_tokens: number };
  const { data } = await platform.client(tenant).require<{ data: Row[] }>('GET', '/v1/usage?group_by=key');
  const sum = (read: (row: Row) => number) => data.reduce((total, row) => total + read(row), 0);
  return {
    requests: sum((row) => row.requests),
    outputTokens: sum((row) => row.output_tokens),
    inputTokens: sum((row) => row.input_tokens),
  };
}
