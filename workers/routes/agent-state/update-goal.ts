import { ok } from '../../../shared/core/result.ts';
import { goal, updateGoal as updateGoalBody } from '../../../shared/contracts/agent-state.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentGoalParams } from '../params.ts';
import { changedBy } from './changed-by.ts';

export const updateGoal = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/agents/{agent}/goals/{goal}',
    operation: 'updateGoal',
    summary: 'Change a goal: its text, its note, or its status. What is left out stays.',
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:write',
    params: agentGoalParams,
    body: updateGoalBody,
    answer: { status: 200, schema: goal },
  },
  async (call, { params, body }) => {
    const agentId = call.agent!.id;
    const updated = await call.agentObject(agentId).state.updateGoal(agentId, params.goal, body, changedBy(call));
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
