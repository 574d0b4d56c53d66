import { ok } from '../../../shared/core/result.ts';
import { agent } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const suspendAgent = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/suspend',
    operation: 'suspendAgent',
    summary: 'Stop an agent at once: it starts no runs, and its turns under way are cancelled.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:write',
    params: agentParams,
    answer: { status: 200, schema: agent },
  },
  async (call, { params }) => {
    const suspended = await call.tenant.agents.suspend(params.agent, call.actor);
    return suspended.ok ? ok(json(suspended.value)) : suspended;
  },
);
