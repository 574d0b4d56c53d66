import { ok } from '../../../shared/core/result.ts';
import { schedule } from '../../../shared/contracts/tasks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentScheduleParams } from '../params.ts';

export const retrieveSchedule = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/schedules/{schedule}',
    operation: 'retrieveSchedule',
    summary: 'Retrieve a schedule.',
    tag: 'Tasks',
    surface: 'native',
    permission: 'tasks:read',
    params: agentScheduleParams,
    answer: { status: 200, schema: schedule },
  },
  async (call, { params }) => {
    const agentId = call.agent!.id;
    const found = await call.agentObject(agentId).schedules.find(agentId, params.schedule);
    return found.ok ? ok(json(found.value)) : found;
  },
);
