import { ok } from '../../../shared/core/result.ts';
import { agentPersona } from '../../../shared/contracts/agent-state.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';
import { changedBy } from './changed-by.ts';

export const resetPersona = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/agents/{agent}/persona',
    operation: 'resetPersona',
    summary: "Take back what an agent's persona was changed to: its definition's holds again.",
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:write',
    params: agentParams,
    answer: { status: 200, schema: agentPersona },
  },
  async (call) => {
    const { id: agentId, definition } = call.agent!;
    const reset = await call.agentObject(agentId).state.resetPersona(agentId, definition.persona, changedBy(call));
    return reset.ok ? ok(json(reset.value)) : reset;
  },
);
