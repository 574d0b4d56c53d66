import { ok } from '../../../shared/core/result.ts';
import { recallRequest, recallResult } from '../../../shared/contracts/memories.ts';
import { HashEmbeddingModel } from '../../../shared/core/hash-embedding.ts';
import { askMemoryModel } from '../../../shared/inference/ask-memory-model.ts';
import { rerankByModel } from '../../../shared/inference/rerank-by-model.ts';
import { hashEmbedder, recallMemories as recall, type RecallDeps } from '../../../shared/store/recall.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

/** So long a recall waits for a node; then it answers without, and says so. */
const NodeTimeoutMs = 5_000;

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
    const agentId = call.agent!.id;
    const { principal, requestId, traceparent } = call;
    const ways = call.nodeWays();
    const caller = {
      principal,
      agentId,
      requestId,
      traceparent,
      lane: 'interactive',
      timeoutMs: NodeTimeoutMs,
    } as const;
    const findSpace = () => call.agentObject(agentId).memories.currentSpace(agentId);
    const asker = { ways, caller, findSpace, vectorIndex: call.vectorIndex };
    const model = typeof body.rerank === 'object' ? body.rerank.model : undefined;
    const deps: RecallDeps = {
      store: call.memories(),
      index: call.vectorIndex(HashEmbeddingModel),
      embedder: hashEmbedder,
      clock: call.clock,
      askModel: (text) => askMemoryModel(asker, text),
      reranker: (query, texts) => rerankByModel(ways, caller, model, query, texts),
    };
    const found = await recall(deps, call.scope, agentId, body);
    if (!found.ok) return found;
    const { hits, semantic, embedding_space, notices } = found.value;
    const list = { object: 'list', data: hits, has_more: false, next_cursor: null };
    return ok(json({ ...list, semantic, embedding_space, notices }));
  },
);
