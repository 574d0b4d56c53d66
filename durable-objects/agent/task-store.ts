/**
 * All SQL about tasks. A task is in exactly one state, and every change of it is one statement; a task that has ended
 * changes only by being queued again.
 */
import { toIso } from '../../shared/core/clock.ts';
import type { AgentId, ConversationId, ResponseId, ScheduleId, TaskId } from '../../shared/core/ids.ts';
import { toKeptPrincipal, type Principal } from '../../shared/core/principal.ts';
import type { Origin } from '../../shared/core/trace.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { Lane, Task, TaskQuery, TaskStatus } from '../../shared/contracts/tasks.ts';
import type { TaskError } from './task-outcome.ts';

export type NewTask = {
  readonly id: TaskId;
  readonly agentId: AgentId;
  readonly conversationId: ConversationId;
  readonly scheduleId: ScheduleId | null;
  readonly principal: Principal;
  /** How many of its agent's tasks may run at once. */
  readonly agentLimit: number;
  readonly lane: Lane;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly input: Task['input'];
  readonly metadata: Readonly<Record<string, string>>;
  readonly dueAt: number;
  readonly deadlineAt: number | null;
  /** What of the agent itself gave it: a protocol hook's id, or `OwnWork`. */
  readonly origin?: string | null;
  /** Null where no request gave it, but the time or the agent itself. */
  readonly request?: Origin | null;
};

/** Given by the agent's own tool. */
export const OwnWork = 'own_work';

/** Tasks that are due stand in the lanes of their agents. */
export type DueLane = Pick<NewTask, 'agentId' | 'lane'>;

/** What it takes to run it. */
export type RunnableTask = Pick<
  NewTask,
  | 'id'
  | 'agentId'
  | 'conversationId'
  | 'principal'
  | 'agentLimit'
  | 'lane'
  | 'priority'
  | 'maxAttempts'
  | 'input'
  | 'dueAt'
  | 'deadlineAt'
  | 'request'
> & {
  readonly attempts: number;
  readonly responseId: ResponseId | null;
};

type TaskRow = {
  id: TaskId;
  agent_id: AgentId;
  status: TaskStatus;
  lane: Lane;
  priority: number;
  due_at: number;
  deadline_at: number | null;
  attempts: number;
  max_attempts: number;
  agent_limit: number;
  conversation_id: ConversationId;
  response_id: ResponseId | null;
  schedule_id: string | null;
  principal: string;
  input: string;
  output: string | null;
  error: string | null;
  metadata: string;
  created_at: number;
  assigned_at: number | null;
  finished_at: number | null;
  origin: string | null;
  request: string | null;
};

