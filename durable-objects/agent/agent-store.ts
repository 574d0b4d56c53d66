/**
 * All SQL of an AgentObject: the head of each agent's memory chain, and the memories that are in the chain but not yet
 * confirmed in D1 and the index (an outbox: a crash in between is completed, never lost).
 */
import type { AgentId, MemoryId } from '../../shared/core/ids.ts';
import { emptyChain, type ChainHead, type MemoryRecord } from '../../shared/store/memory-chain.ts';

export type PendingDeletion = { readonly agentId: AgentId; readonly id: MemoryId; readonly embeddingSpace: string };

export class AgentStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  head(agentId: AgentId): ChainHead {
    return (
      this.#sql
        .exec<ChainHead & Record<string, SqlStorageValue>>(
          'SELECT sequence, hash FROM chain_heads WHERE agent_id = ?',
          agentId,
        )
        .toArray()[0] ?? emptyChain
    );
  }

  append(agentId: AgentId, record: MemoryRecord): void {
    this.#sql.exec(
      `INSERT INTO chain_heads VALUES (?1, ?2, ?3)
       ON CONFLICT (agent_id) DO UPDATE SET sequence = ?2, hash = ?3`,
      agentId,
      record.sequence,
      record.hash,
    );
    this.#sql.exec(
      'INSERT INTO pending_memories VALUES (?, ?, ?, ?)',
      agentId,
      record.sequence,
      record.id,
      JSON.stringify(record),
    );
  }

  findPending(agentId: AgentId, id: MemoryId): MemoryRecord | undefined {
    const row = this.#sql
      .exec<{ record: string }>('SELECT record FROM pending_memories WHERE agent_id = ? AND id = ?', agentId, id)
      .toArray()[0];
    return row && (JSON.parse(row.record) as MemoryRecord);
  }

  pending(limit: number): MemoryRecord[] {
    return this.#sql
      .exec<{ record: string }>('SELECT record FROM pending_memories ORDER BY agent_id, sequence LIMIT ?', limit)
      .toArray()
      .map((row) => JSON.parse(row.record) as MemoryRecord);
  }

  pendingOf(agentId: AgentId): MemoryRecord[] {
    return this.#sql
      .exec<{ record: string }>('SELECT record FROM pending_memories WHERE agent_id = ? ORDER BY sequence', agentId)
      .toArray()
      .map((row) => JSON.parse(row.record) as MemoryRecord);
  }

  confirm(record: MemoryRecord): void {
    this.#sql.exec('DELETE FROM pending_memories WHERE agent_id = ? AND sequence = ?', record.agentId, record.sequence);
  }

  planDeletion(deletion: PendingDeletion): void {
    const { agentId, id, embeddingSpace } = deletion;
    this.#sql.exec('INSERT OR IGNORE INTO pending_deletions VALUES (?, ?, ?)', agentId, id, embeddingSpace);
  }

  pendingDeletions(limit: number): PendingDeletion[] {
    return this.#sql
      .exec<{ agentId: AgentId; id: MemoryId; embeddingSpace: string }>(
        'SELECT agent_id AS agentId, id, embedding_space AS embeddingSpace FROM pending_deletions LIMIT ?',
        limit,
      )
      .toArray();
  }

  confirmDeletion(deletion: PendingDeletion): void {
    this.#sql.exec('DELETE FROM pending_deletions WHERE agent_id = ? AND id = ?', deletion.agentId, deletion.id);
  }

  hasPending(): boolean {
    return (
      this.#sql.exec('SELECT 1 FROM pending_memories UNION ALL SELECT 1 FROM pending_deletions LIMIT 1').toArray()
        .length > 0
    );
  }
}
