/** All SQL about schedules. */
import { toIso } from '../../shared/core/clock.ts';
import type { AgentId, ScheduleId } from '../../shared/core/ids.ts';
import { toKeptPrincipal, type Principal } from '../../shared/core/principal.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { CreateSchedule, Schedule } from '../../shared/contracts/tasks.ts';

/** What each of its tasks is made of. */
export type ScheduledTask = Pick<CreateSchedule, 'input' | 'lane' | 'priority' | 'max_attempts' | 'metadata'>;

export type KeptSchedule = {
  readonly id: ScheduleId;
  readonly agentId: AgentId;
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly enabled: boolean;
  readonly task: ScheduledTask;
  readonly agentLimit: number;
  readonly principal: Principal;
  readonly nextAt: number | null;
  /** `OwnWork`: the agent made it itself, and gives itself what it makes. */
  readonly origin: string | null;
};

type ScheduleRow = {
  id: ScheduleId;
  agent_id: AgentId;
  name: string;
  cron: string;
  timezone: string;
  enabled: number;
  task: string;
  agent_limit: number;
  principal: string;
  next_at: number | null;
  origin: string | null;
  last_at: number | null;
  last_task: string | null;
  created_at: number;
};

export class ScheduleStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  insert(schedule: KeptSchedule, now: number): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO schedules VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?)',
      schedule.id,
      schedule.agentId,
      schedule.name,
      schedule.cron,
      schedule.timezone,
      Number(schedule.enabled),
      JSON.stringify(schedule.task),
      schedule.agentLimit,
      JSON.stringify(toKeptPrincipal(schedule.principal)),
      schedule.nextAt,
      now,
      schedule.origin,
    );
  }

  update({ id, name, cron, timezone, enabled, task, nextAt }: KeptSchedule): void {
    this.#sql.exec(
      'UPDATE schedules SET name = ?, cron = ?, timezone = ?, enabled = ?, task = ?, next_at = ? WHERE id = ?',
      name,
      cron,
      timezone,
      Number(enabled),
      JSON.stringify(task),
      nextAt,
      id,
    );
  }

  find(agentId: AgentId, id: string): KeptSchedule | undefined {
    const row = this.#rows('SELECT * FROM schedules WHERE agent_id = ? AND id = ?', agentId, id)[0];
    return row && toKept(row);
  }

  read(agentId: AgentId, id: string): Schedule | undefined {
    const row = this.#rows('SELECT * FROM schedules WHERE agent_id = ? AND id = ?', agentId, id)[0];
    return row && toSchedule(row);
  }

  list(agentId: AgentId, limit: number, cursor: string | undefined): List<Schedule> {
    const rows = this.#rows(
      'SELECT * FROM schedules WHERE agent_id = ? AND id > ? ORDER BY id LIMIT ?',
      agentId,
      cursor ?? '',
      limit + 1,
    );
    return toList(rows.map(toSchedule), limit, ({ id }) => id);
  }

  count(agentId: AgentId): number {
    return this.#sql
      .exec<{ n: number }>('SELECT COUNT(*) AS n FROM schedules WHERE agent_id = ?', agentId)
      .toArray()[0]!.n;
  }

  countOfOrigin(agentId: AgentId, origin: string): number {
    return this.#sql
      .exec<{ n: number }>('SELECT COUNT(*) AS n FROM schedules WHERE agent_id = ? AND origin = ?', agentId, origin)
      .one().n;
  }

  delete(agentId: AgentId, id: string): boolean {
    return this.#sql.exec('DELETE FROM schedules WHERE agent_id = ? AND id = ?', agentId, id).rowsWritten > 0;
  }

  due(now: number, limit: number): KeptSchedule[] {
    return this.#rows(
      'SELECT * FROM schedules WHERE enabled = 1 AND next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT ?',
      now,
      limit,
    ).map(toKept);
  }

  nextDueAt(): number | undefined {
    return (
      this.#sql
        .exec<{ at: number | null }>(
          'SELECT MIN(next_at) AS at FROM schedules WHERE enabled = 1 AND next_at IS NOT NULL',
        )
        .toArray()[0]?.at ?? undefined
    );
  }

  markRun(id: ScheduleId, ranAt: number, task: string, nextAt: number | null): void {
    this.#sql.exec(
      'UPDATE schedules SET last_at = ?, last_task = ?, next_at = ? WHERE id = ?',
      ranAt,
      task,
      nextAt,
      id,
    );
  }

  #rows(query: string, ...bound: SqlStorageValue[]): ScheduleRow[] {
    return this.#sql.exec<ScheduleRow>(query, ...bound).toArray();
  }
}

function toKept(row: ScheduleRow): KeptSchedule {
  return {
    id: row.id,
    agentId: row.agent_id,
    name: row.name,
    cron: row.cron,
    timezone: row.timezone,
    enabled: row.enabled === 1,
    task: JSON.parse(row.task) as ScheduledTask,
    agentLimit: row.agent_limit,
    principal: JSON.parse(row.principal) as Principal,
    nextAt: row.next_at,
    origin: row.origin,
  };
}

function toSchedule(row: ScheduleRow): Schedule {
  const iso = (at: number | null) => (at === null ? null : toIso(at));
  return {
    object: 'schedule',
    id: row.id,
    agent: row.agent_id,
    name: row.name,
    cron: row.cron,
    timezone: row.timezone,
    enabled: row.enabled === 1,
    ...(JSON.parse(row.task) as ScheduledTask),
    next_run_at: row.enabled === 1 ? iso(row.next_at) : null,
    last_run_at: iso(row.last_at),
    last_task: row.last_task,
    created_at: toIso(row.created_at),
  };
}
