import { err, ok } from '../../../shared/core/result.ts';
import { memory } from '../../../shared/contracts/memories.ts';
import { toMemory } from '../../../shared/store/memory-view.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentMemoryParams } from '../params.ts';

export const retrieveMemory = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/memories/{memory}',
    operation: 'retrieveMemory',
    summary: 'Retrieve a memory with its provenance.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentMemoryParams,
    answer: { status: 200, schema: memory },
  },
  async (call, { params }) => {
    const found = await call.memories().findMemory(call.scope, call.agent!.id, params.memory);
    if (!found.ok) return found;
    return found.value ? ok(json(toMemory(found.value))) : err('not_found', 'There is no such memory.');
  },
);
