/**
 * `npm run bench:streams`: how long a token is on its way from the node to the client, by the plain path and through a
 * conversation; and how long a stream stands still at most while many run at once. Every token says when it was written.
 * Prints a table and writes the same to dist/bench-streams.json.
 * Options: --streams N (at once), --every N (ms between two tokens of a stream), --tokens N (of each stream).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { repositoryRoot } from '../../scripts/platform.ts';
import { headersOf, percentile, type Target } from './load.ts';
import { target } from './compare.ts';
import { setPaced } from './stage.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '500' },
    every: { type: 'string', default: '100' },
    tokens: { type: 'string', default: '100' },
  },
});
const streams = Number(values.streams);
const everyMs = Number(values.every);
/** Turns that are begun in the same instant are a burst, which is measured elsewhere. */
const BeginWithinMs = 5_000;
/** Streams one after the other, for the way of a token on an idle machine. */
const Alone = 5;

type Stream = { readonly waysMs: readonly number[]; readonly stallMs: number };

const now = () => performance.timeOrigin + performance.now();

async function read(pool: Pool, asked: Target): Promise<Stream> {
  const { path, body, end, name } = asked;
  const answer = await pool.request({ method: 'POST', path, headers: headersOf(asked), body });
  const waysMs: number[] = [];
  let [rest, last, stallMs, seenEnd] = ['', Number.NaN, 0, false];
  for await (const part of answer.body as AsyncIterable<Uint8Array>) {
    const at = now();
    rest += Buffer.from(part).toString('latin1');
    const frames = rest.split('\n\n');
    rest = frames.pop()!;
    for (const frame of frames) {
      seenEnd ||= frame.includes(end);
      const written = /"(?:content|delta)":" @([\d.]+)"/.exec(frame)?.[1];
      if (written === undefined) continue;
      waysMs.push(at - Number(written));
      stallMs = Math.max(stallMs, at - last - everyMs || 0);
      last = at;
    }
  }
  if (answer.statusCode !== 200 || !seenEnd)
    throw new Error(`${name} answered ${answer.statusCode}: ${rest.slice(-300)}`);
  return { waysMs, stallMs };
}

const round = (value: number) => Math.round(value * 100) / 100;

function report(name: string, read: readonly Stream[]) {
  const ways = read.flatMap(({ waysMs }) => waysMs);
  const stalls = read.map(({ stallMs }) => stallMs);
  return {
    name,
    streams: read.length,
    tokens: ways.length,
    way_p50_ms: round(percentile(ways, 0.5)),
    way_p95_ms: round(percentile(ways, 0.95)),
    stall_p50_ms: round(percentile(stalls, 0.5)),
    stall_max_ms: round(Math.max(...stalls)),
    stalled_over_250_ms: stalls.filter((stall) => stall > 250).length,
    load: round(loadavg()[0]!),
  };
}

const stage = await setPaced({ BENCH_PACE_MS: values.every, BENCH_PACED_CHUNKS: values.tokens });
const messages = [{ role: 'user', content: 'Say hello.' }];
const ways = [
  target('plain', stage.whole, '/v1/chat/completions', { model: 'bench-model', messages, stream: true }, '[DONE]'),
  target(
    'conversation',
    stage.whole,
    '/v1/responses',
    { model: 'agent/bench', input: 'Say hello.', stream: true },
    'response.completed',
  ),
];
const rows: ReturnType<typeof report>[] = [];
try {
  const pool = new Pool(ways[0]!.origin, { connections: streams, pipelining: 1 });
  for (const way of ways) {
    await read(pool, way);
    const alone: Stream[] = [];
    for (let at = 0; at < Alone; at++) alone.push(await read(pool, way));
    rows.push(report(`${way.name}, alone`, alone));
  }
  for (const way of ways) {
    const many = Array.from({ length: streams }, async (_, at) => {
      await new Promise((resolve) => setTimeout(resolve, (at * BeginWithinMs) / streams));
      return read(pool, way);
    });
    rows.push(report(`${way.name}, ${streams} at once`, await Promise.all(many)));
  }
  await pool.close();
  console.table(rows);
  const added = round(rows[1]!.way_p50_ms - rows[0]!.way_p50_ms);
  console.log(`A token through a conversation: ${added} ms more (p50)`);
  mkdirSync(join(repositoryRoot, 'dist'), { recursive: true });
  const written = { machine: { cores: navigator.hardwareConcurrency }, every_ms: everyMs, added_p50_ms: added, rows };
  writeFileSync(join(repositoryRoot, 'dist/bench-streams.json'), `${JSON.stringify(written, null, 2)}\n`);
} finally {
  await stage.stop();
}
