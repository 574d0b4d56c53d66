/** All SQL about an agent's goals and persona, the history of its state, and the trace of what it did. */
import { toIso } from '../../shared/core/clock.ts';
import type { AgentId, GoalId } from '../../shared/core/ids.ts';
import type { JsonChange } from '../../shared/core/diff-json.ts';
import type { Persona } from '../../shared/contracts/agents.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { CarriedEvent } from '../../shared/contracts/events.ts';
import type {
  Goal,
  GoalQuery,
  StateChange,
  StateChangeQuery,
  StatePart,
  TraceEntry,
} from '../../shared/contracts/agent-state.ts';

/** Newest rows of an agent that are kept; a few more lie there until the next sweep. */
export const MaxHistory = 1_000;
export const MaxTrace = 1_000;
const SweepEvery = 100;

const ownTables = ['goals', 'personas', 'protocol_hooks', 'hook_firings', 'state_changes', 'trace'];

type GoalRow = {
  id: GoalId;
  agent_id: AgentId;
  text: string;
  note: string;
  status: Goal['status'];
  created_kind: string;
  created_id: string;
  created_at: number;
  updated_at: number;
};
type ChangeRow = {
  position: number;
  agent_id: AgentId;
  id: string;
  part: StatePart;
  item: string | null;
  actor_kind: string;
  actor_id: string;
  response_id: string | null;
  changes: string;
  created_at: number;
};
type TraceRow = { agent_id: AgentId; id: string; type: string; data: string; created_at: number };

export type NewChange = {
  readonly id: string;
  readonly agentId: AgentId;
  readonly part: StatePart;
  readonly item: string | null;
  readonly actor: AuditActor;
  readonly response: string | null;
  readonly changes: readonly JsonChange[];
};

