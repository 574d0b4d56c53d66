/**
 * `npm run bench -- memories`: one agent that comes to 100,000 memories on a running platform, over HTTP by one client: written in
 * batches, recalled with the built-in embedder, one more written, one proved, the whole chain verified. The round trip of
 * a small read is shown beside them. `--memories N` for another number.
 */
import { loadavg } from 'node:os';
import { median, percentile } from './load.ts';
import { queryOf, textOf } from './recall.ts';
import { setPlatform } from './stage.ts';

const Batch = 200;
const Times = 200;
const Verifications = 3;
const path = '/v1/agents/bench/memories';

export async function benchMemories(count: number): Promise<void> {
  const platform = await setPlatform();
  const { client } = platform;
  try {
    const ids: string[] = [];
    const first = count - Times;
    const written = await timed(Math.ceil(first / Batch), async (at) => {
      const memories = Array.from({ length: Math.min(Batch, first - at * Batch) }, (_, row) => ({
        text: textOf(at * Batch + row),
      }));
      const { data } = await client.require<{ data: { memory: { id: string } }[] }>('POST', `${path}/batch`, {
        memories,
      });
      for (const { memory } of data) ids.push(memory.id);
    });
    const read = await timed(Times, () => client.require('GET', `${path}/${ids[0]}`));
    const recalled = await timed(Times, (at) =>
      client.require('POST', `${path}/recall`, { query: queryOf(at), limit: 8 }),
    );
    const added = await timed(Times, (at) => client.require('POST', path, { text: textOf(first + at) }));
    const proved = await timed(Times, (at) => client.require('GET', `${path}/${ids[(at * 7919) % ids.length]}/proof`));
    const verified = await timed(Verifications, async () => {
      const { valid } = await client.require<{ valid: boolean }>('GET', `${path}/verify`);
      if (!valid) throw new Error('the chain does not hold');
    });
    console.log(`${count} memories, load ${loadavg()[0]!.toFixed(1)}`);
    console.table({
      'a batch of 200 written, ms': summary(written),
      'one read by id, ms': summary(read),
      'recall, ms': summary(recalled),
      'one written, ms': summary(added),
      'one proved, ms': summary(proved),
      'the chain verified, ms': summary(verified),
    });
  } finally {
    await platform.stop();
  }
}

async function timed(times: number, work: (at: number) => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let at = 0; at < times; at++) {
    const started = performance.now();
    await work(at);
    took.push(performance.now() - started);
  }
  return took;
}

function summary(took: readonly number[]): { readonly p50: string; readonly p95: string } {
  return { p50: median([...took]).toFixed(1), p95: percentile([...took], 0.95).toFixed(1) };
}
