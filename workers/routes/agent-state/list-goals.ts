import { ok } from '../../../shared/core/result.ts';
import { goal, goalQuery } from '../../../shared/contracts/agent-state.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const listGoals = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/goals',
    operation: 'listGoals',
    summary: "List an agent's goals beside those of its definition, the oldest first.",
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:read',
    params: agentParams,
    query: goalQuery,
    answer: { status: 200, schema: listOf(goal) },
  },
  async (call, { query }) => {
    const agentId = call.agent!.id;
    const listed = await call.agentObject(agentId).state.listGoals(agentId, query);
    return listed.ok ? ok(json(listed.value)) : listed;
  },
);
