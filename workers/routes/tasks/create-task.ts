import { mintTaskId } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import { createTask as createTaskBody, task } from '../../../shared/contracts/tasks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const createTask = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/tasks',
    operation: 'createTask',
    summary: 'Give an agent work that it finishes by itself: at once, or when its time has come.',
    tag: 'Tasks',
    surface: 'native',
    permission: 'tasks:write',
    idempotent: true,
    params: agentParams,
    body: createTaskBody,
    plan: async () => ok({ startsRun: true, planned: undefined }),
    answer: { status: 201, schema: task },
  },
  async (call, { body }) => {
    const { id: agentId, definition } = call.agent!;
    const made = await call.agentObject(agentId).tasks.create({
      id: mintTaskId(agentId, call.startedAt, call.random),
      agentId,
      conversationId: call.mint('conversation'),
      scheduleId: null,
      principal: call.principal,
      agentLimit: definition.limits.concurrent_tasks,
      lane: body.lane,
      priority: body.priority,
      maxAttempts: body.max_attempts,
      input: body.input,
      metadata: body.metadata,
      dueAt: body.run_at === null ? call.startedAt : Date.parse(body.run_at),
      deadlineAt: body.deadline === null ? null : Date.parse(body.deadline),
      request: { requestId: call.requestId, traceparent: call.traceparent },
    });
    return made.ok ? ok(json(made.value, 201)) : made;
  },
);
