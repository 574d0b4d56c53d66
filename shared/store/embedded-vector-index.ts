/**
 * HybridIndex over vector shards of one tenant and embedding space. Checks VectorLimits before it calls.
 * Uses shard 0 only. To grow: write to the highest shard until it is full, then open the next number; keep the number
 * with the memory's row, so that a delete finds its shard; ask all shards and merge by score. Nothing is ever moved.
 */
import type { TenantId } from '../core/ids.ts';
import { describeError } from '../core/log.ts';
import { fail, FailureError } from '../core/failure.ts';
import type { Result } from '../core/result.ts';
import type {
  HybridIndex,
  RankedId,
  TextVectorRecord,
  VectorFilter,
  VectorIndexInfo,
  VectorMatches,
  VectorMutation,
  VectorQueryOptions,
  VectorRecord,
} from './vector-index.ts';
import { validateIds, validateQuery, validateVectors } from './vector-limits.ts';

type Values = Float32Array | readonly number[];
type HybridQuery = Parameters<HybridIndex['hybrid']>[0];

/** What a vector shard offers; the stub of the Durable Object has this form. */
export type VectorShardStub = {
  upsert(
    tenant: TenantId,
    vectors: readonly (VectorRecord & { readonly text?: string })[],
  ): Promise<Result<VectorMutation>>;
  insert(tenant: TenantId, vectors: readonly VectorRecord[]): Promise<Result<VectorMutation>>;
  delete(tenant: TenantId, ids: readonly string[]): Promise<Result<VectorMutation>>;
  get(tenant: TenantId, ids: readonly string[]): Promise<Result<readonly VectorRecord[]>>;
  query(tenant: TenantId, query: VectorQueryOptions & { readonly vector: Values }): Promise<Result<VectorMatches>>;
  hybrid(tenant: TenantId, query: HybridQuery): Promise<Result<readonly RankedId[]>>;
  describe(tenant: TenantId): Promise<Result<VectorIndexInfo>>;
  destroy(tenant: TenantId): Promise<Result<undefined>>;
};

/** Finds the shard with this number, of the tenant and embedding space that the index was made for. */
export type ResolveVectorShard = (shard: number) => VectorShardStub;

export class EmbeddedVectorIndex implements HybridIndex {
  readonly #tenant: TenantId;
  readonly #resolveShard: ResolveVectorShard;

  constructor(tenant: TenantId, resolveShard: ResolveVectorShard) {
    this.#tenant = tenant;
    this.#resolveShard = resolveShard;
  }

  async describe(): Promise<VectorIndexInfo> {
    return this.#call((shard) => shard.describe(this.#tenant));
  }

  async query(vector: Values, options: VectorQueryOptions = {}): Promise<VectorMatches> {
    requireValid(validateQuery(vector, options));
    return this.#call((shard) => shard.query(this.#tenant, { ...toPlain(options), vector }));
  }

  async insert(vectors: readonly VectorRecord[]): Promise<VectorMutation> {
    requireValid(validateVectors(vectors));
    return this.#call((shard) => shard.insert(this.#tenant, vectors.map(toPlainRecord)));
  }

  async upsert(vectors: readonly VectorRecord[]): Promise<VectorMutation> {
    requireValid(validateVectors(vectors));
    return this.#call((shard) => shard.upsert(this.#tenant, vectors.map(toPlainRecord)));
  }

  async upsertWithText(vectors: readonly TextVectorRecord[]): Promise<VectorMutation> {
    return this.upsert(vectors);
  }

  async deleteByIds(ids: readonly string[]): Promise<VectorMutation> {
    requireValid(validateIds(ids));
    return this.#call((shard) => shard.delete(this.#tenant, ids));
  }

  async getByIds(ids: readonly string[]): Promise<readonly VectorRecord[]> {
    requireValid(validateIds(ids));
    return this.#call((shard) => shard.get(this.#tenant, ids));
  }

  async hybrid(query: HybridQuery): Promise<readonly RankedId[]> {
    requireValid(validateQuery(query.vector, query));
    return this.#call((shard) => shard.hybrid(this.#tenant, toPlain(query)));
  }

  /** Drops every vector and text of the tenant in this embedding space. */
  async destroy(): Promise<void> {
    await this.#call((shard) => shard.destroy(this.#tenant));
  }

  async #call<T>(call: (shard: VectorShardStub) => Promise<Result<T>>): Promise<T> {
    let result: Result<T>;
    try {
      result = await call(this.#resolveShard(0));
    } catch (error) {
      throw new FailureError(fail('service_unavailable', undefined, { reason: describeError(error) }));
    }
    if (!result.ok) throw new FailureError(result.failure);
    return result.value;
  }
}

/** RPC refuses objects without a prototype, as some parsers make them; a clone has the ordinary one. */
function toPlain<T extends { readonly filter?: VectorFilter }>(query: T): T {
  return query.filter === undefined ? { ...query } : { ...query, filter: structuredClone(query.filter) };
}

function toPlainRecord<T extends VectorRecord>(vector: T): T {
  return vector.metadata === undefined ? { ...vector } : { ...vector, metadata: structuredClone(vector.metadata) };
}

function requireValid(result: Result<undefined>): void {
  if (!result.ok) throw new FailureError(result.failure);
}
