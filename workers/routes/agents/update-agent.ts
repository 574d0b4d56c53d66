import { ok } from '../../../shared/core/result.ts';
import { agent, updateAgent as updateAgentBody } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const updateAgent = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/agents/{agent}',
    operation: 'updateAgent',
    summary: 'Rename an agent, or give it a new version of its definition.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:write',
    params: agentParams,
    body: updateAgentBody,
    answer: { status: 200, schema: agent },
  },
  async (call, { params, body }) => {
    const updated = await call.tenant.agents.update(params.agent, body, call.actor);
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
