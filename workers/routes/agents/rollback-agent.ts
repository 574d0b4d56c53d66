import { ok } from '../../../shared/core/result.ts';
import { agent, rollbackAgent as rollbackAgentBody } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const rollbackAgent = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/rollback',
    operation: 'rollbackAgent',
    summary: 'Go back to the version that was live before.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:write',
    params: agentParams,
    body: rollbackAgentBody,
    answer: { status: 200, schema: agent },
  },
  async (call, { params, body }) => {
    const back = await call.tenant.agents.rollback(params.agent, body.environment, call.actor);
    return back.ok ? ok(json(back.value)) : back;
  },
);
