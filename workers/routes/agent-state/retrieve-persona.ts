import { ok } from '../../../shared/core/result.ts';
import { agentPersona } from '../../../shared/contracts/agent-state.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const retrievePersona = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/persona',
    operation: 'retrievePersona',
    summary: 'Retrieve the persona that an agent has now.',
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:read',
    params: agentParams,
    answer: { status: 200, schema: agentPersona },
  },
  async (call) => {
    const { id: agentId, definition } = call.agent!;
    const found = await call.agentObject(agentId).state.persona(agentId, definition.persona);
    return found.ok ? ok(json(found.value)) : found;
  },
);
