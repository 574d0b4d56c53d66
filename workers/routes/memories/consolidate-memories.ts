import { memoryPolicyOf } from '../../../shared/agents/memory-policy.ts';
import { ok } from '../../../shared/core/result.ts';
import { consolidation } from '../../../shared/contracts/memories.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const consolidateMemories = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/memories/consolidate',
    operation: 'consolidateMemories',
    summary: 'Put together the memories of an agent that are alike or long past; the sources stay, closed.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:write',
    params: agentParams,
    answer: { status: 200, schema: consolidation },
  },
  async (call) => {
    const agent = call.agent!;
    const { memories } = call.agentObject(agent.id);
    const policy = memoryPolicyOf(agent);
    const done = await memories.consolidate(agent.id, call.principal.id, policy, call.traceparent);
    return done.ok ? ok(json(done.value)) : done;
  },
);
