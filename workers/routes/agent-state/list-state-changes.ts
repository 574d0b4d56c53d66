import { ok } from '../../../shared/core/result.ts';
import { stateChange, stateChangeQuery } from '../../../shared/contracts/agent-state.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const listStateChanges = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/state_changes',
    operation: 'listStateChanges',
    summary: "List how an agent's goals, persona and protocol hooks were changed, newest first, as differences.",
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:read',
    params: agentParams,
    query: stateChangeQuery,
    answer: { status: 200, schema: listOf(stateChange) },
  },
  async (call, { query }) => {
    const agentId = call.agent!.id;
    const listed = await call.agentObject(agentId).state.changes(agentId, query);
    return listed.ok ? ok(json(listed.value)) : listed;
  },
);
