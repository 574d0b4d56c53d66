/** A task's ways out: the tenant's leave, and the conversation in which its turn runs. */
import { mintId } from '../../shared/core/ids.ts';
import { ok, type Result } from '../../shared/core/result.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { terminalStatuses } from '../../shared/contracts/responses.ts';
import { AgentModelPrefix } from '../../shared/contracts/models.ts';
import { startResponseTurn } from '../../shared/inference/start-turn.ts';
import { continueTrace } from '../../shared/core/trace.ts';
import { reached, type Objects } from '../stubs.ts';
import type { TaskDeps } from './task-runner.ts';
import type { RunnableTask } from './task-store.ts';

type Ways = Pick<TaskDeps, 'begin' | 'awaitRest' | 'cancel'> & {
  readonly erase: (task: Pick<RunnableTask, 'conversationId' | 'principal'>) => Promise<void>;
};

export function taskWays(objects: Objects, tenantId: TenantId, clock: Clock): Ways {
  const conversation = ({ conversationId }: Pick<RunnableTask, 'conversationId'>) =>
    objects.conversation(tenantId, conversationId);
  /** The first attempt brings the input into the thread; a later one goes on from what the thread holds by then. */
  async function openThread(task: RunnableTask): Promise<Result<'empty' | 'begun'>> {
    if (task.attempts > 1) {
      const items = await unwrap(conversation(task).listItems(task.principal, { limit: 1, order: 'asc' }));
      if (items.ok && items.value.data.length > 0) return ok('begun');
      if (!items.ok && items.failure.code !== 'not_found') return items;
    }
    const { agentId, conversationId: id } = task;
    const made = await unwrap(
      conversation(task).create(task.principal, { id, agentId, metadata: { task: task.id }, items: [] }),
    );
    return made.ok ? ok('empty') : made;
  }

  return {
    async begin(task) {
      const { principal, agentId, lane } = task;
      const responseId = task.responseId!;
      const known = await unwrap(conversation(task).findResponse(principal, responseId));
      if (known.ok) return ok();
      const agent = await unwrap(objects.tenant(tenantId).admitTask(principal, agentId, task.conversationId));
      if (!agent.ok) return agent;
      const opened = await openThread(task);
      if (!opened.ok) return opened;
      const body = {
        model: `${AgentModelPrefix}${agent.value.slug}`,
        input: opened.value === 'empty' ? task.input : [],
        background: true,
      };
      const requestId = task.request?.requestId ?? mintId('request', clock.now());
      const caller = {
        tenantId,
        principal,
        agent: agent.value,
        clock,
        lane,
        requestId,
        traceparent: continueTrace(task.request?.traceparent ?? null),
      };
      const started = await unwrap(
        conversation(task).startResponse(startResponseTurn(caller, body, responseId, { kind: 'thread' })),
      );
      return started.ok ? ok() : started;
    },
    async awaitRest(task) {
      const rested = await unwrap(conversation(task).awaitResponse(task.principal, task.responseId!));
      return rested.ok ? rested.value : undefined;
    },
    async cancel(task) {
      const ended = await unwrap(conversation(task).cancelResponse(task.principal, task.responseId!));
      return ended.ok && terminalStatuses.has(ended.value.status) ? ended.value : undefined;
    },
    async erase(task) {
      const erased = await unwrap(conversation(task).destroy(task.principal));
      if (!erased.ok && erased.failure.code !== 'not_found') throw new Error(erased.failure.message);
      await objects.tenant(tenantId).conversations.remove(task.conversationId);
    },
  };
}

async function unwrap<T>(call: Promise<Result<T>>): Promise<Result<T>> {
  const answer = await reached(call);
  return answer.ok ? answer.value : answer;
}
