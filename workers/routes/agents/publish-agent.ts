import { ok } from '../../../shared/core/result.ts';
import { agent, publishAgent as publishAgentBody } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const publishAgent = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/publish',
    operation: 'publishAgent',
    summary: 'Make a version live in an environment.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:write',
    params: agentParams,
    body: publishAgentBody,
    answer: { status: 200, schema: agent },
  },
  async (call, { params, body }) => {
    const published = await call.tenant.agents.publish(params.agent, body.version, body.environment, call.actor);
    return published.ok ? ok(json(published.value)) : published;
  },
);
