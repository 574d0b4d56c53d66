/**
 * `npm run bench -- spaces`: memories found by a node's model, over HTTP: how fast they are embedded in the background, and
 * how long a recall takes whose question the node embeds, that part apart. The node answers at once with vectors of 384
 * dimensions, so its part is what the way to it costs. `--memories N` of them.
 */
import { loadavg } from 'node:os';
import { embedByHash } from '../../shared/core/hash-embedding.ts';
import type { MemoryEmbedding } from '../../shared/contracts/memory-embedding.ts';
import { EmbeddingModel, startPlatformWithNode } from '../support/platform-with-node.ts';
import { waitUntil } from '../support/wait-until.ts';
import { percentile } from './load.ts';

const Dimensions = 384;
const Queries = 200;
const BatchSize = 200;
const Writers = 4;
const PatienceMs = 60 * 60_000;

export async function benchSpaces(count: number): Promise<void> {
  const world = await startPlatformWithNode({ script: { body: (request) => answer(request.body['input']) } });
  try {
    const client = world.platform.client(world.tenant);
    const path = '/v1/agents/bench/memories';
    await client.require('POST', '/v1/agents', { slug: 'bench', name: 'bench' });
    let next = 0;
    const write = async () => {
      for (let start = next; start < count; start = next) {
        next += BatchSize;
        const texts = Array.from({ length: Math.min(BatchSize, count - start) }, (_, at) => textOf(start + at));
        await client.require('POST', `${path}/batch`, { memories: texts.map((text) => ({ text })) });
      }
    };
    await Promise.all(Array.from({ length: Writers }, write));
    const before = await measure((at) => recall(client, path, `without ${at}`));
    const began = performance.now();
    await client.require('POST', `${path}/embedding`, { model: EmbeddingModel });
    const during: number[] = [];
    await waitUntil(
      'all memories are embedded',
      async () => {
        during.push(...(await measure((at) => recall(client, path, `meanwhile ${during.length + at}`), 5)));
        const { current } = await client.require<MemoryEmbedding>('GET', `${path}/embedding`);
        return current !== null && current.reached === current.of;
      },
      { withinMs: PatienceMs },
    );
    const seconds = (performance.now() - began) / 1_000;
    const embeds = await measure((at) =>
      client.require('POST', '/v1/embeddings', { model: EmbeddingModel, input: `alone ${textOf(at)}` }),
    );
    const recalls = await measure((at) => recall(client, path, `asked ${at}`));
    const again = await measure((at) => recall(client, path, `asked ${at}`));
    console.log(`load ${loadavg()[0]!.toFixed(1)}; ${count} memories embedded at ${(count / seconds).toFixed(0)}/s`);
    console.table({
      'recall by the embedded default, ms': summary(before),
      'the same while memories are embedded, ms': summary(during),
      "recall by a node's model, ms": summary(recalls),
      'of that, the way to the node and back, ms': summary(embeds),
      'the same question again, ms': summary(again),
    });
  } finally {
    await world.stop();
  }
}

type Client = ReturnType<Awaited<ReturnType<typeof startPlatformWithNode>>['platform']['client']>;

function recall(client: Client, path: string, about: string): Promise<unknown> {
  return client.require('POST', `${path}/recall`, { query: `Who told of the garden in Riga, ${about}?`, limit: 8 });
}

async function measure(work: (at: number) => Promise<unknown>, rounds = Queries): Promise<number[]> {
  const took: number[] = [];
  for (let at = 0; at < rounds; at++) {
    const started = performance.now();
    await work(at);
    took.push(performance.now() - started);
  }
  return took;
}

function answer(input: unknown): object {
  const texts = (Array.isArray(input) ? input : [input]) as string[];
  const data = texts.map((text, index) => {
    const embedding = Array.from(embedByHash(text).subarray(0, Dimensions), (value) => Math.round(value * 1e4) / 1e4);
    return { object: 'embedding', index, embedding };
  });
  const tokens = texts.length;
  return { object: 'list', data, model: EmbeddingModel, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

function textOf(at: number): string {
  return `Person ${at} opened the garden in Riga on day ${at % 365}, and told number ${at * 7919}.`;
}

function summary(took: readonly number[]): { readonly p50: string; readonly p95: string } {
  return { p50: percentile([...took], 0.5).toFixed(1), p95: percentile([...took], 0.95).toFixed(1) };
}
