/**
 * Recall: the memories of an agent that answer a query, best first, each with its provenance.
 * An index only proposes ids; every hit is read from D1 under the tenant's scope and is dropped where it is missing,
 * deleted, another agent's, outside its validity window or not what was written (its hashes are recomputed).
 */
import { MaxRecall, type RecalledMemory, type RecallRequest } from '../contracts/memories.ts';
import type { Clock } from '../core/clock.ts';
import { FailureError } from '../core/failure.ts';
import { embedByHash, HashEmbeddingModel } from '../core/hash-embedding.ts';
import type { AgentId } from '../core/ids.ts';
import { ok, type Result } from '../core/result.ts';
import type { TenantScope } from '../tenancy/tenant-scope.ts';
import { findTampering, type MemoryRecord } from './memory-chain.ts';
import { toProvenance, type MemoryStore } from './memory-store.ts';
import { isHybrid, VectorLimits, type RankedId, type TextVectorRecord, type VectorIndex } from './vector-index.ts';

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

export type RecallDeps = {
  readonly store: Pick<MemoryStore, 'findMemories'>;
  /** The index of the scope's tenant in the embedder's space. */
  readonly index: VectorIndex;
  readonly embedder: Embedder;
  readonly clock: Clock;
};

export type Recall = {
  readonly hits: readonly RecalledMemory[];
  readonly semantic: boolean;
  readonly embedding_space: string;
  /** Ids of proposed memories whose row does not match its hashes: for the log, and for an alert. */
  readonly tampered: readonly string[];
};

export async function recallMemories(
  deps: RecallDeps,
  scope: TenantScope,
  agentId: AgentId,
  request: RecallRequest,
): Promise<Result<Recall>> {
  const embedded = await deps.embedder.embed(request.query);
  if (!embedded.ok) return embedded;
  const proposed = await proposeIds(deps.index, agentId, request, embedded.value);
  if (!proposed.ok) return proposed;
  const rows = await deps.store.findMemories(
    scope,
    agentId,
    proposed.value.map(({ id }) => id),
  );
  if (!rows.ok) return rows;
  const kept = chooseHits(proposed.value, rows.value, { scope, agentId, request, nowMs: deps.clock.now() });
  return ok({ ...kept, semantic: deps.embedder.semantic, embedding_space: deps.embedder.space });
}

/** The vector of a memory, as it is written to the index: the agent is the namespace, the kind can be filtered by. */
export function memoryVector(record: MemoryRecord, values: Float32Array | readonly number[]): TextVectorRecord {
  return { id: record.id, values, namespace: record.agentId, metadata: { kind: record.kind }, text: record.text };
}

/** More than asked for, since some of them may be dropped. */
async function proposeIds(
  index: VectorIndex,
  agentId: AgentId,
  request: RecallRequest,
  vector: Float32Array | readonly number[],
): Promise<Result<readonly RankedId[]>> {
  const options = {
    topK: Math.min(VectorLimits.maxTopK, Math.max(2 * request.limit, MaxRecall)),
    namespace: agentId,
    ...(request.filter.kind === undefined ? {} : { filter: { kind: request.filter.kind } }),
  };
  try {
    if (isHybrid(index)) return ok(await index.hybrid({ ...options, vector, text: request.query }));
    return ok((await index.query(vector, options)).matches.filter(({ score }) => score > 0));
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, failure: error.failure };
    throw error;
  }
}

type Wanted = {
  readonly scope: TenantScope;
  readonly agentId: AgentId;
  readonly request: RecallRequest;
  readonly nowMs: number;
};

function chooseHits(
  ranked: readonly RankedId[],
  rows: readonly MemoryRecord[],
  wanted: Wanted,
): { readonly hits: readonly RecalledMemory[]; readonly tampered: readonly string[] } {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const texts = new Set<string>();
  const hits: RecalledMemory[] = [];
  const tampered: string[] = [];
  for (const { id, score } of ranked) {
    const row = byId.get(id);
    if (!row || !isWanted(row, wanted)) continue;
    if (findTampering(wanted.scope.tenantId, row) !== undefined) {
      tampered.push(id);
      continue;
    }
    if (texts.has(row.text)) continue;
    texts.add(row.text);
    hits.push({ id, text: row.text, score, kind: row.kind, provenance: toProvenance(row), hash: row.hash });
    if (hits.length === wanted.request.limit) break;
  }
  return { hits, tampered };
}

/** `valid_until` is the first moment at which the memory no longer holds. */
function isWanted(row: MemoryRecord, { agentId, request, nowMs }: Wanted): boolean {
  if (row.deletedAt !== null || row.agentId !== agentId) return false;
  if (request.filter.kind !== undefined && row.kind !== request.filter.kind) return false;
  return (row.validFrom === null || row.validFrom <= nowMs) && (row.validUntil === null || nowMs < row.validUntil);
}
