/** Subjects side by side, round after round, so that a busy machine slows all alike: medians, and ratios to one of them. */
import { Load, median, type Latency, type Target } from './load.ts';
import type { RunningFreehold } from './stage.ts';

const Connections = 16;
const LowRate = 200;

export type Row = {
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
export async function compare(
  subjects: readonly Target[],
  { rounds, windowMs }: { readonly rounds: number; readonly windowMs: number },
  lowLoad: boolean,
): Promise<Row[]> {
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

export function target(
  name: string,
  { port, host, key }: RunningFreehold,
  path: string,
  body: object,
  end: string,
): Target {
  return {
    name,
    origin: `http://127.0.0.1:${port}`,
    path,
    headers: { host: `${host}:${port}`, authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    end,
  };
}

export function print(title: string, rows: readonly Row[]): void {
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
