/**
 * Where recall asks: the agent's own namespace and what is shared with it, each by vector and by words, and, where the
 * index lags behind its writes, the newest memories in D1. An index only proposes ids.
 */
import type { RecallReason, RecallRequest } from '../contracts/memories.ts';
import { FailureError } from '../core/failure.ts';
import type { AgentId } from '../core/ids.ts';
import { ok, type Result } from '../core/result.ts';
import { SharedNamespace, toVectorFilter } from './memory-vector.ts';
import { fuseRanks } from './rank-fusion.ts';
import {
  compareRanked,
  isHybrid,
  type HybridIndex,
  type HybridQuery,
  type RankedId,
  type VectorIndex,
} from './vector-index.ts';

export type Proposals = {
  readonly ranked: readonly RankedId[];
  /** There may be more than these. */
  readonly full: boolean;
  readonly degraded: boolean;
};
export type LaneRanks = Map<string, Pick<RecallReason, 'vector' | 'text' | 'fresh'>>;

type Values = Float32Array | readonly number[];
type Question = { readonly agentId: AgentId; readonly request: RecallRequest; readonly vector: Values };

/** `fresh`: ids of what the index may not know yet, best first; they are a lane of their own. */
export async function proposeIds(
  index: VectorIndex,
  question: Question,
  topK: number,
  fresh: readonly string[],
): Promise<Result<Proposals>> {
  try {
    const found = await Promise.all(namespacesOf(index, question, topK).map((query) => ask(index, query)));
    const lists = found.map(({ hits }) => hits);
    const ranked =
      fresh.length > 0
        ? fuseRanks([...lists.map((hits) => hits.map(({ id }) => id)), fresh], 2 * topK)
        : lists.flat().sort(compareRanked);
    return ok({
      ranked,
      full: lists.some((hits) => hits.length === topK),
      degraded: found.some(({ degraded }) => degraded),
    });
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, failure: error.failure };
    throw error;
  }
}

/** Which lane found what, and where: asked only to explain. */
export async function explainLanes(index: VectorIndex, question: Question, topK: number): Promise<LaneRanks> {
  const ranks: LaneRanks = new Map();
  const note = (id: string, reason: Partial<Pick<RecallReason, 'vector' | 'text'>>) =>
    ranks.set(id, { ...(ranks.get(id) ?? { vector: null, text: null, fresh: null }), ...reason });
  for (const query of namespacesOf(index, question, topK)) {
    const { vector, text, ...options } = query;
    const near = await index.query(vector, options);
    for (const [at, { id, score }] of near.matches.entries()) note(id, { vector: { rank: at + 1, score } });
    if (!isHybrid(index)) continue;
    // A vector without a direction is near to nothing: what is left are the words.
    const words = await index.search({ ...query, vector: new Float32Array(vector.length), text });
    for (const [at, { id }] of words.hits.entries()) note(id, { text: { rank: at + 1 } });
  }
  return ranks;
}

async function ask(
  index: VectorIndex,
  query: HybridQuery,
): Promise<{ readonly hits: readonly RankedId[]; readonly degraded: boolean }> {
  if (isHybrid(index)) {
    const { hits, degraded } = await (index as HybridIndex).search(query);
    return { hits, degraded: degraded !== undefined };
  }
  const { vector, text: _, ...options } = query;
  const { matches, degraded } = await index.query(vector, options);
  return { hits: matches.filter(({ score }) => score > 0), degraded: degraded !== undefined };
}

function namespacesOf(
  index: VectorIndex,
  { agentId, request, vector }: Question,
  topK: number,
): readonly HybridQuery[] {
  const lists = isHybrid(index);
  const own = toVectorFilter(request.filter, { lists });
  const shared = toVectorFilter(request.filter, { lists, reader: agentId });
  const query = { vector, text: request.query, topK };
  return [
    ...(request.filter.scope === 'shared' ? [] : [{ ...query, namespace: agentId, ...(own ? { filter: own } : {}) }]),
    ...(request.filter.scope === 'private'
      ? []
      : [{ ...query, namespace: SharedNamespace, ...(shared ? { filter: shared } : {}) }]),
  ];
}
