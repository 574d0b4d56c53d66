/**
 * `npm run bench`: everything in one run, round after round, so that a busy machine slows all alike; medians, and ratios
 * to the bare pass-through. Prints a table and writes the same as JSON to dist/bench.json. Options: --rounds N, --ms N.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../../scripts/platform.ts';
import { Load, median, type Latency, type Target } from './load.ts';
import { measureRecall } from './recall.ts';
import { setStage, type RunningFreehold, type Stage } from './stage.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '2000' },
    recall: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const rounds = Number(values.rounds);
const windowMs = Number(values.ms);
const Connections = 16;
const LowRate = 200;

const stage = await setStage();
try {
  const answers = await compare(targets(stage, false), true);
  const streams = await compare(targets(stage, true), true);
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
    false,
  );
  const recall = values.recall ? await measureRecall(stage.whole, [1_000, 10_000]) : [];
  const report = {
    machine: { cores: navigator.hardwareConcurrency },
    rounds,
    window_ms: windowMs,
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

type Row = {
  readonly name: string;
  readonly per_second: number;
  /** To the bare pass-through, or to the first row. */
  readonly ratio: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly first_byte_p50_ms: number;
  readonly added_p50_ms: number;
  readonly added_first_byte_p50_ms: number;
};

/** The row that ratios refer to is the one named `bare workerd`, or the first. */
async function compare(subjects: readonly Target[], lowLoad: boolean): Promise<Row[]> {
  const loads = subjects.map((subject) => new Load(subject, Connections));
  const rates: number[][] = subjects.map(() => []);
  const latencies: Latency[][] = subjects.map(() => []);
  for (const load of loads) await load.throughput(4, 300);
  for (let round = 0; round < rounds; round++) {
    for (const [at, load] of loads.entries()) rates[at]!.push(await load.throughput(Connections, windowMs));
    for (const [at, load] of loads.entries()) {
      latencies[at]!.push(await load.latency(lowLoad ? LowRate : LowRate / 4, windowMs));
    }
  }
  await Promise.all(loads.map((load) => load.close()));
  const base = Math.max(
    0,
    subjects.findIndex(({ name }) => name === 'bare workerd'),
  );
  const middle = (at: number, pick: (latency: Latency) => number) => median(latencies[at]!.map(pick));
  return subjects.map(({ name }, at) => ({
    name,
    per_second: median(rates[at]!),
    ratio: median(rates[at]!.map((rate, round) => rate / rates[base]![round]!)),
    p50_ms: middle(at, ({ p50 }) => p50),
    p95_ms: middle(at, ({ p95 }) => p95),
    first_byte_p50_ms: middle(at, ({ firstByteP50 }) => firstByteP50),
    added_p50_ms: middle(at, ({ p50 }) => p50) - middle(base, ({ p50 }) => p50),
    added_first_byte_p50_ms:
      middle(at, ({ firstByteP50 }) => firstByteP50) - middle(base, ({ firstByteP50 }) => firstByteP50),
  }));
}

function targets({ upstreamUrl, bareUrl, edge, whole }: Stage, stream: boolean): Target[] {
  const body = { model: 'bench-model', messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 64, stream };
  const end = stream ? '[DONE]' : '"stop"';
  const plain = (name: string, origin: string): Target => ({
    name,
    origin,
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    end,
  });
  return [
    plain('upstream alone', upstreamUrl),
    plain('bare workerd', bareUrl),
    target('Freehold edge', edge, '/v1/chat/completions', body, end),
    target('Freehold edge + bridge', whole, '/v1/chat/completions', body, end),
  ];
}

function target(name: string, { port, host, key }: RunningFreehold, path: string, body: object, end: string): Target {
  return {
    name,
    origin: `http://127.0.0.1:${port}`,
    path,
    headers: { host: `${host}:${port}`, authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    end,
  };
}

function print(title: string, rows: readonly Row[]): void {
  const number = (value: number, digits = 2) => value.toFixed(digits).padStart(9);
  console.log(
    `\n${title}\n${''.padEnd(26)}${['per s', 'ratio', 'p50 ms', 'p95 ms', 'first ms', '+p50', '+first'].map((head) => head.padStart(9)).join('')}`,
  );
  for (const row of rows) {
    console.log(
      `${row.name.padEnd(26)}${number(row.per_second, 0)}${number(row.ratio)}${number(row.p50_ms)}${number(row.p95_ms)}${number(row.first_byte_p50_ms)}${number(row.added_p50_ms)}${number(row.added_first_byte_p50_ms)}`,
    );
  }
}