export class TaskStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A task whose id is known already stays as it is. */
  insert(task: NewTask, now: number): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO tasks VALUES
       (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, NULL, ?, ?, ?, NULL, NULL, ?, ?, NULL, NULL, ?, ?)`,
      task.id,
      task.agentId,
      task.dueAt <= now ? 'queued' : 'scheduled',
      task.lane,
      task.priority,
      task.dueAt,
      task.deadlineAt,
      task.maxAttempts,
      task.agentLimit,
      task.conversationId,
      task.scheduleId,
      JSON.stringify(toKeptPrincipal(task.principal)),
      JSON.stringify(task.input),
      JSON.stringify(task.metadata),
      now,
      task.origin ?? null,
      task.request ? JSON.stringify(task.request) : null,
    );
  }

  find(agentId: AgentId, id: string): Task | undefined {
    const row = this.#rows('SELECT * FROM tasks WHERE agent_id = ? AND id = ?', agentId, id)[0];
    return row && toTask(row);
  }

  read(id: TaskId): Task {
    return this.readAll([id])[0]!;
  }

  readAll(ids: readonly TaskId[]): Task[] {
    return this.#rows(
      'SELECT tasks.* FROM json_each(?) AS one JOIN tasks ON tasks.id = one.value',
      JSON.stringify(ids),
    ).map(toTask);
  }

  /** Of the request that gave it; null where none did. */
  traceOf(id: string): string | null {
    return this.#sql
      .exec<{ trace: string | null }>("SELECT request ->> '$.traceparent' AS trace FROM tasks WHERE id = ?", id)
      .one().trace;
  }

  /** Newest first. */
  list(agentId: AgentId, { limit, cursor, status }: TaskQuery): List<Task> {
    const rows = this.#rows(
      `SELECT * FROM tasks WHERE agent_id = ? AND id < ? AND (?3 IS NULL OR status = ?3) ORDER BY id DESC LIMIT ?`,
      agentId,
      cursor ?? '~',
      status ?? null,
      limit + 1,
    );
    return toList(rows.map(toTask), limit, ({ id }) => id);
  }

  /** Those whose time has come are queued. Says whose they are. */
  queueDue(now: number): DueLane[] {
    return this.#dueLanes(
      `UPDATE tasks SET status = 'queued' WHERE status = 'scheduled' AND due_at <= ? RETURNING agent_id, lane`,
      now,
    );
  }

  /** Whose tasks are queued, in which lanes. */
  queuedLanes(): DueLane[] {
    return this.#dueLanes(`SELECT DISTINCT agent_id, lane FROM tasks WHERE status = 'queued'`);
  }

  /** The first tasks of a lane of an agent that has taken so many: as many more as it may take, `most` at most. */
  firstQueued({ agentId, lane }: DueLane, taken: number, most: number): Pick<RunnableTask, 'id' | 'conversationId'>[] {
    const rows = this.#sql
      .exec<Pick<TaskRow, 'id' | 'conversation_id' | 'agent_limit'>>(
        `SELECT id, conversation_id, agent_limit FROM tasks WHERE status = 'queued' AND agent_id = ? AND lane = ?
         ORDER BY priority DESC, due_at, id LIMIT ?`,
        agentId,
        lane,
        most,
      )
      .toArray();
    const end = rows.findIndex((row, place) => taken + place >= row.agent_limit);
    return (end < 0 ? rows : rows.slice(0, end)).map((row) => ({ id: row.id, conversationId: row.conversation_id }));
  }

  /** Takes queued tasks: an attempt of each begins, and is known by its response from now on, whatever happens. */
  assign(attempts: readonly Pick<RunnableTask, 'id' | 'responseId'>[], now: number): RunnableTask[] {
    if (attempts.length === 0) return [];
    return this.#rows(
      `UPDATE tasks SET status = 'running', attempts = attempts + 1, response_id = attempt.value ->> 'responseId',
         assigned_at = ?, error = NULL
       FROM json_each(?) AS attempt WHERE tasks.id = attempt.value ->> 'id' AND status = 'queued' RETURNING *`,
      now,
      JSON.stringify(attempts),
    ).map(toRunnable);
  }

  running(): RunnableTask[] {
    return this.#rows(`SELECT * FROM tasks WHERE status IN ('running', 'waiting_approval')`).map(toRunnable);
  }

  setParked(id: TaskId, isParked: boolean): void {
    const [before, after] = isParked ? ['running', 'waiting_approval'] : ['waiting_approval', 'running'];
    this.#sql.exec('UPDATE tasks SET status = ? WHERE id = ? AND status = ?', after!, id, before!);
  }

  finish(id: TaskId, status: TaskStatus, output: string | null, error: TaskError | null, now: number): void {
    this.#sql.exec(
      'UPDATE tasks SET status = ?, output = ?, error = ?, finished_at = ? WHERE id = ? AND finished_at IS NULL',
      status,
      output,
      error && JSON.stringify(error),
      now,
      id,
    );
  }

  tryAgainAt(id: TaskId, dueAt: number, error: TaskError): void {
    this.#sql.exec(
      `UPDATE tasks SET status = 'scheduled', due_at = ?, error = ? WHERE id = ? AND finished_at IS NULL`,
      dueAt,
      JSON.stringify(error),
      id,
    );
  }

  /** One that has ended begins anew: all of its attempts before it. Its deadline has done its work. */
  queueAgain(id: TaskId, now: number): void {
    this.#sql.exec(
      `UPDATE tasks SET status = 'queued', due_at = ?, deadline_at = NULL, attempts = 0, output = NULL, error = NULL,
         assigned_at = NULL, finished_at = NULL WHERE id = ?`,
      now,
      id,
    );
  }

  /** Unfinished ones whose deadline has passed. */
  overdue(now: number): { readonly id: TaskId; readonly agentId: AgentId; readonly isRunning: boolean }[] {
    return this.#rows('SELECT * FROM tasks WHERE deadline_at <= ? AND finished_at IS NULL', now).map((row) => ({
      id: row.id,
      agentId: row.agent_id,
      isRunning: row.status === 'running' || row.status === 'waiting_approval',
    }));
  }

  countWaiting(): { readonly agentId: AgentId; readonly waiting: number }[] {
    const rows = this.#sql.exec<{ agent_id: AgentId; waiting: number }>(
      `SELECT agent_id, COUNT(*) AS waiting FROM tasks WHERE status IN ('queued', 'scheduled') GROUP BY agent_id`,
    );
    return rows.toArray().map((row) => ({ agentId: row.agent_id, waiting: row.waiting }));
  }

  /** What of the agent itself gave the task of this conversation, if something did. */
  originOf(agentId: AgentId, conversation: string): string | undefined {
    return this.#sql
      .exec<{ origin: string }>(
        'SELECT origin FROM tasks WHERE agent_id = ? AND conversation_id = ? AND origin IS NOT NULL',
        agentId,
        conversation,
      )
      .toArray()[0]?.origin;
  }

  countOwnWork(agentId: AgentId): number {
    return this.#sql
      .exec<{ n: number }>(
        `SELECT COUNT(*) AS n FROM tasks WHERE agent_id = ? AND origin = ? AND status IN ('queued', 'scheduled')`,
        agentId,
        OwnWork,
      )
      .one().n;
  }

  nextDueAt(): number | undefined {
    return this.#least(`SELECT MIN(due_at) AS at FROM tasks WHERE status = 'scheduled'`);
  }

  nextDeadlineAt(): number | undefined {
    return this.#least(
      'SELECT MIN(deadline_at) AS at FROM tasks WHERE deadline_at IS NOT NULL AND finished_at IS NULL',
    );
  }

  oldestFinishedAt(): number | undefined {
    return this.#least('SELECT MIN(finished_at) AS at FROM tasks WHERE finished_at IS NOT NULL');
  }

  finishedBefore(before: number, limit: number): Pick<RunnableTask, 'id' | 'conversationId' | 'principal'>[] {
    return this.#rows(
      'SELECT * FROM tasks WHERE finished_at IS NOT NULL AND finished_at < ? ORDER BY finished_at LIMIT ?',
      before,
      limit,
    ).map(toRunnable);
  }

  delete(id: TaskId): void {
    this.#sql.exec('DELETE FROM tasks WHERE id = ?', id);
  }

  #dueLanes(query: string, ...bound: SqlStorageValue[]): DueLane[] {
    return this.#sql
      .exec<{ agent_id: AgentId; lane: Lane }>(query, ...bound)
      .toArray()
      .map((row) => ({ agentId: row.agent_id, lane: row.lane }));
  }

  #least(query: string): number | undefined {
    return this.#sql.exec<{ at: number | null }>(query).toArray()[0]?.at ?? undefined;
  }

  #rows(query: string, ...bound: SqlStorageValue[]): TaskRow[] {
    return this.#sql.exec<TaskRow>(query, ...bound).toArray();
  }
}

function toRunnable(row: TaskRow): RunnableTask {
  return {
    id: row.id,
    agentId: row.agent_id,
    conversationId: row.conversation_id,
    principal: JSON.parse(row.principal) as Principal,
    lane: row.lane,
    priority: row.priority,
    maxAttempts: row.max_attempts,
    input: JSON.parse(row.input) as Task['input'],
    dueAt: row.due_at,
    deadlineAt: row.deadline_at,
    agentLimit: row.agent_limit,
    attempts: row.attempts,
    responseId: row.response_id,
    request: row.request === null ? null : (JSON.parse(row.request) as Origin),
  };
}

function toTask(row: TaskRow): Task {
  const iso = (at: number | null) => (at === null ? null : toIso(at));
  return {
    object: 'task',
    id: row.id,
    agent: row.agent_id,
    status: row.status,
    lane: row.lane,
    priority: row.priority,
    input: JSON.parse(row.input) as Task['input'],
    output: row.output,
    conversation: row.conversation_id,
    response: row.response_id,
    attempts: row.attempts,
    max_attempts: row.max_attempts,
    error: row.error === null ? null : (JSON.parse(row.error) as TaskError),
    schedule: row.schedule_id,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    created_at: toIso(row.created_at),
    run_at: toIso(row.due_at),
    deadline: iso(row.deadline_at),
    assigned_at: iso(row.assigned_at),
    finished_at: iso(row.finished_at),
  };
}
