/** All SQL of consolidation: the runs, what each has made, and when an agent's next one is due. */
import { toIso } from '../../shared/core/clock.ts';
import type { AgentId } from '../../shared/core/ids.ts';
import type { MemoryPolicy } from '../../shared/contracts/agents.ts';
import { toList, type List, type PageQuery } from '../../shared/contracts/common.ts';
import type { Consolidation } from '../../shared/contracts/memories.ts';
import type { ConsolidationReason } from '../../shared/store/consolidation.ts';

const DayMs = 86_400_000;
const periodMs = { daily: DayMs, weekly: 7 * DayMs } as const;

type Row = {
  id: string;
  agent_id: AgentId;
  author: string;
  near_duplicates: number;
  episodes: number;
  decayed: number;
  closed: number;
  whole: number;
  made_at: number;
  undone_at: number | null;
};

export class ConsolidationStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  begin(agentId: AgentId, id: string, author: string, now: number): void {
    this.#sql.exec('INSERT INTO consolidations VALUES (?, ?, ?, 0, 0, 0, 0, 0, ?, NULL)', agentId, id, author, now);
  }

  /** One memory that the run has made, out of so many. */
  add(agentId: AgentId, id: string, memory: string, reason: ConsolidationReason, sources: number): void {
    this.#sql.exec('INSERT INTO consolidated_memories VALUES (?, ?, ?)', agentId, memory, id);
    const column = { near_duplicates: 'near_duplicates', episode: 'episodes', decay: 'decayed' }[reason];
    this.#sql.exec(
      `UPDATE consolidations SET ${column} = ${column} + 1, closed = closed + ? WHERE agent_id = ? AND id = ?`,
      sources,
      agentId,
      id,
    );
  }

  /** Made by a run elsewhere, which is not known here and so not undone. */
  adopt(agentId: AgentId, id: string, memory: string): void {
    this.#sql.exec('INSERT INTO consolidated_memories VALUES (?, ?, ?)', agentId, memory, id);
  }

  /** Everything that was planned is done. */
  finish(agentId: AgentId, id: string): void {
    this.#sql.exec('UPDATE consolidations SET whole = 1 WHERE agent_id = ? AND id = ?', agentId, id);
  }

  markUndone(agentId: AgentId, id: string, now: number): void {
    this.#sql.exec('UPDATE consolidations SET undone_at = ? WHERE agent_id = ? AND id = ?', now, agentId, id);
  }

  find(agentId: AgentId, id: string): Consolidation | undefined {
    const row = this.#sql
      .exec<Row>('SELECT * FROM consolidations WHERE agent_id = ? AND id = ?', agentId, id)
      .toArray()[0];
    return row && toConsolidation(row);
  }

  /** Newest first. */
  list(agentId: AgentId, { limit, cursor }: PageQuery): List<Consolidation> {
    const rows = this.#sql
      .exec<Row>(
        'SELECT * FROM consolidations WHERE agent_id = ? AND id < ? ORDER BY id DESC LIMIT ?',
        agentId,
        cursor ?? '~',
        limit + 1,
      )
      .toArray();
    return toList(rows.map(toConsolidation), limit, ({ id }) => id);
  }

  /** What the run has made and nobody has deleted since. */
  made(agentId: AgentId, id: string): string[] {
    return this.#sql
      .exec<{ memory: string }>(
        'SELECT memory FROM consolidated_memories WHERE agent_id = ? AND consolidation = ?',
        agentId,
        id,
      )
      .toArray()
      .map(({ memory }) => memory);
  }

  isMade(agentId: AgentId, memory: string): boolean {
    return (
      this.#sql.exec('SELECT 1 FROM consolidated_memories WHERE agent_id = ? AND memory = ?', agentId, memory).toArray()
        .length > 0
    );
  }

  /** Whether a memory gave way to one that a run has made. */
  hasClosed(agentId: AgentId, memory: string): boolean {
    return (
      this.#sql
        .exec(
          `SELECT 1 FROM supersessions AS closing JOIN consolidated_memories AS made
             ON made.agent_id = closing.agent_id AND made.memory = closing.closed_by
           WHERE closing.agent_id = ? AND closing.id = ?`,
          agentId,
          memory,
        )
        .toArray().length > 0
    );
  }

  drop(agentId: AgentId, memory: string): void {
    this.#sql.exec('DELETE FROM consolidated_memories WHERE agent_id = ? AND memory = ?', agentId, memory);
  }

  /** Keeps what the agent's definition says; its first run is due a period after it began to say so. */
  setPolicy(agentId: AgentId, { max, consolidate }: MemoryPolicy, now: number): void {
    if (consolidate === 'never') {
      this.#sql.exec('DELETE FROM memory_policies WHERE agent_id = ?', agentId);
      return;
    }
    this.#sql.exec(
      `INSERT INTO memory_policies VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (agent_id) DO UPDATE SET next_at = IIF(consolidate = ?3, next_at, ?4), max = ?2, consolidate = ?3`,
      agentId,
      max,
      consolidate,
      now + periodMs[consolidate],
    );
  }

  endPolicy(agentId: AgentId): void {
    this.#sql.exec('DELETE FROM memory_policies WHERE agent_id = ?', agentId);
  }

  nextDueAt(): number | undefined {
    return (
      this.#sql.exec<{ at: number | null }>('SELECT MIN(next_at) AS at FROM memory_policies').toArray()[0]?.at ??
      undefined
    );
  }

  due(now: number): { readonly agentId: AgentId; readonly policy: MemoryPolicy } | undefined {
    const row = this.#sql
      .exec<{ agent_id: AgentId; max: number; consolidate: 'daily' | 'weekly' }>(
        'SELECT * FROM memory_policies WHERE next_at <= ? ORDER BY next_at LIMIT 1',
        now,
      )
      .toArray()[0];
    return row && { agentId: row.agent_id, policy: { max: row.max, consolidate: row.consolidate } };
  }

  /** The next run, a period from now on. */
  putOff(agentId: AgentId, { consolidate }: MemoryPolicy, now: number): void {
    if (consolidate === 'never') return;
    this.#sql.exec('UPDATE memory_policies SET next_at = ? WHERE agent_id = ?', now + periodMs[consolidate], agentId);
  }
}

function toConsolidation(row: Row): Consolidation {
  return {
    object: 'memory.consolidation',
    id: row.id,
    agent: row.agent_id,
    author: row.author,
    near_duplicates: row.near_duplicates,
    episodes: row.episodes,
    decayed: row.decayed,
    closed: row.closed,
    whole: row.whole === 1,
    created_at: toIso(row.made_at),
    undone_at: row.undone_at === null ? null : toIso(row.undone_at),
  };
}
