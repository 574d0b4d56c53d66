/** What the commands to a task share: everything but their names. */
import { ok } from '../../../shared/core/result.ts';
import { task } from '../../../shared/contracts/tasks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { taskParams } from '../params.ts';
import { planTask } from './plan-task.ts';

type Command = { readonly verb: 'cancel' | 'retry'; readonly operation: string; readonly summary: string };

export function commandRoute({ verb, operation, summary }: Command) {
  return tenantRoute(
    {
      method: 'POST',
      path: `/v1/tasks/{task}/${verb}`,
      operation,
      summary,
      tag: 'Tasks',
      surface: 'native',
      permission: 'tasks:write',
      params: taskParams,
      answer: { status: 200, schema: task },
      plan: planTask,
    },
    async (call) => {
      const { agentId, taskId } = call.planned;
      const found = await call.agentObject(agentId).tasks[verb](agentId, taskId);
      return found.ok ? ok(json(found.value)) : found;
    },
  );
}
