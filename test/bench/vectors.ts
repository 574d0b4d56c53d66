/**
 * `npm run bench -- vectors`: the embedded vector index alone, in workerd, against the floor: the time in which one native
 * core reads the 4-bit codes once, measured in the same rounds. With `--million` also 1.2 million vectors of one tenant.
 * Recall is against an exact float32 search over the same vectors. Times are taken outside, less an empty round trip.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from 'miniflare';
import { buildKernel } from '../../scripts/build-kernel.ts';
import { buildWorker } from '../../scripts/build.ts';
import { findFreePort } from '../../scripts/find-free-port.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import { findExactly, SyntheticVectors, type SetKind } from '../support/synthetic-vectors.ts';
import { makeFloor, type Floor } from './floor.ts';
import { median, percentile } from './load.ts';

const Batch = 1_000;
const Queries = 100;
const Rounds = 9;
const PerRequest = 40;
const Singles = 200;
const Seed = 20_261;
const ArenaBytes = 512 * 1024 * 1024;

type Set = { readonly space: string; readonly dimensions: number; readonly count: number };

export async function benchVectors({
  million,
  count,
}: {
  readonly million: boolean;
  readonly count: number;
}): Promise<void> {
  const floor = await makeFloor();
  const folder = mkdtempSync(join(tmpdir(), 'freehold-vectors-'));
  const report: object[] = [];
  try {
    if (million) report.push(await measureMillion(folder));
    else {
      for (const kind of ['spectral', 'random'] as const) report.push(await measureShard(folder, kind, count, floor));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const load = loadavg().map((value) => value.toFixed(2));
  mkdirSync(join(repositoryRoot, 'dist'), { recursive: true });
  const file = `dist/bench-vectors${million ? '-million' : ''}.json`;
  writeFileSync(join(repositoryRoot, file), `${JSON.stringify({ load, report }, null, 2)}\n`);
  for (const row of report) {
    console.log();
    for (const [name, value] of Object.entries(row)) console.log(`${name.padEnd(34)}${value}`);
  }
  console.log(`\nload ${load.join(' ')}, written to ${file}`);
}

async function measureShard(folder: string, kind: SetKind, count: number, floor: Floor): Promise<object> {
  const set = { space: kind, dimensions: 768, count };
  const maker = new SyntheticVectors(kind, set.dimensions, Seed);
  let bench = await startWorker(folder);
  const all = new Float32Array(count * set.dimensions);
  const ingestMs = await ingest(bench, set, maker, all);
  const queries = maker.make(Queries);
  await bench.stop();

  bench = await startWorker(folder);
  await bench.post('/empty', set, queries.subarray(0, set.dimensions));
  const coldMs = await bench.time('/query?times=1', set, queries.subarray(0, set.dimensions));
  const recall = await measureRecall(bench, set, all, queries);

  const lanes = ['/query', '/filter', '/hybrid'] as const;
  const took = lanes.map((): number[] => []);
  const floors: number[] = [];
  for (const lane of lanes) await bench.post(`${lane}?times=${PerRequest}`, set, queries);
  for (let round = 0; round < Rounds; round++) {
    floors.push(floor.measure((count * set.dimensions) / 2));
    const emptyMs = await bench.time('/empty', set, queries);
    for (const [at, lane] of lanes.entries()) {
      const ms = await bench.time(`${lane}?times=${PerRequest}`, set, queries);
      took[at]!.push((ms - emptyMs) / PerRequest);
    }
  }
  const single = await measureSingles(bench, set, maker);
  await bench.stop();
  const ratios = took.map((times) => median(times.map((ms, round) => ms / floors[round]!)));
  const floorMs = median(floors);
  return {
    set: `${count} x ${set.dimensions}, ${kind}, seed ${Seed}`,
    'floor F (ms)': `${floorMs.toFixed(3)} (${floor.kind})`,
    'recall@10': recall.toFixed(4),
    'top-10 with text, provenance (ms)': `${median(took[0]!).toFixed(2)} = ${ratios[0]!.toFixed(2)} F`,
    'top-10, filtered by kind (ms)': `${median(took[1]!).toFixed(2)} = ${ratios[1]!.toFixed(2)} F`,
    'hybrid, ids (ms)': `${median(took[2]!).toFixed(2)} = ${ratios[2]!.toFixed(2)} F`,
    'cold load and first query (ms)': coldMs.toFixed(1),
    'single insert, net of empty (ms)': `p50 ${single.p50.toFixed(2)}, p95 ${single.p95.toFixed(2)}`,
    'ingest (us a vector)': ((1_000 * ingestMs) / count).toFixed(1),
  };
}

async function measureMillion(folder: string): Promise<object> {
  const set = { space: 'million', dimensions: 384, count: 1_200_000 };
  const maker = new SyntheticVectors('spectral', set.dimensions, Seed);
  let bench = await startWorker(folder);
  const ingestMs = await ingest(bench, set, maker);
  await bench.stop();
  bench = await startWorker(folder);
  const queries = maker.make(Queries);
  const one = (at: number) => queries.subarray((at % Queries) * set.dimensions, ((at % Queries) + 1) * set.dimensions);
  const coldMs = await bench.time('/query?times=1', set, one(0));
  const took: number[] = [];
  for (let at = 0; at < 2 * Queries; at++) took.push(await bench.time('/query?times=1', set, one(at)));
  await bench.stop();
  return {
    set: `${set.count} x ${set.dimensions}, spectral, seed ${Seed}, one tenant, one process`,
    'top-10 with rows over HTTP (ms)': `p50 ${percentile(took, 0.5).toFixed(1)}, p95 ${percentile(took, 0.95).toFixed(1)}`,
    'cold fan-out (ms)': coldMs.toFixed(0),
    'ingest (us a vector)': ((1_000 * ingestMs) / set.count).toFixed(1),
  };
}

async function ingest(bench: BenchWorker, set: Set, maker: SyntheticVectors, keep?: Float32Array): Promise<number> {
  let ms = 0;
  for (let first = 0; first < set.count; first += Batch) {
    const vectors = maker.make(Math.min(Batch, set.count - first));
    keep?.set(vectors, first * set.dimensions);
    ms += await bench.time(`/write?first=${first}`, set, vectors);
  }
  return ms;
}

async function measureRecall(
  bench: BenchWorker,
  set: Set,
  all: Float32Array,
  queries: Float32Array<ArrayBuffer>,
): Promise<number> {
  const answers = await bench.post('/query', set, queries);
  let found = 0;
  for (const [at, ids] of answers.entries()) {
    const query = queries.subarray(at * set.dimensions, (at + 1) * set.dimensions);
    const got = new Set(ids);
    found += findExactly(all, query, 10).filter((row) => got.has(`m${row}`)).length;
  }
  return found / (10 * answers.length);
}

async function measureSingles(
  bench: BenchWorker,
  set: Set,
  maker: SyntheticVectors,
): Promise<{ readonly p50: number; readonly p95: number }> {
  const net: number[] = [];
  for (let at = 0; at < Singles; at++) {
    const vector = maker.make(1);
    const emptyMs = await bench.time('/empty', set, vector);
    const ms = await bench.time(`/write?first=${set.count + at}`, set, vector);
    net.push(ms - emptyMs);
  }
  return { p50: percentile(net, 0.5), p95: percentile(net, 0.95) };
}

type BenchWorker = {
  post(path: string, set: Set, body: Float32Array<ArrayBuffer>): Promise<string[][]>;
  /** How many milliseconds it took. */
  time(path: string, set: Set, body: Float32Array<ArrayBuffer>): Promise<number>;
  stop(): Promise<void>;
};

