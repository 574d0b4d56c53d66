/** Vectors by a node's model: only whole answers, of the space that is wanted. */
import { describe, expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { NotBegunHeader } from '../../../shared/contracts/inference.ts';
import { err } from '../../../shared/core/result.ts';
import { embedByModel } from '../../../shared/inference/embed-by-model.ts';
import type { NodeWays } from '../../../shared/inference/run-on-node.ts';
import { bridge, caller, embeddings, waysTo } from '../../support/node-ways.ts';

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
const embed = (body: string, texts = ['a', 'b'], wanted?: { space: string; dimensions: number }) =>
  embedByModel(waysTo(body).ways, caller, 'org/embed', texts, wanted);

describe('embedByModel', () => {
  test('gives a vector for each text, in their order, and names the space', async () => {
    const { ways, jobs } = waysTo(embeddings('[1,0]', '[0,1]').replace('"index":0', '"index":9'));
    const embedded = await embedByModel(ways, caller, 'org/embed', ['a', 'b']);
    expect(embedded).toMatchObject({ ok: true, value: { space: 'org/embed', dimensions: 2, semantic: true } });
    expect(embedded.ok && embedded.value.vectors.map((vector) => [...vector])).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(JSON.parse(jobs[0]!)).toEqual({ model: 'org/embed', input: ['a', 'b'], encoding_format: 'float' });
  });

  test.each([
    ['fewer vectors than texts', embeddings('[1,0]')],
    ['vectors of two lengths', embeddings('[1,0]', '[1,0,0]')],
    ['empty vectors', embeddings('[]', '[]')],
    ['infinity', embeddings('[1e999,0]', '[0,1]')],
    ['what is beyond float32', embeddings('[1e300,0]', '[0,1]')],
    ['no number', embeddings('[null,0]', '[0,1]')],
    ['base64', embeddings('"AAAA"', '"AAAA"')],
    ['no embeddings', '{"data":[]}'],
  ])('takes nothing of an answer with %s', async (_, body) => {
    expect(await embed(body)).toMatchObject({ ok: false, failure: { code: 'upstream_invalid' } });
  });

  test('takes nothing of an answer that breaks off', async () => {
    expect(await embed('{"data":[')).toMatchObject({ ok: false, failure: { code: 'upstream_cut' } });
  });

  test('takes no vectors of other dimensions, and none of a name that leads to another model by now', async () => {
    const body = embeddings('[1,0]', '[0,1]');
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
    const { ways } = waysTo(embeddings('[1,0]'), {}, () => bridges);
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
      return to.id === come.id ? new Response(embeddings('[1,0]')) : handedBack();
    };
    const { ways } = waysTo('', { bridgeFetch }, () => bridges);
    expect(await embedByModel(ways, caller, 'org/embed', ['a'])).toMatchObject({ ok: true });
    expect(asked).toEqual([bridge.id, come.id]);
  });

  test('asks no node where the caller may not', async () => {
    const { ways, jobs } = waysTo(embeddings('[1,0]'), { admit: async () => err('insufficient_quota') });
    expect(await embedByModel(ways, caller, 'org/embed', ['a'])).toMatchObject({
      failure: { code: 'insufficient_quota' },
    });
    expect(jobs).toEqual([]);
  });
});
