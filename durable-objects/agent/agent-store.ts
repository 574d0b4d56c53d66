/**
 * All SQL of an AgentObject about memories: each agent's chain (its head, what its next checkpoint seals), what is known
 * already, what was superseded, and the memories that are in the chain but not yet confirmed in D1 and the index (an
 * outbox: a crash in between is completed, never lost).
 */
import type { AgentId, MemoryId } from '../../shared/core/ids.ts';
import { emptyChain, type ChainHead, type MemoryRecord } from '../../shared/store/memory-chain.ts';
import type { Frontier } from '../../shared/store/merkle.ts';

/** `traceparent`: of the request that asked for it. */
export type PendingDeletion = {
  readonly agentId: AgentId;
  readonly id: MemoryId;
  readonly embeddingSpace: string;
  readonly traceparent: string | null;
};
/** `leaves`: how many entries after the checkpoint `sealed` the frontier holds; all of them, but for an old chain. */
export type ChainState = ChainHead & {
  readonly sealed: number;
  readonly leaves: number;
  readonly frontier: Frontier;
};
export type MemoryCounts = {
  readonly live: number;
  readonly written: number;
  readonly refused: number;
  readonly forgotten: number;
};

export type MemoryChange = { readonly [K in 'written' | 'refused' | 'forgotten' | 'closed']?: number };

/** A record that waits since an earlier release lacks the members that came later. */
const absent = {
  tags: [],
  subject: null,
  visitor: null,
  readers: [],
  sources: [],
  salt: null,
  commitment: null,
  closedAt: null,
  closedBy: null,
  origin: null,
} as const;

