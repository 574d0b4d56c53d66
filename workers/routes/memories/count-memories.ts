import { ok } from '../../../shared/core/result.ts';
import { memoryCounters } from '../../../shared/contracts/memories.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const countMemories = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/memories/counters',
    operation: 'countMemories',
    summary: 'Count what an agent remembers, and what was written, refused and forgotten.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentParams,
    answer: { status: 200, schema: memoryCounters },
  },
  async (call) => {
    const agentId = call.agent!.id;
    const counted = await call.agentObject(agentId).memories.counters(agentId);
    return counted.ok ? ok(json(counted.value)) : counted;
  },
);
