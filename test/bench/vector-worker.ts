/**
 * The Worker that the vector benchmark drives: the product's index over the product's shards, nothing between them and the
 * request. Many queries in one request, so that the way there and back counts little; clocks stand still in here.
 */
import { VectorShardObject } from '../../durable-objects/vector-shard/vector-shard-object.ts';
import { EmbeddedVectorIndex, type VectorShardStub } from '../../shared/store/embedded-vector-index.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { vectorShardObjectName } from '../../shared/tenancy/object-name.ts';

export { VectorShardObject };

type Env = { readonly VECTOR_SHARD: DurableObjectNamespace };
const Tenant = 'tnt_00000000000000000000000000' as TenantId;
const Namespace = 'agent';
const VocabularySize = 20_000;
const TextWords = 12;

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/empty') {
      await request.arrayBuffer();
      return Response.json([]);
    }
    const space = searchParams.get('space')!;
    const dimensions = Number(searchParams.get('dimensions'));
    const values = new Float32Array(await request.arrayBuffer());
    const vectors = Array.from({ length: values.length / dimensions }, (_, at) =>
      values.slice(at * dimensions, (at + 1) * dimensions),
    );
    const resolve = (shard: number) =>
      env.VECTOR_SHARD.getByName(vectorShardObjectName(Tenant, space, shard)) as unknown as VectorShardStub;
    const index = new EmbeddedVectorIndex(Tenant, resolve, { name: space });
    if (pathname === '/write') {
      const first = Number(searchParams.get('first'));
      const records = vectors.map((vector, at) => ({
        id: `m${first + at}`,
        values: vector,
        namespace: Namespace,
        metadata: { kind: (first + at) % 4 ? 'fact' : 'event', time: first + at, source: `conversation ${first + at}` },
        text: textOf(first + at),
      }));
      await index.upsertWithText(records);
      return Response.json([]);
    }
    const answers = [];
    for (let at = 0; at < Number(searchParams.get('times') ?? vectors.length); at++) {
      const vector = vectors[at % vectors.length]!;
      answers.push(await ask(index, pathname, vector, at));
    }
    return Response.json(answers);
  },
};

async function ask(index: EmbeddedVectorIndex, what: string, vector: Float32Array, at: number): Promise<string[]> {
  const scope = { topK: 10, namespace: Namespace };
  if (what === '/hybrid') {
    const hits = await index.hybrid({
      ...scope,
      vector,
      text: textOf(at * 97)
        .split(' ')
        .slice(0, 5)
        .join(' '),
    });
    return hits.map(({ id }) => id);
  }
  if (what === '/filter') {
    const { matches } = await index.query(vector, { ...scope, filter: { kind: 'event' } });
    return matches.map(({ id }) => id);
  }
  const { matches } = await index.query(vector, { ...scope, returnMetadata: 'all', returnText: true });
  return matches.map(({ id }) => id);
}

/** Words as they occur: the n-th commonest about 1/n as often as the commonest. */
function textOf(seed: number): string {
  let state = (seed * 2_654_435_761) | 0;
  return Array.from({ length: TextWords }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    const uniform = ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
    return `w${Math.floor(VocabularySize ** uniform).toString(36)}x`;
  }).join(' ');
}
