import { ok } from '../../../shared/core/result.ts';
import { chainVerification } from '../../../shared/contracts/memories.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const verifyMemories = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/memories/verify',
    operation: 'verifyMemories',
    summary: 'Recompute the chain of an agent and name the first memory that does not hold.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentParams,
    answer: { status: 200, schema: chainVerification },
  },
  async (call) => {
    const agentId = call.agent!.id;
    const verified = await call.agentObject(agentId).verifyChain(agentId);
    return verified.ok ? ok(json(verified.value)) : verified;
  },
);