export class StateStore {
  readonly #sql: SqlStorage;
  #insertsSinceSweep = SweepEvery - 1;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  putGoal(goal: Goal): void {
    this.#sql.exec(
      `INSERT INTO goals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
       ON CONFLICT (id) DO UPDATE SET text = ?3, note = ?4, status = ?5, updated_at = ?9`,
      goal.id,
      goal.agent,
      goal.text,
      goal.note,
      goal.status,
      goal.created_by.kind,
      goal.created_by.id,
      Date.parse(goal.created_at),
      Date.parse(goal.updated_at),
    );
  }

  findGoal(agentId: AgentId, id: string): Goal | undefined {
    return this.#goals('agent_id = ? AND id = ?', agentId, id)[0];
  }

  listGoals(agentId: AgentId, { limit, cursor, status }: GoalQuery): List<Goal> {
    const goals = this.#goals(
      'agent_id = ? AND id > ? AND (?3 IS NULL OR status = ?3) ORDER BY id LIMIT ?',
      agentId,
      cursor ?? '',
      status ?? null,
      limit + 1,
    );
    return toList(goals, limit, ({ id }) => id);
  }

  activeGoals(agentId: AgentId): Goal[] {
    return this.#goals(`agent_id = ? AND status = 'active' ORDER BY id`, agentId);
  }

  deleteGoal(agentId: AgentId, id: string): void {
    this.#sql.exec('DELETE FROM goals WHERE agent_id = ? AND id = ?', agentId, id);
  }

  /** The oldest of those that are not active go. */
  dropEndedGoals(agentId: AgentId, keep: number): void {
    this.#sql.exec(
      `DELETE FROM goals WHERE id IN
         (SELECT id FROM goals WHERE agent_id = ? AND status <> 'active' ORDER BY updated_at DESC LIMIT -1 OFFSET ?)`,
      agentId,
      keep,
    );
  }

  findPersona(agentId: AgentId): { readonly persona: Persona; readonly updatedAt: number } | undefined {
    const row = this.#sql
      .exec<{ persona: string; updated_at: number }>('SELECT * FROM personas WHERE agent_id = ?', agentId)
      .toArray()[0];
    return row && { persona: JSON.parse(row.persona) as Persona, updatedAt: row.updated_at };
  }

  putPersona(agentId: AgentId, persona: Persona, now: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO personas VALUES (?, ?, ?)', agentId, JSON.stringify(persona), now);
  }

  deletePersona(agentId: AgentId): void {
    this.#sql.exec('DELETE FROM personas WHERE agent_id = ?', agentId);
  }

  addChange({ id, agentId, part, item, actor, response, changes }: NewChange, now: number): void {
    this.#sql.exec(
      `INSERT INTO state_changes
         (agent_id, id, part, item, actor_kind, actor_id, response_id, changes, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      agentId,
      id,
      part,
      item,
      actor.kind,
      actor.id,
      response,
      JSON.stringify(changes),
      now,
    );
    this.#keepNewest('state_changes', 'position', agentId, MaxHistory);
  }

  /** Newest first. */
  listChanges(agentId: AgentId, { limit, cursor, part }: StateChangeQuery): List<StateChange> {
    const rows = this.#sql
      .exec<ChangeRow>(
        `SELECT * FROM state_changes WHERE agent_id = ? AND position < ? AND (?3 IS NULL OR part = ?3)
         ORDER BY position DESC LIMIT ?`,
        agentId,
        cursor === undefined ? Number.MAX_SAFE_INTEGER : Number.parseInt(cursor, 10) || 0,
        part ?? null,
        limit + 1,
      )
      .toArray();
    const list = toList(rows, limit, ({ position }) => String(position));
    return { ...list, data: list.data.map(toChange) };
  }

  /** False where it is in already: events come at least once. */
  addTrace(agentId: AgentId, { id, at, type, data }: CarriedEvent): boolean {
    const added = this.#sql.exec(
      'INSERT OR IGNORE INTO trace VALUES (?, ?, ?, ?, ?)',
      agentId,
      id,
      type,
      JSON.stringify(data),
      at,
    );
    if (added.rowsWritten === 0) return false;
    if (++this.#insertsSinceSweep % SweepEvery === 0) this.#keepNewest('trace', 'id', agentId, MaxTrace);
    return true;
  }

  /** Newest first. */
  listTrace(agentId: AgentId, limit: number, cursor: string | undefined): List<TraceEntry> {
    const rows = this.#sql
      .exec<TraceRow>(
        'SELECT * FROM trace WHERE agent_id = ? AND id < ? ORDER BY id DESC LIMIT ?',
        agentId,
        cursor ?? '~',
        limit + 1,
      )
      .toArray();
    return toList(rows.map(toTraceEntry), limit, ({ id }) => id);
  }

  deleteAll(agentId: AgentId): void {
    for (const table of ownTables) this.#sql.exec(`DELETE FROM ${table} WHERE agent_id = ?`, agentId);
  }

  #keepNewest(table: 'state_changes' | 'trace', order: 'position' | 'id', agentId: AgentId, count: number): void {
    this.#sql.exec(
      `DELETE FROM ${table} WHERE agent_id = ?1 AND ${order} <=
         (SELECT ${order} FROM ${table} WHERE agent_id = ?1 ORDER BY ${order} DESC LIMIT 1 OFFSET ?2)`,
      agentId,
      count,
    );
  }

  #goals(where: string, ...bound: SqlStorageValue[]): Goal[] {
    return this.#sql
      .exec<GoalRow>(`SELECT * FROM goals WHERE ${where}`, ...bound)
      .toArray()
      .map(toGoal);
  }
}

function toGoal(row: GoalRow): Goal {
  return {
    object: 'agent.goal',
    id: row.id,
    agent: row.agent_id,
    text: row.text,
    note: row.note,
    status: row.status,
    created_by: { kind: row.created_kind, id: row.created_id },
    created_at: toIso(row.created_at),
    updated_at: toIso(row.updated_at),
  };
}

function toChange(row: ChangeRow): StateChange {
  return {
    object: 'agent.state_change',
    id: row.id,
    agent: row.agent_id,
    part: row.part,
    item: row.item,
    actor: { kind: row.actor_kind, id: row.actor_id },
    response: row.response_id,
    changes: JSON.parse(row.changes) as StateChange['changes'],
    created_at: toIso(row.created_at),
  };
}

function toTraceEntry(row: TraceRow): TraceEntry {
  return {
    object: 'agent.trace_entry',
    id: row.id,
    agent: row.agent_id,
    type: row.type,
    data: JSON.parse(row.data) as TraceEntry['data'],
    created_at: toIso(row.created_at),
  };
}
