/** All SQL of the embedding spaces of agents: each follows the chain of its agent, and `reached` says how far it has come. */
import type { AgentId } from '../../shared/core/ids.ts';
import type { Failure } from '../../shared/core/failure.ts';
import { toKeptPrincipal, type Principal } from '../../shared/core/principal.ts';
import type { EmbeddingChoice } from '../../shared/contracts/memory-embedding.ts';

/** `current`: recall answers by it. `next`: it will. `leaving`: its vectors go. An agent has at most one of the first two each. */
export type SpaceRole = 'current' | 'next' | 'leaving';
export type MemorySpace = EmbeddingChoice & {
  readonly agentId: AgentId;
  readonly role: SpaceRole;
  /** The last entry of the chain that is embedded; of a leaving space, the last one whose vector is gone. */
  readonly reached: number;
  readonly refused: number;
  readonly attempts: number;
  readonly failure: Pick<Failure, 'code' | 'message'> | null;
};

type Row = {
  agent_id: AgentId;
  space: string;
  model: string;
  dimensions: number;
  semantic: number;
  principal: string;
  role: SpaceRole;
  reached: number;
  refused: number;
  attempts: number;
  failure: string | null;
};

/** The last entry that is in D1 together with all before it. */
const Settled = `COALESCE(
  (SELECT MIN(sequence) - 1 FROM pending_memories WHERE pending_memories.agent_id = memory_spaces.agent_id),
  (SELECT sequence FROM chain_heads WHERE chain_heads.agent_id = memory_spaces.agent_id),
  0
)`;
const HasWork = `(role = 'leaving' OR reached < ${Settled})`;

export class SpaceStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  list(agentId: AgentId): MemorySpace[] {
    return this.#sql
      .exec<Row>('SELECT * FROM memory_spaces WHERE agent_id = ? ORDER BY space', agentId)
      .toArray()
      .map(toSpace);
  }

  find(agentId: AgentId, role: 'current' | 'next'): MemorySpace | undefined {
    return this.list(agentId).find((space) => space.role === role);
  }

  /** The space is `next`, from the beginning of the chain, unless it is in use: then it is chosen on another account. */
  choose(agentId: AgentId, choice: EmbeddingChoice, now: number): void {
    const { space, model, dimensions, semantic, principal } = choice;
    this.#leave(agentId, now, `space <> ? AND role = 'next'`, space);
    this.#sql.exec(
      `INSERT INTO memory_spaces (agent_id, space, model, dimensions, semantic, principal, role, due_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'next', ?7)
       ON CONFLICT (agent_id, space) DO UPDATE SET
         model = ?3, dimensions = ?4, semantic = ?5, principal = ?6, due_at = ?7, attempts = 0, failure = NULL,
         reached = CASE role WHEN 'leaving' THEN 0 ELSE reached END,
         refused = CASE role WHEN 'leaving' THEN 0 ELSE refused END,
         role = CASE role WHEN 'leaving' THEN 'next' ELSE role END`,
      agentId,
      space,
      model,
      dimensions,
      semantic ? 1 : 0,
      JSON.stringify(toKeptPrincipal(principal)),
      now,
    );
  }

  /** `deleteAt`: not before, so that a recall that has begun in the space ends in it. */
  leaveAll(agentId: AgentId, deleteAt: number): void {
    this.#leave(agentId, deleteAt, 'TRUE');
  }

  /** Whether `next` has come to the end of the chain: it is the current one from here on, and the one before leaves. */
  settle(agentId: AgentId, deleteAt: number): boolean {
    const whole = this.#sql
      .exec<{ space: string }>(
        `SELECT space FROM memory_spaces WHERE agent_id = ? AND role = 'next' AND reached >= ${Settled}`,
        agentId,
      )
      .toArray()[0];
    if (!whole) return false;
    this.#leave(agentId, deleteAt, `role = 'current'`);
    this.#sql.exec(`UPDATE memory_spaces SET role = 'current' WHERE agent_id = ? AND space = ?`, agentId, whole.space);
    return true;
  }

  /** The last entry that a space may take: what comes after it may not be in D1 yet. */
  settled({ agentId, space }: MemorySpace): number {
    return this.#sql
      .exec<{ settled: number }>(
        `SELECT ${Settled} AS settled FROM memory_spaces WHERE agent_id = ? AND space = ?`,
        agentId,
        space,
      )
      .one().settled;
  }

  nextDueAt(): number | undefined {
    const { due } = this.#sql
      .exec<{ due: number | null }>(`SELECT MIN(due_at) AS due FROM memory_spaces WHERE ${HasWork}`)
      .one();
    return due ?? undefined;
  }

  due(now: number): MemorySpace | undefined {
    const row = this.#sql
      .exec<Row>(`SELECT * FROM memory_spaces WHERE due_at <= ? AND ${HasWork} ORDER BY due_at LIMIT 1`, now)
      .toArray()[0];
    return row && toSpace(row);
  }

  advance({ agentId, space, role }: MemorySpace, reached: number, refused: number, dueAt: number): void {
    // A space that was given up meanwhile has begun to count anew.
    this.#sql.exec(
      `UPDATE memory_spaces SET reached = ?, refused = refused + ?, due_at = MAX(due_at, ?), attempts = 0, failure = NULL
       WHERE agent_id = ? AND space = ? AND role = ?`,
      reached,
      refused,
      dueAt,
      agentId,
      space,
      role,
    );
  }

  fail({ agentId, space }: MemorySpace, { code, message }: Failure, dueAt: number): void {
    this.#sql.exec(
      'UPDATE memory_spaces SET attempts = attempts + 1, failure = ?, due_at = ? WHERE agent_id = ? AND space = ?',
      JSON.stringify({ code, message }),
      dueAt,
      agentId,
      space,
    );
  }

  remove(agentId: AgentId, space: string): void {
    this.#sql.exec('DELETE FROM memory_spaces WHERE agent_id = ? AND space = ?', agentId, space);
  }

  #leave(agentId: AgentId, deleteAt: number, where: string, ...bound: readonly string[]): void {
    this.#sql.exec(
      `UPDATE memory_spaces SET role = 'leaving', reached = 0, attempts = 0, failure = NULL, due_at = ?
       WHERE agent_id = ? AND role <> 'leaving' AND (${where})`,
      deleteAt,
      agentId,
      ...bound,
    );
  }
}

function toSpace(row: Row): MemorySpace {
  const { space, model, dimensions, role, reached, refused, attempts } = row;
  return {
    agentId: row.agent_id,
    space,
    model,
    dimensions,
    semantic: row.semantic === 1,
    principal: JSON.parse(row.principal) as Principal,
    role,
    reached,
    refused,
    attempts,
    failure: row.failure === null ? null : (JSON.parse(row.failure) as MemorySpace['failure']),
  };
}
