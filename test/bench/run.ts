/**
 * `npm run bench`: everything in one run, round after round, so that a busy machine slows all alike; medians, and ratios
 * to the bare pass-through. With `PORTKEY_GATEWAY` naming the start script of an installed @portkey-ai/gateway, a row of
 * that. Prints a table and writes the same as JSON to dist/bench.json. Options: --rounds N, --ms N.
 * `npm run bench -- vectors` measures the vector index alone: vectors.ts; `-- embeddings` the bridge's batching;
 * `-- retrieval` how good recall is: retrieval.ts; `-- memory` the chain: memory.ts; `-- memories` an agent with many
 * memories over HTTP: memories.ts.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../../scripts/platform.ts';
import { compare, print, target } from './compare.ts';
import { benchEmbeddings } from './embeddings.ts';
import type { Target } from './load.ts';
import { benchMemory } from './memory.ts';
import { benchMemories } from './memories.ts';
import { measureRecall } from './recall.ts';
import { setStage, type Stage } from './stage.ts';
import { benchRetrieval } from './retrieval.ts';
import { benchVectors } from './vectors.ts';

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '2000' },
    recall: { type: 'boolean', default: true },
    million: { type: 'boolean', default: false },
    vectors: { type: 'string', default: '100000' },
    memories: { type: 'string', default: '100000' },
  },
  allowPositionals: true,
  allowNegative: true,
});
const size = { rounds: Number(values.rounds), windowMs: Number(values.ms) };

/** What can be measured alone. */
const parts: Readonly<Record<string, () => unknown>> = {
  vectors: () => benchVectors({ million: values.million, count: Number(values.vectors) }),
  embeddings: () => benchEmbeddings(size.rounds),
  retrieval: () => benchRetrieval(),
  memory: () => benchMemory(),
  memories: () => benchMemories(Number(values.memories)),
};
const part = positionals[0] === undefined ? undefined : parts[positionals[0]];
if (part) {
  await part();
  process.exit();
}

const stage = await setStage();
try {
  const answers = await compare(targets(stage, false), size, true);
  const streams = await compare(targets(stage, true), size, true);
  const turns = await compare(
    [
      target('agent turn, edge', stage.edge, '/v1/responses', { model: 'agent/bench', input: 'Hello' }, '"completed"'),
      target(
        'agent turn, with bridge',
        stage.whole,
        '/v1/responses',
        { model: 'agent/bench', input: 'Hello' },
        '"completed"',
      ),
    ],
    size,
    false,
  );
  const recall = values.recall ? await measureRecall(stage.whole, [1_000, 10_000]) : [];
  const report = {
    machine: { cores: navigator.hardwareConcurrency },
    rounds: size.rounds,
    window_ms: size.windowMs,
    answers,
    streams,
    turns,
    recall,
  };
  mkdirSync(join(repositoryRoot, 'dist'), { recursive: true });
  writeFileSync(join(repositoryRoot, 'dist/bench.json'), `${JSON.stringify(report, null, 2)}\n`);
  print('Answers (plain model, not streaming)', answers);
  print('Streams (plain model, 64 chunks)', streams);
  print('Agent turns (recall, model, stored events; not streaming)', turns);
  for (const row of recall) {
    console.log(
      `Recall over HTTP, ${row.memories} memories: p50 ${row.p50.toFixed(1)} ms, p95 ${row.p95.toFixed(1)} ms`,
    );
  }
} finally {
  await stage.stop();
}

function targets({ upstreamUrl, bareUrl, portkeyUrl, edge, whole }: Stage, stream: boolean): Target[] {
  const body = { model: 'bench-model', messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 64, stream };
  const end = stream ? '[DONE]' : '"stop"';
  const plain = (name: string, origin: string, headers: Target['headers'] = {}): Target => ({
    name,
    origin,
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    end,
  });
  return [
    plain('upstream alone', upstreamUrl),
    plain('bare workerd', bareUrl),
    ...(portkeyUrl === undefined
      ? []
      : [
          plain('Portkey gateway', portkeyUrl, {
            authorization: 'Bearer none',
            'x-portkey-provider': 'openai',
            'x-portkey-custom-host': `${upstreamUrl}/v1`,
          }),
        ]),
    target('Freehold edge', edge, '/v1/chat/completions', body, end),
    target('Freehold edge + bridge', whole, '/v1/chat/completions', body, end),
  ];
}
