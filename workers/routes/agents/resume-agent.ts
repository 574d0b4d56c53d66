import { ok } from '../../../shared/core/result.ts';
import { agent } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const resumeAgent = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/resume',
    operation: 'resumeAgent',
    summary: 'Let a suspended agent run again.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:write',
    params: agentParams,
    answer: { status: 200, schema: agent },
  },
  async (call, { params }) => {
    const resumed = await call.tenant.agents.resume(params.agent, call.actor);
    return resumed.ok ? ok(json(resumed.value)) : resumed;
  },
);
