import { ok } from '../../../shared/core/result.ts';
import { createSchedule as createScheduleBody, schedule } from '../../../shared/contracts/tasks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const createSchedule = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/schedules',
    operation: 'createSchedule',
    summary: 'Give an agent the same work again and again, by cron in a time zone.',
    tag: 'Tasks',
    surface: 'native',
    permission: 'tasks:write',
    idempotent: true,
    params: agentParams,
    body: createScheduleBody,
    answer: { status: 201, schema: schedule },
  },
  async (call, { body }) => {
    const { id: agentId, definition } = call.agent!;
    const id = call.mint('schedule');
    const { principal } = call;
    const agentLimit = definition.limits.concurrent_tasks;
    const made = await call.agentObject(agentId).schedules.create({ ...body, id, agentId, agentLimit, principal });
    return made.ok ? ok(json(made.value, 201)) : made;
  },
);
