/** Vectors by a node's model: only whole answers, of the space that is wanted. */
import { describe, expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { embedByModel } from '../../../shared/inference/embed-by-model.ts';
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

/** A tenant's way to one bridge with one model, which answers with this body. */
function waysTo(body: string, partial: Partial<NodeWays> = {}) {
  const jobs: string[] = [];
  const ways: NodeWays = {
    tenantId: mintId('tenant', 0),
    clock: { now: () => 0 },
    catalog: async () =>
      ok({
        pool: {
          defaultModel: null,
          bridges: [
            {
              id: mintId('bridge', 0),
              transport: 'http',
              url: '',
              models: [
                {
                  id: 'org/embed',
                  operations: ['embeddings'],
                  context_window: null,
                  dimensions: null,
                  semantic: true,
                  external: false,
                  owned_by: 'org',
                },
              ],
            },
          ],
        },
        prices: new Map([['*', { id: 'prc_1', model: '*', price }]]),
      }),
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

  test('asks no node where the caller may not', async () => {
    const { ways, jobs } = waysTo(answer('[1,0]'), { admit: async () => err('insufficient_quota') });
    expect(await embedByModel(ways, caller, 'org/embed', ['a'])).toMatchObject({
      failure: { code: 'insufficient_quota' },
    });
    expect(jobs).toEqual([]);
  });
});
