/** The desk of the schedules of an object's agents, and the duty that turns what is due into tasks. */
import { RpcTarget } from 'cloudflare:workers';
import type { AgentId, ConversationId, ScheduleId, TaskId } from '../../shared/core/ids.ts';
import { mintId, mintTaskId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { CreateSchedule, Schedule, UpdateSchedule } from '../../shared/contracts/tasks.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import { computeNextRun } from './cron.ts';
import { namedBytes } from './named-bytes.ts';
import type { KeptSchedule, ScheduleStore } from './schedule-store.ts';
import type { TaskDesk } from './task-desk.ts';

const MaxSchedules = 1_000;
const BatchSize = 200;
const noSchedule = () => err('not_found', 'There is no such schedule.');

export type NewSchedule = CreateSchedule & {
  readonly id: ScheduleId;
  readonly agentId: AgentId;
  readonly agentLimit: number;
  readonly principal: Principal;
  readonly origin?: string | null;
};

export class ScheduleDesk extends RpcTarget {
  readonly #store: ScheduleStore;
  readonly #tasks: TaskDesk;
  readonly #now: () => number;
  readonly #changed: () => Promise<void>;
  readonly duty: Duty;

  constructor(store: ScheduleStore, tasks: TaskDesk, now: () => number, changed: () => Promise<void>) {
    super();
    this.#store = store;
    this.#tasks = tasks;
    this.#now = now;
    this.#changed = changed;
    this.duty = { name: 'schedules', dueAt: () => store.nextDueAt(), run: (at) => this.#runDue(at) };
  }

  async create({
    id,
    agentId,
    agentLimit,
    principal,
    origin = null,
    ...wanted
  }: NewSchedule): Promise<Result<Schedule>> {
    const next = computeNextRun(wanted.cron, wanted.timezone, this.#now());
    if (!next.ok) return next;
    if (this.#store.count(agentId) >= MaxSchedules) {
      return err('conflict', `An agent has at most ${MaxSchedules} schedules.`);
    }
    const { name, cron, timezone, enabled, ...task } = wanted;
    this.#store.insert(
      { id, agentId, name, cron, timezone, enabled, task, agentLimit, principal, nextAt: next.value, origin },
      this.#now(),
    );
    await this.#changed();
    return this.find(agentId, id);
  }

  find(agentId: AgentId, id: string): Result<Schedule> {
    const found = this.#store.read(agentId, id);
    return found ? ok(found) : noSchedule();
  }

  list(agentId: AgentId, limit: number, cursor: string | undefined): List<Schedule> {
    return this.#store.list(agentId, limit, cursor);
  }

  /** From now on: what it missed while it was off is not made up for. */
  async update(agentId: AgentId, id: string, change: UpdateSchedule): Promise<Result<Schedule>> {
    const found = this.#store.find(agentId, id);
    if (!found) return noSchedule();
    const cron = change.cron ?? found.cron;
    const timezone = change.timezone ?? found.timezone;
    const next = computeNextRun(cron, timezone, this.#now());
    if (!next.ok) return next;
    this.#store.update({
      ...found,
      name: change.name ?? found.name,
      cron,
      timezone,
      enabled: change.enabled ?? found.enabled,
      task: { ...found.task, ...(change.input === undefined ? {} : { input: change.input }) },
      nextAt: next.value,
    });
    await this.#changed();
    return this.find(agentId, id);
  }

  async delete(agentId: AgentId, id: string): Promise<Result<undefined>> {
    if (!this.#store.delete(agentId, id)) return noSchedule();
    await this.#changed();
    return ok();
  }

  /** Each due time is one task, whatever crashes: its id says which. Of several that were missed, the latest one runs. */
  #runDue(now: number): void {
    for (const schedule of this.#store.due(now, BatchSize)) {
      const next = computeNextRun(schedule.cron, schedule.timezone, now);
      const task = this.#makeTask(schedule);
      const made = this.#tasks.create(task);
      // Where there is no room it is tried at the next due time; a schedule is no queue.
      this.#store.markRun(schedule.id, now, made.ok ? task.id : '', next.ok ? next.value : null);
    }
  }

  #makeTask({ id, agentId, agentLimit, principal, task, nextAt, origin }: KeptSchedule) {
    const dueAt = nextAt!;
    const random = namedBytes(`${id}/${dueAt}`);
    return {
      id: mintTaskId(agentId, dueAt, random) as TaskId,
      agentId,
      conversationId: mintId('conversation', dueAt, random) as ConversationId,
      scheduleId: id,
      origin,
      principal,
      agentLimit,
      lane: task.lane,
      priority: task.priority,
      maxAttempts: task.max_attempts,
      input: task.input,
      metadata: task.metadata,
      dueAt,
      deadlineAt: null,
    };
  }
}
