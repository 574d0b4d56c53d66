/**
 * Where recall asks: the agent's own namespace and what is shared with it, each by vector and by words in the embedded
 * default, and by vector in the space of the agent's own model; where the index lags behind its writes, also the newest
 * memories in D1. Vectors of two spaces are never compared: what each finds is fused by rank. An index only proposes ids.
 */
import type { RecallNotice, RecallReason, RecallRequest } from '../contracts/memories.ts';
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
export type LaneRanks = Map<string, Pick<RecallReason, 'vector' | 'text' | 'model'>>;

type Values = Float32Array | readonly number[];
/** The query in the space of the agent's own model. */
export type ModelQuery = {
  readonly space: string;
  /** Of the scope's tenant in this space. */
  readonly index: VectorIndex;
  readonly vector: Values;
  readonly semantic: boolean;
};
/** No query: the agent has no model, or, with a notice, it cannot be asked. */
export type AskedModel = {
  readonly query?: ModelQuery;
  readonly notice?: Extract<RecallNotice, 'embedder_unavailable' | 'embedding_behind'>;
};
type Question = {
  readonly agentId: AgentId;
  readonly request: RecallRequest;
  readonly vector: Values;
  /** The embedded default is searched while it comes. Never rejects. */
  readonly model: Promise<AskedModel>;
};
type Found = { readonly hits: readonly RankedId[]; readonly full: boolean; readonly degraded: boolean };

/** `fresh`: ids of what the index may not know yet, best first; they are a lane of their own. */
export async function proposeIds(
  index: VectorIndex,
  question: Question,
  topK: number,
  fresh: readonly string[],
): Promise<Result<Proposals>> {
  try {
    const found = await Promise.all(
      namespacesOf(index, question, topK).map((query) => askBoth(index, query, question.model)),
    );
    const lists = found.map(({ hits }) => hits);
    const ranked =
      fresh.length > 0
        ? fuseRanks([...lists.map((hits) => hits.map(({ id }) => id)), fresh], 2 * topK)
        : lists.flat().sort(compareRanked);
    return ok({
      ranked,
      full: found.some(({ full }) => full),
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
  const note = (id: string, reason: Partial<Pick<RecallReason, 'vector' | 'text' | 'model'>>) =>
    ranks.set(id, { ...(ranks.get(id) ?? noRanks), ...reason });
  const { query: model } = await question.model;
  for (const query of namespacesOf(index, question, topK)) {
    const { vector, text: _, ...options } = query;
    const near = await index.query(vector, options);
    for (const [at, { id, score }] of near.matches.entries()) note(id, { vector: { rank: at + 1, score } });
    const meant = model ? await askModel(model, query) : { hits: [] };
    for (const [at, { id, score }] of meant.hits.entries()) note(id, { model: { rank: at + 1, score } });
    if (!isHybrid(index)) continue;
    const words = await index.search(wordsOnly(query));
    for (const [at, { id }] of words.hits.entries()) note(id, { text: { rank: at + 1 } });
  }
  return ranks;
}

export const noRanks = { vector: null, text: null, model: null } as const;

/**
 * By meaning and by words, where there is a model: likeness of characters would outvote it. The whole of the embedded
 * default is asked while the model's vector comes, and is the answer where none does.
 */
async function askBoth(index: VectorIndex, query: HybridQuery, asked: Promise<AskedModel>): Promise<Found> {
  const whole = ask(index, query);
  whole.catch(() => undefined);
  const { query: model } = await asked;
  if (!model) return whole;
  const [known, meant] = await Promise.all([
    isHybrid(index) ? ask(index, wordsOnly(query)) : whole,
    askModel(model, query),
  ]);
  const lanes = [known, meant].map(({ hits }) => hits.map(({ id }) => id));
  return {
    hits: fuseRanks(lanes, 2 * query.topK),
    full: known.full || meant.full,
    degraded: known.degraded || meant.degraded,
  };
}

/** A vector without a direction is near to nothing: what is left are the words. */
function wordsOnly(query: HybridQuery): HybridQuery {
  return { ...query, vector: new Float32Array(query.vector.length) };
}

async function ask(index: VectorIndex, query: HybridQuery): Promise<Found> {
  if (!isHybrid(index)) return askVector(index, query, query.vector);
  const { hits, degraded } = await (index as HybridIndex).search(query);
  return { hits, full: hits.length === query.topK, degraded: degraded !== undefined };
}

/** Where the model's space does not answer, the embedded default still does. */
async function askModel({ index, vector }: ModelQuery, query: HybridQuery): Promise<Found> {
  try {
    return await askVector(index, query, vector);
  } catch (error) {
    if (error instanceof FailureError) return { hits: [], full: false, degraded: true };
    throw error;
  }
}

async function askVector(index: VectorIndex, query: HybridQuery, vector: Values): Promise<Found> {
  const { vector: _, text: __, ...options } = query;
  const { matches, degraded } = await index.query(vector, options);
  return {
    hits: matches.filter(({ score }) => score > 0),
    full: matches.length === query.topK,
    degraded: degraded !== undefined,
  };
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
