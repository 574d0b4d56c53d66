import { ok } from '../../../shared/core/result.ts';
import { memoryEmbedding } from '../../../shared/contracts/memory-embedding.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const retrieveEmbedding = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/memories/embedding',
    operation: 'retrieveEmbedding',
    summary: 'Read by which model the memories of an agent are found, and how far the embedding has come.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentParams,
    answer: { status: 200, schema: memoryEmbedding },
  },
  async (call) => {
    const agentId = call.agent!.id;
    const embedding = await call.agentObject(agentId).memories.embedding(agentId);
    return embedding.ok ? ok(json(embedding.value)) : embedding;
  },
);
