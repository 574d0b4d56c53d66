import { err, ok } from '../../../shared/core/result.ts';
import { isId } from '../../../shared/core/ids.ts';
import { inclusionProof } from '../../../shared/contracts/memories.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentMemoryParams } from '../params.ts';

export const proveMemory = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/memories/{memory}/proof',
    operation: 'proveMemory',
    summary: 'Prove that a memory is in the chain, under the checkpoint that seals it.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentMemoryParams,
    answer: { status: 200, schema: inclusionProof },
  },
  async (call, { params: { memory: id } }) => {
    if (!isId('memory', id)) return err('not_found', 'There is no such memory.');
    const agentId = call.agent!.id;
    const proof = await call.agentObject(agentId).memories.prove(agentId, id);
    return proof.ok ? ok(json(proof.value)) : proof;
  },
);
