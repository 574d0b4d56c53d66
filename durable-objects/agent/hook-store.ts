/** All SQL about protocol hooks and their firings that are still to be done. */
import { toIso } from '../../shared/core/clock.ts';
import type { AgentId, ProtocolHookId } from '../../shared/core/ids.ts';
import { toKeptPrincipal, type Principal } from '../../shared/core/principal.ts';
import type { CreateProtocolHook, Moment, ProtocolHook } from '../../shared/contracts/agent-state.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { CarriedEvent } from '../../shared/contracts/events.ts';

export type KeptHook = CreateProtocolHook & {
  readonly id: ProtocolHookId;
  readonly agentId: AgentId;
  readonly agentLimit: number;
  readonly principal: Principal;
};
export type Firing = { readonly hook: KeptHook; readonly event: CarriedEvent };

type HookRow = {
  id: ProtocolHookId;
  agent_id: AgentId;
  moment: Moment;
  hook: string;
  agent_limit: number;
  principal: string;
  fired: number;
  held_back: number;
  last_fired_at: number | null;
  created_at: number;
};

const HourMs = 60 * 60_000;

export class HookStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** New, or changed. */
  put(hook: KeptHook, now: number): void {
    const { id, agentId, agentLimit, principal, moment, ...fields } = hook;
    this.#sql.exec(
      `INSERT INTO protocol_hooks (id, agent_id, moment, hook, agent_limit, principal, created_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
       ON CONFLICT (id) DO UPDATE SET hook = ?4, agent_limit = ?5, principal = ?6`,
      id,
      agentId,
      moment,
      JSON.stringify(fields),
      agentLimit,
      JSON.stringify(toKeptPrincipal(principal)),
      now,
    );
  }

  find(agentId: AgentId, id: string): KeptHook | undefined {
    return this.#rows('agent_id = ? AND id = ?', agentId, id).map(toKept)[0];
  }

  read(agentId: AgentId, id: string): ProtocolHook | undefined {
    return this.#rows('agent_id = ? AND id = ?', agentId, id).map(toHook)[0];
  }

  list(agentId: AgentId, limit: number, cursor: string | undefined): List<ProtocolHook> {
    const rows = this.#rows('agent_id = ? AND id > ? ORDER BY id LIMIT ?', agentId, cursor ?? '', limit + 1);
    return toList(rows.map(toHook), limit, ({ id }) => id);
  }

  count(agentId: AgentId): number {
    return this.#sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM protocol_hooks WHERE agent_id = ?', agentId).one()
      .n;
  }

  at(agentId: AgentId, moment: Moment): KeptHook[] {
    return this.#rows('agent_id = ? AND moment = ? ORDER BY id', agentId, moment)
      .map(toKept)
      .filter(({ enabled }) => enabled);
  }

  delete(agentId: AgentId, id: string): void {
    this.#sql.exec('DELETE FROM protocol_hooks WHERE agent_id = ? AND id = ?', agentId, id);
    this.#sql.exec('DELETE FROM hook_firings WHERE agent_id = ? AND hook_id = ?', agentId, id);
  }

  /** Counts one time more; false where it had its fill for this hour. */
  takeTurn({ id, max_per_hour: most }: KeptHook, now: number): boolean {
    this.#sql.exec(
      'UPDATE protocol_hooks SET hour_began_at = ?1, fired_this_hour = 0 WHERE id = ?2 AND hour_began_at <= ?1 - ?3',
      now,
      id,
      HourMs,
    );
    const taken = this.#sql.exec(
      `UPDATE protocol_hooks SET fired_this_hour = fired_this_hour + 1, fired = fired + 1, last_fired_at = ?
       WHERE id = ? AND fired_this_hour < ?`,
      now,
      id,
      most,
    );
    if (taken.rowsWritten > 0) return true;
    this.#sql.exec('UPDATE protocol_hooks SET held_back = held_back + 1 WHERE id = ?', id);
    return false;
  }

  /** It was counted, and then there was no room for what it was to do. */
  holdBack(id: ProtocolHookId): void {
    this.#sql.exec('UPDATE protocol_hooks SET held_back = held_back + 1, fired = fired - 1 WHERE id = ?', id);
  }

  addFiring({ hook, event }: Firing): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO hook_firings VALUES (?, ?, ?, ?)',
      hook.id,
      event.id,
      hook.agentId,
      JSON.stringify(event),
    );
  }

  hasFirings(): boolean {
    return (
      this.#sql.exec('SELECT 1 FROM hook_firings JOIN protocol_hooks ON id = hook_id LIMIT 1').toArray().length > 0
    );
  }

  firings(limit: number): Firing[] {
    return this.#sql
      .exec<HookRow & { event: string }>(
        `SELECT protocol_hooks.*, event FROM hook_firings JOIN protocol_hooks ON id = hook_id
         ORDER BY event_id, hook_id LIMIT ?`,
        limit,
      )
      .toArray()
      .map((row) => ({ hook: toKept(row), event: JSON.parse(row.event) as CarriedEvent }));
  }

  removeFiring({ hook, event }: Firing): void {
    this.#sql.exec('DELETE FROM hook_firings WHERE hook_id = ? AND event_id = ?', hook.id, event.id);
  }

  #rows(where: string, ...bound: SqlStorageValue[]): HookRow[] {
    return this.#sql.exec<HookRow>(`SELECT * FROM protocol_hooks WHERE ${where}`, ...bound).toArray();
  }
}

function toKept(row: HookRow): KeptHook {
  return {
    ...(JSON.parse(row.hook) as CreateProtocolHook),
    id: row.id,
    agentId: row.agent_id,
    moment: row.moment,
    agentLimit: row.agent_limit,
    principal: JSON.parse(row.principal) as Principal,
  };
}

function toHook(row: HookRow): ProtocolHook {
  return {
    object: 'agent.protocol_hook',
    id: row.id,
    agent: row.agent_id,
    ...(JSON.parse(row.hook) as CreateProtocolHook),
    moment: row.moment,
    fired: row.fired,
    held_back: row.held_back,
    last_fired_at: row.last_fired_at === null ? null : toIso(row.last_fired_at),
    created_at: toIso(row.created_at),
  };
}
