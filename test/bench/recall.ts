/** Recall end to end over HTTP: an agent with so many memories, queries that each name some of them. */
import { percentile } from './load.ts';
import type { RunningFreehold } from './stage.ts';

export type RecallRow = { readonly memories: number; readonly p50: number; readonly p95: number };

const Queries = 200;
const Writers = 8;
const subjects = [
  'invoice',
  'garden',
  'engine',
  'harbour',
  'violin',
  'glacier',
  'bakery',
  'satellite',
  'archive',
  'orchard',
];
const verbs = [
  'opened',
  'repaired',
  'painted',
  'measured',
  'delivered',
  'forgot',
  'described',
  'moved',
  'counted',
  'closed',
];
const places = ['Lisbon', 'Bergen', 'Kyoto', 'Quito', 'Tunis', 'Hobart', 'Riga', 'Accra', 'Lima', 'Graz'];

export async function measureRecall(freehold: RunningFreehold, sizes: readonly number[]): Promise<RecallRow[]> {
  const rows: RecallRow[] = [];
  for (const size of sizes) {
    const slug = `recall-${size}`;
    await freehold.client.require('POST', '/v1/agents', { slug, name: slug });
    let next = 0;
    await Promise.all(
      Array.from({ length: Writers }, async () => {
        for (let at = next++; at < size; at = next++) {
          await freehold.client.require('POST', `/v1/agents/${slug}/memories`, { text: textOf(at) });
        }
      }),
    );
    const took: number[] = [];
    for (let query = 0; query < Queries; query++) {
      const started = performance.now();
      await freehold.client.require('POST', `/v1/agents/${slug}/memories/recall`, { query: queryOf(query), limit: 8 });
      took.push(performance.now() - started);
    }
    rows.push({ memories: size, p50: percentile(took, 0.5), p95: percentile(took, 0.95) });
  }
  return rows;
}

export function queryOf(at: number): string {
  return `who ${verbs[at % 10]} the ${subjects[(at * 7) % 10]} in ${places[(at * 3) % 10]}`;
}

export function textOf(at: number): string {
  const person = `Person ${at}`;
  const place = places[Math.floor(at / 100) % 10];
  return `${person} ${verbs[at % 10]} the ${subjects[Math.floor(at / 10) % 10]} in ${place} on day ${at % 365}, and told number ${at * 7919}.`;
}
