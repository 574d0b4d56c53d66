import { ok } from '../../../shared/core/result.ts';
import { agent } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const retrieveAgent = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}',
    operation: 'retrieveAgent',
    summary: 'Retrieve an agent by id or slug.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:read',
    params: agentParams,
    answer: { status: 200, schema: agent },
  },
  async (call, { params }) => {
    const found = await call.tenant.agents.find(params.agent);
    return found.ok ? ok(json(found.value)) : found;
  },
);
