import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { schedule } from '../../../shared/contracts/tasks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const listSchedules = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/schedules',
    operation: 'listSchedules',
    summary: "List an agent's schedules.",
    tag: 'Tasks',
    surface: 'native',
    permission: 'tasks:read',
    params: agentParams,
    query: pageQuery,
    answer: { status: 200, schema: listOf(schedule) },
  },
  async (call, { query }) => {
    const agentId = call.agent!.id;
    const listed = await call.agentObject(agentId).schedules.list(agentId, query.limit, query.cursor);
    return listed.ok ? ok(json(listed.value)) : listed;
  },
);
