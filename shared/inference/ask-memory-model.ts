/**
 * A query in the space of an agent's own model: embedded by its node, or as it was before. Where that cannot be, recall
 * goes on without, and says so.
 */
import { systemClock } from '../core/clock.ts';
import type { Result } from '../core/result.ts';
import type { CurrentSpace } from '../contracts/memory-embedding.ts';
import type { AskedModel } from '../store/recall-lanes.ts';
import type { VectorIndex } from '../store/vector-index.ts';
import { embedByModel } from './embed-by-model.ts';
import { QueryCache } from './query-cache.ts';
import type { NodeCaller, NodeWays } from './run-on-node.ts';

/** Of this isolate. */
const queries = new QueryCache(systemClock);

export type ModelAsker = {
  readonly ways: NodeWays;
  readonly caller: NodeCaller;
  /** Null: the agent has no model of its own. */
  readonly findSpace: () => Promise<Result<CurrentSpace | null>>;
  readonly vectorIndex: (space: string) => VectorIndex;
};

export async function askMemoryModel(asker: ModelAsker, text: string, cache = queries): Promise<AskedModel> {
  const { ways, caller } = asker;
  const found = await asker.findSpace();
  if (!found.ok) return { notice: 'embedder_unavailable' };
  if (found.value === null) return {};
  const { model, space, semantic, behind } = found.value;
  const query = { tenant: ways.tenantId, space, text };
  let vector = cache.find(query);
  if (!vector) {
    const embedded = await embedByModel(ways, caller, model, [text], found.value);
    if (!embedded.ok) return { notice: 'embedder_unavailable' };
    vector = embedded.value.vectors[0]!;
    cache.keep(query, vector);
  }
  const asked = { space, semantic, vector, index: asker.vectorIndex(space) };
  return behind ? { query: asked, notice: 'embedding_behind' } : { query: asked };
}
