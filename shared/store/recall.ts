/**
 * Recall: the memories that an agent may use to answer a query, best first, each with its provenance. Every memory stands in
 * the embedded default; the space of the agent's own model is asked beside it, and where that fails the answer says so.
 * An index only proposes ids; every hit is read from D1 under the tenant's scope and is dropped where it is missing,
 * deleted, not this agent's and not shared with it, outside its validity window, closed, not what the filter names, or not
 * what was written (its hashes are recomputed).
 */
import {
  MaxRecall,
  type MemoryFilter,
  type RecalledMemory,
  type RecallNotice,
  type RecallRequest,
} from '../contracts/memories.ts';
import type { Clock } from '../core/clock.ts';
import { embedByHash, HashEmbeddingModel } from '../core/hash-embedding.ts';
import type { AgentId } from '../core/ids.ts';
import { ok, type Result } from '../core/result.ts';
import type { TenantScope } from '../tenancy/tenant-scope.ts';
import { findTampering, type MemoryRecord } from './memory-chain.ts';
import { type MemoryStore } from './memory-store.ts';
import { toProvenance } from './memory-view.ts';
import { EveryAgent } from './memory-vector.ts';
import { explainLanes, noRanks, proposeIds, type AskedModel, type LaneRanks } from './recall-lanes.ts';
import {
  compareWeighed,
  DefaultRecencyDays,
  dot,
  findStanding,
  spread,
  weigh,
  type Weighed,
} from './recall-ranking.ts';
import { isHybrid, VectorLimits, type RankedId, type VectorIndex } from './vector-index.ts';

export { memoryVector } from './memory-vector.ts';

/** Makes the vectors of one embedding space, for what is stored and for what is asked. */
export type Embedder = {
  readonly space: string;
  /** False where the space is lexical. */
  readonly semantic: boolean;
  embed(text: string): Promise<Result<Float32Array | readonly number[]>>;
};

export const hashEmbedder: Embedder = {
  space: HashEmbeddingModel,
  semantic: false,
  embed: async (text) => ok(embedByHash(text)),
};

/** A model that compares query and texts: a score for each, in their order. */
export type Reranker = (query: string, texts: readonly string[]) => Promise<Result<readonly number[]>>;

export type RecallDeps = {
  readonly store: Pick<MemoryStore, 'findMemories'> & Partial<Pick<MemoryStore, 'listRecent'>>;
  /** The index of the scope's tenant in the embedder's space. */
  readonly index: VectorIndex;
  readonly embedder: Embedder;
  readonly clock: Clock;
  /** The query by the agent's own model. Never rejects. */
  readonly askModel?: (query: string) => Promise<AskedModel>;
  /** Where a node has one. */
  readonly reranker?: Reranker;
};

export type Recall = {
  readonly hits: readonly RecalledMemory[];
  readonly semantic: boolean;
  readonly embedding_space: string;
  readonly notices: readonly RecallNotice[];
  /** Ids of proposed memories whose row does not match its hashes: for the log, and for an alert. */
  readonly tampered: readonly string[];
};

type Values = Float32Array | readonly number[];
type Asked = {
  readonly scope: TenantScope;
  readonly agentId: AgentId;
  readonly request: RecallRequest;
  readonly vector: Values;
  readonly model: Promise<AskedModel>;
  readonly nowMs: number;
};
type Chosen = { readonly weighed: readonly Weighed[]; readonly tampered: readonly string[] };

/** So long an index that lags behind may not show a write; D1 is asked for it. */
const FreshMs = 5 * 60_000;
const MaxFresh = 64;
/** What is compared by a model, of what was found. */
const RerankDepth = 50;
/** A memory, the summary that it is quoted in, and a summary of that. */
const MaxClosings = 3;

