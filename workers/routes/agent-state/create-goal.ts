import { ok } from '../../../shared/core/result.ts';
import { createGoal as createGoalBody, goal } from '../../../shared/contracts/agent-state.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';
import { changedBy } from './changed-by.ts';

export const createGoal = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/goals',
    operation: 'createGoal',
    summary: 'Give an agent a goal, without a new version of it.',
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:write',
    idempotent: true,
    params: agentParams,
    body: createGoalBody,
    answer: { status: 201, schema: goal },
  },
  async (call, { body }) => {
    const agentId = call.agent!.id;
    const made = await call.agentObject(agentId).state.createGoal(agentId, call.mint('goal'), body, changedBy(call));
    return made.ok ? ok(json(made.value, 201)) : made;
  },
);
