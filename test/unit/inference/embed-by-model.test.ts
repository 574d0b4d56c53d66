/** Vectors by a node's model: only whole answers, of the space that is wanted. */
import { describe, expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { NotBegunHeader } from '../../../shared/contracts/inference.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { embedByModel } from '../../../shared/inference/embed-by-model.ts';
import { Catalog, type CatalogSource } from '../../../shared/inference/catalog.ts';
import type { NodeCaller, NodeWays } from '../../../shared/inference/run-on-node.ts';

const agentId = mintId('agent', 0);
const caller: NodeCaller = {
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

const bridge = {
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
function waysTo(body: string, partial: Partial<NodeWays> = {}, connected = () => [bridge]) {
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

const handedBack = () =>
  Response.json(
    {
      error: {
        message: 'The bridge is shutting down.',
        type: 'server_error',
        code: 'service_unavailable',
        param: null,
      },
    },
    { status: 503, headers: { [NotBegunHeader]: '1' } },
  );
const answer = (...vectors: readonly string[]) =>
  `{"object":"list","model":"m","usage":{"prompt_tokens":1,"total_tokens":1},"data":[${vectors
    .map((vector, index) => `{"object":"embedding","index":${index},"embedding":${vector}}`)
    .join(',')}]}`;
const embed = (body: string, texts = ['a', 'b'], wanted?: { space: string; dimensions: number }) =>
  embedByModel(waysTo(body).ways, caller, 'org/embed', texts, wanted);

describe('embedByModel', () => {
  test('gives a vector for each text, in their order, and names the space', async () => {
    const { ways, jobs } = waysTo(answer('[1,0]', '[0,1]').replace('"index":0', '"index":9'));
    const embedded = await embedByModel(ways, caller, 'org/embed', ['a', 'b']);
    expect(embedded).toMatchObject({ ok: true, value: { space: 'org/embed', dimensions: 2, semantic: true } });
    expect(embedded.ok && embedded.value.vectors.map((vector) => [...vector])).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(JSON.parse(jobs[0]!)).toEqual({ model: 'org/embed', input: ['a', 'b'], encoding_format: 'float' });
  });

  test.each([
    ['fewer vectors than texts', answer('[1,0]')],
    ['vectors of two lengths', answer('[1,0]', '[1,0,0]')],
    ['empty vectors', answer('[]', '[]')],
    ['infinity', answer('[1e999,0]', '[0,1]')],
    ['what is beyond float32', answer('[1e300,0]', '[0,1]')],
    ['no number', answer('[null,0]', '[0,1]')],
    ['base64', answer('"AAAA"', '"AAAA"')],
    ['no embeddings', '{"data":[]}'],
  ])('takes nothing of an answer with %s', async (_, body) => {
    expect(await embed(body)).toMatchObject({ ok: false, failure: { code: 'upstream_invalid' } });
  });

  test('takes nothing of an answer that breaks off', async () => {
    expect(await embed('{"data":[')).toMatchObject({ ok: false, failure: { code: 'upstream_cut' } });
  });

  test('takes no vectors of other dimensions, and none of a name that leads to another model by now', async () => {
    const body = answer('[1,0]', '[0,1]');
    expect(await embed(body, ['a', 'b'], { space: 'org/embed', dimensions: 3 })).toMatchObject({
      failure: { code: 'upstream_invalid' },
    });
    expect(await embed(body, ['a', 'b'], { space: 'org/before', dimensions: 2 })).toMatchObject({
      failure: { code: 'conflict' },
    });
    expect(await embed(body, ['a', 'b'], { space: 'org/embed', dimensions: 2 })).toMatchObject({ ok: true });
  });

  test('finds a node whose bridge has come since the bridges were last asked for', async () => {
    let bridges: (typeof bridge)[] = [];
    const { ways } = waysTo(answer('[1,0]'), {}, () => bridges);
    expect(await embedByModel(ways, caller, 'org/embed', ['a'])).toMatchObject({
      failure: { code: 'node_unavailable' },
    });
    bridges = [bridge];
    expect(await embedByModel(ways, caller, 'org/embed', ['a'])).toMatchObject({ ok: true });
  });

  test('goes to a bridge that has come since, where the one that was known has not begun', async () => {
    const come = { ...bridge, id: mintId('bridge', 1) };
    let bridges = [bridge];
    const asked: string[] = [];
    const bridgeFetch: NodeWays['bridgeFetch'] = (to) => async () => {
      asked.push(to.id);
      bridges = [come];
      return to.id === come.id ? new Response(answer('[1,0]')) : handedBack();
    };
    const { ways } = waysTo('', { bridgeFetch }, () => bridges);
    expect(await embedByModel(ways, caller, 'org/embed', ['a'])).toMatchObject({ ok: true });
    expect(asked).toEqual([bridge.id, come.id]);
  });

  test('asks no node where the caller may not', async () => {
    const { ways, jobs } = waysTo(answer('[1,0]'), { admit: async () => err('insufficient_quota') });
    expect(await embedByModel(ways, caller, 'org/embed', ['a'])).toMatchObject({
      failure: { code: 'insufficient_quota' },
    });
    expect(jobs).toEqual([]);
  });
});