export async function recallMemories(
  deps: RecallDeps,
  scope: TenantScope,
  agentId: AgentId,
  request: RecallRequest,
): Promise<Result<Recall>> {
  const model = deps.askModel?.(request.query) ?? Promise.resolve<AskedModel>({});
  const embedded = await deps.embedder.embed(request.query);
  if (!embedded.ok) return embedded;
  const asked: Asked = { scope, agentId, request, vector: embedded.value, model, nowMs: deps.clock.now() };
  const fresh = await findFresh(deps, asked);
  if (!fresh.ok) return fresh;
  const topK = Math.min(VectorLimits.maxTopK, Math.max(2 * request.limit, MaxRecall));
  let found = await findCandidates(deps, asked, topK, fresh.value);
  // Dropped rows may have stood in the way of others.
  if (found.ok && found.value.full && found.value.weighed.length < request.limit && topK < VectorLimits.maxTopK) {
    found = await findCandidates(deps, asked, VectorLimits.maxTopK, fresh.value);
  }
  if (!found.ok) return found;
  const { tampered, degraded } = found.value;
  const { query: own, notice } = await model;
  const notices: RecallNotice[] = [
    ...(notice ? [notice] : []),
    ...(degraded ? (['index_degraded'] as const) : []),
    ...(tampered.length > 0 ? (['tampered_left_out'] as const) : []),
  ];
  const reranked = request.rerank ? await rerank(deps.reranker, request.query, found.value.weighed) : undefined;
  if (request.rerank && !reranked) notices.push('rerank_unavailable');
  const ordered = reranked ? reranked.map(({ weighed }) => weighed) : found.value.weighed;
  const hits = spread(ordered, request.limit, request.diversity ?? 0);
  const lanes = request.explain ? await explainLanes(deps.index, asked, VectorLimits.maxTopK) : undefined;
  const scores = new Map(reranked?.map(({ weighed, score }) => [weighed.row.id, score]));
  return ok({
    hits: hits.map((hit) => toHit(hit, lanes, fresh.value, scores)),
    tampered,
    notices,
    semantic: (own ?? deps.embedder).semantic,
    embedding_space: (own ?? deps.embedder).space,
  });
}

async function findCandidates(
  deps: RecallDeps,
  asked: Asked,
  topK: number,
  fresh: readonly string[],
): Promise<Result<Chosen & { readonly full: boolean; readonly degraded: boolean }>> {
  const proposed = await proposeIds(deps.index, asked, topK, fresh);
  if (!proposed.ok) return proposed;
  const { ranked, full, degraded } = proposed.value;
  const rows = await findWithClosers(
    deps,
    asked,
    ranked.map(({ id }) => id),
  );
  return rows.ok ? ok({ ...choose(ranked, rows.value, asked), full, degraded }) : rows;
}

/** Beside the rows what has closed them, and what has closed that. */
async function findWithClosers(
  { store }: RecallDeps,
  { scope, agentId }: Asked,
  ids: readonly string[],
): Promise<Result<ReadonlyMap<string, MemoryRecord>>> {
  const found = new Map<string, MemoryRecord>();
  let wanted = ids;
  for (let round = 0; round < MaxClosings && wanted.length > 0; round++) {
    const rows = await store.findMemories(scope, agentId, wanted);
    if (!rows.ok) return rows;
    for (const row of rows.value) found.set(row.id, row);
    const closers = rows.value.flatMap(({ closedBy }) => (closedBy === null || found.has(closedBy) ? [] : [closedBy]));
    wanted = [...new Set(closers)];
  }
  return ok(found);
}

/** The newest of the agent's own, by how near they are: nothing where the index reads its own writes. */
async function findFresh(deps: RecallDeps, asked: Asked): Promise<Result<readonly string[]>> {
  if (isHybrid(deps.index) || !deps.store.listRecent) return ok([]);
  const rows = await deps.store.listRecent(asked.scope, asked.agentId, asked.nowMs - FreshMs, MaxFresh);
  if (!rows.ok) return rows;
  const near: RankedId[] = [];
  for (const { id, text } of rows.value) {
    const embedded = await deps.embedder.embed(text);
    if (!embedded.ok) return embedded;
    const score = dot(asked.vector, embedded.value);
    if (score > 0) near.push({ id, score });
  }
  return ok(near.sort((a, b) => b.score - a.score).map(({ id }) => id));
}

