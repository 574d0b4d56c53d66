/**
 * The desk of the work that agents give themselves: by `schedule_task`, once at a time or again and again. What is given
 * twice under one effect is given once. An agent cannot keep itself busy: little waits at once, and nothing is due soon.
 */
import { RpcTarget } from 'cloudflare:workers';
import { toIso } from '../../shared/core/clock.ts';
import { idOfEffect, taskIdOfEffect, type AgentId, type EffectId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { DefaultPriority, type OwnWorkOrder } from '../../shared/contracts/tasks.ts';
import { computeNextRun } from './cron.ts';
import type { ScheduleDesk } from './schedule-desk.ts';
import type { ScheduleStore } from './schedule-store.ts';
import type { TaskDesk } from './task-desk.ts';
import { OwnWork, type TaskStore } from './task-store.ts';

export const MaxWaitingOwnTasks = 20;
export const MaxOwnSchedules = 10;
const SoonestMs = 60_000;
const LatestMs = 366 * 24 * 60 * 60_000;
const LeastPeriodMs = 15 * 60_000;
/** Due times of a cron expression that are looked at: their distances differ. */
const RunsCompared = 50;
const Attempts = 3;

export type OwnWorkDeps = {
  readonly tasks: TaskDesk;
  readonly taskStore: TaskStore;
  readonly schedules: ScheduleDesk;
  readonly scheduleStore: ScheduleStore;
  readonly now: () => number;
};
export type OwnWorker = {
  readonly agentId: AgentId;
  readonly principal: Principal;
  readonly agentLimit: number;
  readonly effectId: EffectId;
};
export type GivenWork = { readonly id: string; readonly due: string | null };

export class OwnWorkDesk extends RpcTarget {
  readonly #deps: OwnWorkDeps;

  constructor(deps: OwnWorkDeps) {
    super();
    this.#deps = deps;
  }

  async give(
    worker: OwnWorker,
    { input, run_at: runAt, cron, timezone, name }: OwnWorkOrder,
  ): Promise<Result<GivenWork>> {
    if ((runAt === undefined) === (cron === undefined))
      return err('invalid_request', 'Say either when it is due once (run_at) or again and again (cron).');
    return cron === undefined
      ? this.#giveOnce(worker, input, Date.parse(runAt!))
      : this.#giveAgain(worker, { input, cron, timezone: timezone ?? 'UTC', name: name ?? input.slice(0, 60) });
  }

  #giveOnce({ agentId, principal, agentLimit, effectId }: OwnWorker, input: string, dueAt: number): Result<GivenWork> {
    const { tasks, taskStore, now } = this.#deps;
    const id = taskIdOfEffect(agentId, effectId);
    const known = tasks.find(agentId, id);
    if (known.ok) return ok({ id, due: known.value.run_at });
    if (!(dueAt >= now() + SoonestMs && dueAt <= now() + LatestMs))
      return err('invalid_request', `run_at: between a minute and a year from now; it is ${toIso(now())}.`);
    if (taskStore.countOwnWork(agentId) >= MaxWaitingOwnTasks)
      return err('conflict', `${MaxWaitingOwnTasks} tasks that you gave yourself are waiting already.`);
    const made = tasks.create({
      id,
      agentId,
      conversationId: idOfEffect('conversation', effectId),
      scheduleId: null,
      origin: OwnWork,
      principal,
      agentLimit,
      lane: 'standard',
      priority: DefaultPriority,
      maxAttempts: Attempts,
      input,
      metadata: {},
      dueAt,
      deadlineAt: null,
    });
    return made.ok ? ok({ id, due: made.value.run_at }) : made;
  }

  async #giveAgain(
    { agentId, principal, agentLimit, effectId }: OwnWorker,
    wanted: { readonly input: string; readonly cron: string; readonly timezone: string; readonly name: string },
  ): Promise<Result<GivenWork>> {
    const { schedules, scheduleStore, now } = this.#deps;
    const id = idOfEffect('schedule', effectId);
    const known = schedules.find(agentId, id);
    if (known.ok) return ok({ id, due: known.value.next_run_at });
    const period = computeLeastPeriod(wanted.cron, wanted.timezone, now());
    if (!period.ok) return period;
    if (period.value < LeastPeriodMs) return err('invalid_request', 'cron: no oftener than every fifteen minutes.');
    if (scheduleStore.countOfOrigin(agentId, OwnWork) >= MaxOwnSchedules)
      return err('conflict', `You have given yourself ${MaxOwnSchedules} schedules already.`);
    const made = await schedules.create({
      id,
      agentId,
      agentLimit,
      principal,
      origin: OwnWork,
      enabled: true,
      lane: 'standard',
      priority: DefaultPriority,
      max_attempts: Attempts,
      metadata: {},
      ...wanted,
    });
    return made.ok ? ok({ id, due: made.value.next_run_at }) : made;
  }
}

/** The shortest time between two of the next due times. Pure. */
function computeLeastPeriod(cron: string, timezone: string, now: number): Result<number> {
  let least = Number.POSITIVE_INFINITY;
  let last: number | undefined;
  for (let at = now, run = 0; run < RunsCompared; run++) {
    const next = computeNextRun(cron, timezone, at);
    if (!next.ok) return last === undefined ? next : ok(least);
    if (last !== undefined) least = Math.min(least, next.value - last);
    last = at = next.value;
  }
  return ok(least);
}