export class AgentStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  head(agentId: AgentId): ChainHead {
    const { sequence, hash } = this.chain(agentId);
    return { sequence, hash };
  }

  chain(agentId: AgentId): ChainState {
    const row = this.#sql
      .exec<{ sequence: number; hash: string; sealed: number; leaves: number; frontier: string }>(
        'SELECT sequence, hash, sealed, leaves, frontier FROM chain_heads WHERE agent_id = ?',
        agentId,
      )
      .toArray()[0];
    if (!row) return { ...emptyChain, sealed: 0, leaves: 0, frontier: [] };
    return { ...row, frontier: JSON.parse(row.frontier) as Frontier };
  }

  setChain(agentId: AgentId, { sequence, hash, sealed, leaves, frontier }: ChainState): void {
    this.#sql.exec(
      `INSERT INTO chain_heads (agent_id, sequence, hash, sealed, leaves, frontier) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
       ON CONFLICT (agent_id) DO UPDATE SET sequence = ?2, hash = ?3, sealed = ?4, leaves = ?5, frontier = ?6`,
      agentId,
      sequence,
      hash,
      sealed,
      leaves,
      JSON.stringify(frontier),
    );
  }

  addPending(agentId: AgentId, record: MemoryRecord): void {
    this.#sql.exec(
      'INSERT INTO pending_memories VALUES (?, ?, ?, ?)',
      agentId,
      record.sequence,
      record.id,
      JSON.stringify(record),
    );
  }

  /** The checkpoint up to which the chain was verified. */
  verified(agentId: AgentId): ChainHead {
    const row = this.#sql
      .exec<{ sequence: number; hash: string | null }>(
        'SELECT verified_sequence AS sequence, verified_hash AS hash FROM chain_heads WHERE agent_id = ?',
        agentId,
      )
      .toArray()[0];
    return row?.hash ? { sequence: row.sequence, hash: row.hash } : emptyChain;
  }

  setVerified(agentId: AgentId, { sequence, hash }: ChainHead): void {
    this.#sql.exec(
      'UPDATE chain_heads SET verified_sequence = ?, verified_hash = ? WHERE agent_id = ?',
      sequence,
      hash,
      agentId,
    );
  }

  findGist(agentId: AgentId, gist: string): string | undefined {
    return this.#sql
      .exec<{ id: string }>('SELECT id FROM memory_gists WHERE agent_id = ? AND gist = ?', agentId, gist)
      .toArray()[0]?.id;
  }

  setGist(agentId: AgentId, gist: string, id: string): void {
    this.#sql.exec('INSERT OR REPLACE INTO memory_gists VALUES (?, ?, ?)', agentId, gist, id);
  }

  /** It no longer stands in the way of the same words: it was closed or forgotten. */
  dropGist(agentId: AgentId, id: string): void {
    this.#sql.exec('DELETE FROM memory_gists WHERE agent_id = ? AND id = ?', agentId, id);
  }

  /** The same words are known by the one that stands for them. */
  moveGists(agentId: AgentId, from: readonly string[], to: string): void {
    this.#sql.exec(
      'UPDATE memory_gists SET id = ?1 WHERE agent_id = ?2 AND id IN (SELECT value FROM json_each(?3))',
      to,
      agentId,
      JSON.stringify(from),
    );
  }

  /** Again what is known by these words, unless something else is by now. */
  restoreGist(agentId: AgentId, gist: string, id: string): void {
    this.#sql.exec('INSERT OR IGNORE INTO memory_gists VALUES (?, ?, ?)', agentId, gist, id);
  }

  isSuperseded(agentId: AgentId, id: string): boolean {
    return (
      this.#sql.exec('SELECT 1 FROM supersessions WHERE agent_id = ? AND id = ?', agentId, id).toArray().length > 0
    );
  }

  supersede(agentId: AgentId, id: string, by: string): void {
    this.#sql.exec('INSERT INTO supersessions VALUES (?, ?, ?)', agentId, id, by);
    this.dropGist(agentId, id);
  }

  closedBy(agentId: AgentId, by: string): string[] {
    return this.#sql
      .exec<{ id: string }>('SELECT id FROM supersessions WHERE agent_id = ? AND closed_by = ?', agentId, by)
      .toArray()
      .map(({ id }) => id);
  }

  /** What gave way to it is open again. */
  reopen(agentId: AgentId, by: string): void {
    this.#sql.exec('DELETE FROM supersessions WHERE agent_id = ? AND closed_by = ?', agentId, by);
  }

  /** Undefined before anything was counted. */
  counts(agentId: AgentId): MemoryCounts | undefined {
    return this.#sql
      .exec<MemoryCounts & Record<string, SqlStorageValue>>(
        'SELECT live, written, refused, forgotten FROM memory_counts WHERE agent_id = ?',
        agentId,
      )
      .toArray()[0];
  }

  beginCounts(agentId: AgentId, live: number): void {
    this.#sql.exec('INSERT OR IGNORE INTO memory_counts (agent_id, live) VALUES (?, ?)', agentId, live);
  }

  /** `closed`, by consolidation: they are there, and take no room. */
  count(agentId: AgentId, change: MemoryChange): void {
    const { written = 0, refused = 0, forgotten = 0, closed = 0 } = change;
    this.#sql.exec(
      `UPDATE memory_counts SET live = MAX(0, live + ?1 - ?3 - ?5), written = written + ?1, refused = refused + ?2,
         forgotten = forgotten + ?3 WHERE agent_id = ?4`,
      written,
      refused,
      forgotten,
      agentId,
      closed,
    );
  }

  hasEnded(agentId: AgentId): boolean {
    return this.#sql.exec('SELECT 1 FROM ended_agents WHERE agent_id = ?', agentId).toArray().length > 0;
  }

  end(agentId: AgentId, now: number): void {
    this.#sql.exec('INSERT OR IGNORE INTO ended_agents VALUES (?, ?)', agentId, now);
  }

  findPending(agentId: AgentId, id: MemoryId): MemoryRecord | undefined {
    const row = this.#sql
      .exec<{ record: string }>('SELECT record FROM pending_memories WHERE agent_id = ? AND id = ?', agentId, id)
      .toArray()[0];
    return row && revive(row.record);
  }

  pending(limit: number): MemoryRecord[] {
    return this.#sql
      .exec<{ record: string }>('SELECT record FROM pending_memories ORDER BY agent_id, sequence LIMIT ?', limit)
      .toArray()
      .map((row) => revive(row.record));
  }

  pendingOf(agentId: AgentId): MemoryRecord[] {
    return this.#sql
      .exec<{ record: string }>('SELECT record FROM pending_memories WHERE agent_id = ? ORDER BY sequence', agentId)
      .toArray()
      .map((row) => revive(row.record));
  }

  confirm(record: MemoryRecord): void {
    this.#sql.exec('DELETE FROM pending_memories WHERE agent_id = ? AND sequence = ?', record.agentId, record.sequence);
  }

  /** What waits to be carried is carried no more: its row is in D1, where the deletion finds it. */
  planDeletion(deletion: PendingDeletion): void {
    const { agentId, id, embeddingSpace, traceparent } = deletion;
    this.#sql.exec(
      'INSERT OR IGNORE INTO pending_deletions VALUES (?, ?, ?, ?)',
      agentId,
      id,
      embeddingSpace,
      traceparent,
    );
    this.#sql.exec('DELETE FROM pending_memories WHERE agent_id = ? AND id = ?', agentId, id);
    this.dropGist(agentId, id);
  }

  /** Noted to be forgotten, and not yet gone everywhere. */
  isGoing(agentId: AgentId, id: string): boolean {
    return (
      this.#sql.exec('SELECT 1 FROM pending_deletions WHERE agent_id = ? AND id = ?', agentId, id).toArray().length > 0
    );
  }

  goingOf(agentId: AgentId): ReadonlySet<string> {
    const rows = this.#sql.exec<{ id: string }>('SELECT id FROM pending_deletions WHERE agent_id = ?', agentId);
    return new Set(rows.toArray().map(({ id }) => id));
  }

  /** The newest first: what was made from others goes before them. */
  pendingDeletions(limit: number): PendingDeletion[] {
    return this.#sql
      .exec<PendingDeletion>(
        `SELECT agent_id AS agentId, id, embedding_space AS embeddingSpace, traceparent
         FROM pending_deletions ORDER BY id DESC LIMIT ?`,
        limit,
      )
      .toArray();
  }

  /** Whether it was still to be confirmed. */
  confirmDeletion({ agentId, id }: PendingDeletion): boolean {
    return this.#sql.exec('DELETE FROM pending_deletions WHERE agent_id = ? AND id = ?', agentId, id).rowsWritten > 0;
  }

  hasPending(): boolean {
    return (
      this.#sql.exec('SELECT 1 FROM pending_memories UNION ALL SELECT 1 FROM pending_deletions LIMIT 1').toArray()
        .length > 0
    );
  }
}

function revive(record: string): MemoryRecord {
  return { ...absent, ...(JSON.parse(record) as MemoryRecord) };
}
