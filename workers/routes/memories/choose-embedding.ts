import { authorize } from '../../../shared/core/principal.ts';
import { ok } from '../../../shared/core/result.ts';
import { chooseEmbedding as choice, memoryEmbedding } from '../../../shared/contracts/memory-embedding.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const chooseEmbedding = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/memories/embedding',
    operation: 'chooseEmbedding',
    summary:
      'Choose the model by which the memories of an agent are found. They are embedded anew while recall goes on.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:write',
    params: agentParams,
    body: choice,
    answer: { status: 200, schema: memoryEmbedding },
  },
  async (call, { body }) => {
    const agentId = call.agent!.id;
    // What is embedded from here on is on the caller's account.
    const pays = body.model === null ? ok() : authorize(call.principal, 'inference:invoke', { agent: agentId });
    if (!pays.ok) return pays;
    const chosen = await call.agentObject(agentId).memories.chooseEmbedding(agentId, body.model, call.principal);
    return chosen.ok ? ok(json(chosen.value)) : chosen;
  },
);