function choose(ranked: readonly RankedId[], rows: ReadonlyMap<string, MemoryRecord>, asked: Asked): Chosen {
  const { diversity = 0, recency_days: recencyDays = DefaultRecencyDays } = asked.request;
  const weighed: Weighed[] = [];
  const tampered: string[] = [];
  const seen = new Set<string>();
  for (const { id, score } of ranked) {
    const found = rows.get(id);
    const row = found && findStanding(found, rows, momentOf(asked));
    if (!row || seen.has(row.id) || !isWanted(row, asked)) continue;
    seen.add(row.id);
    if (findTampering(asked.scope.tenantId, row) === undefined) {
      weighed.push(weigh(row, score, { nowMs: asked.nowMs, recencyDays, diversity }, id));
    } else tampered.push(row.id);
  }
  weighed.sort(compareWeighed);
  const texts = new Set<string>();
  const once = weighed.filter(({ row }) => !texts.has(row.text) && texts.add(row.text));
  return { weighed: once, tampered };
}

/** `valid_until` and the moment of closing are the first at which the memory no longer holds. */
function isWanted(row: MemoryRecord, asked: Asked): boolean {
  const { agentId, request } = asked;
  if (row.deletedAt !== null || row.kind === 'checkpoint') return false;
  if (row.agentId !== agentId && !isSharedWith(row, agentId)) return false;
  const at = momentOf(asked);
  const holds = (row.validFrom === null || row.validFrom <= at) && (row.validUntil === null || at < row.validUntil);
  return holds && (row.closedAt === null || at < row.closedAt) && matches(row, request.filter);
}

function momentOf({ request, nowMs }: Asked): number {
  return request.as_of === undefined ? nowMs : Date.parse(request.as_of);
}

function isSharedWith({ scope, readers }: MemoryRecord, agentId: AgentId): boolean {
  return scope === 'shared' && (readers.includes(EveryAgent) || readers.includes(agentId));
}

/** What the index filters by is held against the row as well: the index may be behind, or wrong. */
function matches(row: MemoryRecord, filter: MemoryFilter): boolean {
  const { kind, scope, tags, subject, visitor, source, author, after, before } = filter;
  if (kind !== undefined && ![kind].flat().some((each) => each === row.kind)) return false;
  if (tags !== undefined && !tags.some((tag) => row.tags.includes(tag))) return false;
  if (after !== undefined && row.createdAt < Date.parse(after)) return false;
  if (before !== undefined && row.createdAt >= Date.parse(before)) return false;
  return (
    (scope ?? row.scope) === row.scope &&
    (subject ?? row.subject) === row.subject &&
    (visitor ?? row.visitor) === row.visitor &&
    (source ?? row.sourceType) === row.sourceType &&
    (author ?? row.author) === row.author
  );
}

/** Undefined where there is none, or it fails: the order stays. */
async function rerank(
  reranker: Reranker | undefined,
  query: string,
  weighed: readonly Weighed[],
): Promise<readonly { readonly weighed: Weighed; readonly score: number }[] | undefined> {
  if (!reranker) return undefined;
  const compared = weighed.slice(0, RerankDepth);
  const scores = await reranker(
    query,
    compared.map(({ row }) => row.text),
  );
  if (!scores.ok || scores.value.length !== compared.length || !scores.value.every(Number.isFinite)) return undefined;
  const order = compared.map((each, at) => ({ weighed: each, score: scores.value[at]! }));
  return order.sort((a, b) => b.score - a.score);
}

function toHit(
  { row, ...hit }: Weighed,
  lanes: LaneRanks | undefined,
  fresh: readonly string[],
  reranked: ReadonlyMap<string, number>,
): RecalledMemory {
  const { id, text, hash } = row;
  const found: RecalledMemory = {
    id,
    text,
    score: hit.score,
    kind: row.kind as RecalledMemory['kind'],
    provenance: toProvenance(row),
    hash,
  };
  if (!lanes) return found;
  const { vector, text: words, model } = lanes.get(hit.foundBy) ?? noRanks;
  const rank = fresh.indexOf(id) + 1;
  const { fused, confidence, recency, likeness } = hit;
  const why = { vector, text: words, model, fresh: rank > 0 ? { rank } : null, fused, confidence, recency, likeness };
  return { ...found, why: { ...why, rerank: reranked.get(id) ?? null } };
}
