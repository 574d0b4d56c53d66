import { ok } from '../../../shared/core/result.ts';
import { agentDefinition, agentVersion } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const createAgentVersion = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/versions',
    operation: 'createAgentVersion',
    summary: 'Add a version without publishing it.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:write',
    idempotent: true,
    params: agentParams,
    body: agentDefinition,
    answer: { status: 201, schema: agentVersion },
  },
  async (call, { params, body }) => {
    const added = await call.tenant.agents.addVersion(params.agent, body, call.actor);
    return added.ok ? ok(json(added.value, 201)) : added;
  },
);