async function startWorker(folder: string): Promise<BenchWorker> {
  const script = await buildWorker(repositoryRoot, 'test/bench/vector-worker.ts');
  const port = await findFreePort();
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      modules: [
        { type: 'ESModule', path: 'worker.js', contents: script },
        { type: 'CompiledWasm', path: 'scan.wasm', contents: await buildKernel() },
      ],
      compatibilityDate: '2026-09-01',
      compatibilityFlags: ['nodejs_compat'],
      durableObjects: { VECTOR_SHARD: { className: 'VectorShardObject', useSQLite: true } },
      bindings: { VECTOR_ARENA_BYTES: String(ArenaBytes) },
      unsafeDirectSockets: [{ host: '127.0.0.1', port }],
      resourcePersistencePath: folder,
      cf: false,
      port: 0,
      log: new NoOpLog(),
      telemetry: { enabled: false },
    }),
  );
  await worker.ready;
  const post: BenchWorker['post'] = async (path, { space, dimensions }, body) => {
    const url = `http://127.0.0.1:${port}${path}${path.includes('?') ? '&' : '?'}space=${space}&dimensions=${dimensions}`;
    const ask = () => fetch(url, { method: 'POST', body: body.slice() });
    // A connection that stood idle while the exact neighbours were computed is closed by now.
    const answer = await ask().catch(ask);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as string[][];
  };
  return {
    post,
    async time(path, set, body) {
      const started = performance.now();
      await post(path, set, body);
      return performance.now() - started;
    },
    stop: () => worker.dispose(),
  };
}
