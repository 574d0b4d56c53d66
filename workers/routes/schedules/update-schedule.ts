import { ok } from '../../../shared/core/result.ts';
import { schedule, updateSchedule as updateScheduleBody } from '../../../shared/contracts/tasks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentScheduleParams } from '../params.ts';

export const updateSchedule = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/agents/{agent}/schedules/{schedule}',
    operation: 'updateSchedule',
    summary: 'Change a schedule, or turn it off and on. What is left out stays.',
    tag: 'Tasks',
    surface: 'native',
    permission: 'tasks:write',
    params: agentScheduleParams,
    body: updateScheduleBody,
    answer: { status: 200, schema: schedule },
  },
  async (call, { params, body }) => {
    const agentId = call.agent!.id;
    const updated = await call.agentObject(agentId).schedules.update(agentId, params.schedule, body);
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
