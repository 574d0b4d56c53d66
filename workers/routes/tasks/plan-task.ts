/** A task's id says whose it is: the agent that admission has to be asked for. */
import { agentOfTask, isId, type AgentId, type TaskId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { AdmissionPlan, TenantRequest } from '../../edge/tenant-call.ts';

export type PlannedTask = { readonly taskId: TaskId; readonly agentId: AgentId };

export async function planTask(
  _request: TenantRequest,
  { params }: { readonly params: { readonly task: string } },
): Promise<Result<AdmissionPlan<PlannedTask>>> {
  if (!isId('task', params.task)) return err('not_found', 'There is no such task.');
  const agentId = agentOfTask(params.task);
  return ok({ agentRef: agentId, planned: { taskId: params.task, agentId } });
}
