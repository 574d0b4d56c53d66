import { ok } from '../../../shared/core/result.ts';
import { agentPersona, updatePersona as updatePersonaBody } from '../../../shared/contracts/agent-state.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';
import { changedBy } from './changed-by.ts';

export const updatePersona = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/agents/{agent}/persona',
    operation: 'updatePersona',
    summary: "Change an agent's persona, without a new version of it. What is left out stays.",
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:write',
    params: agentParams,
    body: updatePersonaBody,
    answer: { status: 200, schema: agentPersona },
  },
  async (call, { body }) => {
    const { id: agentId, definition } = call.agent!;
    const { state } = call.agentObject(agentId);
    const updated = await state.updatePersona(agentId, definition.persona, body, changedBy(call));
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
