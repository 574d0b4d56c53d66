import { ok } from '../../../shared/core/result.ts';
import { task } from '../../../shared/contracts/tasks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { taskParams } from '../params.ts';
import { planTask } from './plan-task.ts';

export const retrieveTask = tenantRoute(
  {
    method: 'GET',
    path: '/v1/tasks/{task}',
    operation: 'retrieveTask',
    summary: 'Retrieve a task.',
    tag: 'Tasks',
    surface: 'native',
    permission: 'tasks:read',
    params: taskParams,
    answer: { status: 200, schema: task },
    plan: planTask,
  },
  async (call) => {
    const { agentId, taskId } = call.planned;
    const found = await call.agentObject(agentId).tasks.find(agentId, taskId);
    return found.ok ? ok(json(found.value)) : found;
  },
);
