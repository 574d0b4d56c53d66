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
  /** What an earlier attempt has said stays, and this one goes on from there. */
  async function hasThread(task: RunnableTask): Promise<Result<boolean>> {
    if (task.attempts === 1) return ok(false);
    const items = await unwrap(conversation(task).listItems(task.principal, { limit: 1, order: 'asc' }));
    if (items.ok) return ok(items.value.data.length > 0);
    return items.failure.code === 'not_found' ? ok(false) : items;
  }

  return {
    async begin(task, isNew) {
      const { principal, agentId, lane, conversationId: id } = task;
      const responseId = task.responseId!;
      if (!isNew) {
        const known = await unwrap(conversation(task).findResponse(principal, responseId));
        if (known.ok) return ok();
      }
      const agent = await unwrap(objects.tenant(tenantId).admitTask(principal, agentId, id));
      if (!agent.ok) return agent;
      const begun = await hasThread(task);
      if (!begun.ok) return begun;
      const body = {
        model: `${AgentModelPrefix}${agent.value.slug}`,
        input: begun.value ? [] : task.input,
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
        conversation(task).startThread(
          { id, agentId, metadata: { task: task.id }, items: [] },
          startResponseTurn(caller, body, responseId, { kind: 'thread' }),
        ),
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
