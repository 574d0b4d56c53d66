/**
 * `npm run bench -- memory`: the chain of 100,000 memories verified, an entry appended durably beside a Merkle frontier, a
 * proof made and checked. Medians; the load of the machine beside them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { mintId } from '../../shared/core/ids.ts';
import {
  appendCheckpoint,
  appendToChain,
  ChainVerifier,
  CheckpointEvery,
  emptyChain,
  type MemoryRecord,
} from '../../shared/store/memory-chain.ts';
import { checkInclusion, proveInclusion } from '../../shared/store/memory-proof.ts';
import { growFrontier, hashLeaf, type Frontier } from '../../shared/store/merkle.ts';
import { memoryDraft } from '../support/memory-factory.ts';
import { median, percentile } from './load.ts';

const Entries = 100_000;
const Rounds = 7;
const Appends = 300;

export async function benchMemory(): Promise<void> {
  const tenant = mintId('tenant', 0);
  const agent = mintId('agent', 0);
  const rows: MemoryRecord[] = [];
  let sealed = 0;
  let frontier: Frontier = [];
  const next = (text: string) => appendToChain(tenant, rows.at(-1) ?? emptyChain, memoryDraft(agent, { text }));
  while (rows.length < Entries) {
    rows.push(next(`Person ${rows.length} opened the garden in Riga on day ${rows.length % 365}.`));
    frontier = growFrontier(frontier, rows.length - sealed - 1, hashLeaf(rows.at(-1)!.hash));
    if (rows.length - sealed < CheckpointEvery) continue;
    const place = { id: mintId('memory', 0), agentId: agent, sealed, createdAt: 0 };
    rows.push(appendCheckpoint(tenant, rows.at(-1)!, place, frontier));
    [sealed, frontier] = [rows.length, []];
  }
  const verified = timed(Rounds, () => {
    const verifier = new ChainVerifier(tenant, agent);
    verifier.push(rows);
    if (!verifier.finish(rows.at(-1)!).valid) throw new Error('the chain does not hold');
  });
  const stretch = rows.slice(0, CheckpointEvery);
  const proofs = timed(20, () => void proveInclusion(stretch[511]!, stretch, rows[CheckpointEvery]!));
  const proof = proveInclusion(stretch[511]!, stretch, rows[CheckpointEvery]!);
  const checks = timed(200, () => void checkInclusion(proof));
  const appends = timeAppends(next, frontier);
  console.log(`load ${loadavg()[0]!.toFixed(1)}`);
  console.table({
    [`${rows.length} entries verified, ms`]: summary(verified),
    'proof made from 1,024 hashes, ms': summary(proofs),
    'proof checked, ms': summary(checks),
    'append with its transaction on disk, ms': summary(appends),
  });
}

/** SQLite with a write-ahead log, synced at every commit, as a Durable Object's is. */
function timeAppends(next: (text: string) => MemoryRecord, frontier: Frontier): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'freehold-bench-'));
  const database = new DatabaseSync(join(folder, 'chain.sqlite'));
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.exec('CREATE TABLE pending (sequence INTEGER PRIMARY KEY, record TEXT); CREATE TABLE head (state TEXT)');
    const insert = database.prepare('INSERT OR REPLACE INTO pending VALUES (?, ?)');
    const head = database.prepare('INSERT INTO head VALUES (?)');
    return timed(Appends, (round) => {
      const record = next(`Person ${round} closed the garden in Riga.`);
      const grown = growFrontier(frontier, 0, hashLeaf(record.hash));
      database.exec('BEGIN');
      insert.run(round, JSON.stringify(record));
      head.run(JSON.stringify(grown));
      database.exec('COMMIT');
    });
  } finally {
    database.close();
    rmSync(folder, { recursive: true });
  }
}

function timed(rounds: number, work: (round: number) => void): number[] {
  return Array.from({ length: rounds }, (_, round) => {
    const started = performance.now();
    work(round);
    return performance.now() - started;
  });
}

function summary(took: readonly number[]): { readonly p50: string; readonly p95: string } {
  return { p50: median([...took]).toFixed(3), p95: percentile([...took], 0.95).toFixed(3) };
}
