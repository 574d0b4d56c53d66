import { ok } from '../../../shared/core/result.ts';
import { recallRequest, recallResult } from '../../../shared/contracts/memories.ts';
import { HashEmbeddingModel } from '../../../shared/core/hash-embedding.ts';
import { hashEmbedder, recallMemories as recall } from '../../../shared/store/recall.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const recallMemories = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/memories/recall',
    operation: 'recallMemories',
    summary: 'Find the memories that answer a query, best first.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentParams,
    body: recallRequest,
    answer: { status: 200, schema: recallResult },
  },
  async (call, { body }) => {
    const index = call.vectorIndex(HashEmbeddingModel);
    const deps = { store: call.memories(), index, embedder: hashEmbedder, clock: call.clock };
    const found = await recall(deps, call.scope, call.agent!.id, body);
    if (!found.ok) return found;
    const { hits, semantic, embedding_space, notices } = found.value;
    const list = { object: 'list', data: hits, has_more: false, next_cursor: null };
    return ok(json({ ...list, semantic, embedding_space, notices }));
  },
);
