import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentGoalParams } from '../params.ts';
import { changedBy } from './changed-by.ts';

const deletedGoal = z.object({ object: z.literal('agent.goal.deleted'), id: z.string(), deleted: z.literal(true) });

export const deleteGoal = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/agents/{agent}/goals/{goal}',
    operation: 'deleteGoal',
    summary: 'Delete a goal. What it was stays in the history.',
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:write',
    params: agentGoalParams,
    answer: { status: 200, schema: deletedGoal },
  },
  async (call, { params: { goal: id } }) => {
    const agentId = call.agent!.id;
    const deleted = await call.agentObject(agentId).state.deleteGoal(agentId, id, changedBy(call));
    return deleted.ok ? ok(json({ object: 'agent.goal.deleted', id, deleted: true })) : deleted;
  },
);
