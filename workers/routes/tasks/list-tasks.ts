import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { task, taskQuery } from '../../../shared/contracts/tasks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const listTasks = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/tasks',
    operation: 'listTasks',
    summary: "List an agent's tasks, newest first; `status=dead` are its dead letters.",
    tag: 'Tasks',
    surface: 'native',
    permission: 'tasks:read',
    params: agentParams,
    query: taskQuery,
    answer: { status: 200, schema: listOf(task) },
  },
  async (call, { query }) => {
    const agentId = call.agent!.id;
    const listed = await call.agentObject(agentId).tasks.list(agentId, query);
    return listed.ok ? ok(json(listed.value)) : listed;
  },
);
