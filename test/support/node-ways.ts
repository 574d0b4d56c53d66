/** A tenant's ways to its nodes, with bridges that a test plays. */
import { mintId } from '../../shared/core/ids.ts';
import { ok } from '../../shared/core/result.ts';
import { Catalog, type CatalogSource } from '../../shared/inference/catalog.ts';
import type { NodeCaller, NodeWays } from '../../shared/inference/run-on-node.ts';

const agentId = mintId('agent', 0);
export const caller: NodeCaller = {
  principal: {
    kind: 'key',
    id: mintId('key', 0),
    permissions: [],
    scope: { project: null, environment: null, agent: null },
  },
  agentId,
  requestId: 'req_1',
  traceparent: '00-00000000000000000000000000000001-0000000000000001-01',
  lane: 'batch',
  timeoutMs: 60_000,
};
const price = { input_micros_per_mtok: 1, cached_input_micros_per_mtok: 1, output_micros_per_mtok: 1 };

export const bridge = {
  id: mintId('bridge', 0),
  transport: 'http' as const,
  url: '',
  models: [
    {
      id: 'org/embed',
      operations: ['embeddings' as const],
      context_window: null,
      dimensions: null,
      semantic: true,
      external: false,
      owned_by: 'org',
    },
  ],
};

/** A tenant's way to one bridge with one model, which answers with this body; `connected`: the bridges, asked anew. */
export function waysTo(body: string, partial: Partial<NodeWays> = {}, connected = () => [bridge]) {
  const jobs: string[] = [];
  const tenantId = mintId('tenant', 0);
  const catalog = new Catalog({ now: () => 0 });
  const source: CatalogSource = {
    loadPool: async () => ok({ defaultModel: null, bridges: connected() }),
    loadPrices: async () => ok([{ id: 'prc_1', model: '*', price }]),
    loadRegistry: async () => ok([]),
    loadPlan: async () => ok('standard'),
  };
  const ways: NodeWays = {
    tenantId,
    clock: { now: () => 0 },
    catalog: () => catalog.view(source, tenantId),
    route: (wanted) => catalog.route(source, tenantId, wanted),
    routeAnew: (wanted) => catalog.routeAnew(source, tenantId, wanted),
    admit: async () => ok(null),
    noteLost: () => {},
    platformKey: async () => ({ signJob: () => 'token' }) as never,
    ticketSeal: () => ({ seal: () => 'sealed' }) as never,
    bridgeFetch: () => async (_, init) => {
      jobs.push(String(init.body));
      return new Response(body);
    },
    ...partial,
  };
  return { ways, jobs };
}

/** What a node answers to texts, with these vectors. */
export const embeddings = (...vectors: readonly string[]) =>
  `{"object":"list","model":"m","usage":{"prompt_tokens":1,"total_tokens":1},"data":[${vectors
    .map((vector, index) => `{"object":"embedding","index":${index},"embedding":${vector}}`)
    .join(',')}]}`;
