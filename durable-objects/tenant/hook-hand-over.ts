/**
 * Hands deliveries over to their agents: at least once, and as the same task each time, so that one delivery is one task
 * in one conversation. What cannot be handed over now is tried again, ever later; what never can be says why.
 */
import { computeBackoffMs } from '../../shared/core/backoff.ts';
import { failureKinds, type Failure } from '../../shared/core/failure.ts';
import { conversationIdOfDelivery, taskIdOfDelivery } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { Result } from '../../shared/core/result.ts';
import type { LiveAgent } from '../../shared/contracts/admission.ts';
import { DefaultPriority } from '../../shared/contracts/tasks.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { NewTask } from '../agent/task-store.ts';
import type { AgentStore } from './agent-store.ts';
import type { HookRow, HookStore, WaitingDelivery } from './hook-store.ts';

const BatchSize = 20;
/** By then about a day has gone. */
export const MaxHandOvers = 16;
const Backoff = { baseMs: 1_000, capMs: 4 * 60 * 60 * 1000 };
const SuspendedMs = 5 * 60 * 1000;
/** Where too many tasks wait already. */
const QueueFullMs = 60 * 1000;

export type HandOverDeps = {
  readonly store: HookStore;
  readonly agents: Pick<AgentStore, 'findLive'>;
  readonly isSuspended: () => boolean;
  /** Whether a principal that was admitted before may still act. */
  readonly stands: (principal: Principal) => boolean;
  /** A task whose id the agent knows already stays as it is. */
  readonly createTask: (task: NewTask) => Promise<Result<unknown>>;
  readonly now: () => number;
  readonly random: () => number;
};

export class HookHandOver {
  readonly #store: HookStore;
  readonly #deps: HandOverDeps;

  constructor(deps: HandOverDeps) {
    this.#store = deps.store;
    this.#deps = deps;
  }

  duty(): Duty {
    return {
      name: 'hooks.hand_over',
      dueAt: () => this.#store.nextDueAt(),
      run: async (now) => {
        await Promise.all(this.#store.due(now, BatchSize).map((delivery) => this.#handOver(delivery)));
      },
    };
  }

  async #handOver(delivery: WaitingDelivery): Promise<void> {
    const { now, agents, isSuspended, stands } = this.#deps;
    const hook = this.#store.find(delivery.hook);
    if (!hook) return;
    if (isSuspended()) return this.#wait(delivery, 'This tenant is suspended.', SuspendedMs);
    if (!stands(hook.principal))
      return this.#fail(delivery, 'Who saved this hook may not act any more. Save it again.');
    const agent = agents.findLive(hook.agent, hook.principal.scope.environment ?? 'prod');
    if (!agent) return this.#fail(delivery, 'The agent is not there, or not published.');
    const task = taskOf(delivery, hook, agent);
    const made = await this.#deps.createTask(task);
    if (made.ok) this.#store.handedOver(delivery.id, delivery.attempts + 1, task.id, now());
    else if (made.failure.code === 'rate_limit_exceeded') this.#wait(delivery, made.failure.message, QueueFullMs);
    else this.#postpone(delivery, made.failure);
  }

  /** For what is not the delivery's fault: it uses up no try. */
  #wait(delivery: WaitingDelivery, reason: string, delayMs: number): void {
    this.#store.postpone(delivery.id, delivery.attempts, reason, this.#deps.now() + delayMs);
  }

  #postpone(delivery: WaitingDelivery, { code, message }: Failure): void {
    const attempts = delivery.attempts + 1;
    if (!failureKinds[code].retryable || attempts >= MaxHandOvers) return this.#fail(delivery, message);
    const delayMs = computeBackoffMs(delivery.attempts, { ...Backoff, random: this.#deps.random });
    this.#store.postpone(delivery.id, attempts, message, this.#deps.now() + delayMs);
  }

  #fail(delivery: WaitingDelivery, reason: string): void {
    this.#store.failed(delivery.id, delivery.attempts + 1, reason);
  }
}

function taskOf({ id, input, receivedAt, origin }: WaitingDelivery, hook: HookRow, agent: LiveAgent): NewTask {
  const { lane, maxAttempts, principal } = hook;
  return {
    id: taskIdOfDelivery(agent.id, id),
    agentId: agent.id,
    conversationId: conversationIdOfDelivery(id),
    scheduleId: null,
    principal,
    agentLimit: agent.definition.limits.concurrent_tasks,
    lane,
    priority: DefaultPriority,
    maxAttempts,
    input,
    metadata: { hook: hook.id, delivery: id },
    dueAt: receivedAt,
    deadlineAt: null,
    request: origin,
  };
}
