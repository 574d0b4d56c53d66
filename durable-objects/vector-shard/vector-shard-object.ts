/**
 * One shard of a tenant's vectors in one embedding space, with the full text beside them. Exact cosine search in RAM,
 * BM25 in SQLite, every read sees every write. Each call names the tenant that it means; another tenant's call finds
 * nothing here. Expected failures are Results. The matrix in RAM is a copy: eviction loses nothing.
 */
import { DurableObject } from 'cloudflare:workers';
import type { TenantId } from '../../shared/core/ids.ts';
import { err, ok, type Err, type Result } from '../../shared/core/result.ts';
import {
  VectorLimits,
  type RankedId,
  type VectorFilter,
  type VectorIndexInfo,
  type VectorMatches,
  type VectorMutation,
  type VectorQueryOptions,
  type VectorRecord,
} from '../../shared/store/vector-index.ts';
import { validateIds, validateQuery, validateVectors } from '../../shared/store/vector-limits.ts';
import { migrate } from '../runtime/migrate.ts';
import { requireOwnTenant } from '../runtime/object-identity.ts';
import { fuseRanks, type Scored } from './vector-shard.ts';
import { vectorShardMigrations } from './vector-shard-migrations.ts';
import { VectorShardSearch } from './vector-shard-search.ts';
import { VectorShardStore, type NewVector, type StoredVector } from './vector-shard-store.ts';

/** Needs no binding. */
export type VectorShardEnv = object;

/** A vector with or without text for the full-text lane. Without, a text that the id had before is gone. */
export type ShardVector = VectorRecord & { readonly text?: string };
export type ShardQuery = VectorQueryOptions & { readonly vector: Float32Array | readonly number[] };
export type ShardHybridQuery = {
  readonly vector: Float32Array | readonly number[];
  readonly text: string;
  readonly topK: number;
  readonly namespace?: string;
  readonly filter?: VectorFilter;
};

/** A shard takes no more than this; the next ones go to the shard with the next number. */
export const ShardCapacity = 100_000;
/** How deep each lane goes before fusion. */
const LaneDepth = 100;

type OpenShard = { readonly store: VectorShardStore; readonly search: VectorShardSearch };

export class VectorShardObject extends DurableObject<VectorShardEnv> {
  readonly #tenant: TenantId;
  #shard: OpenShard | undefined;

  constructor(state: DurableObjectState, env: VectorShardEnv) {
    super(state, env);
    this.#tenant = requireOwnTenant(state);
    void state.blockConcurrencyWhile(async () => {
      this.#open();
    });
  }

  upsert(tenant: TenantId, vectors: readonly ShardVector[]): Result<VectorMutation> {
    return this.#write(tenant, vectors, 'replace');
  }

  insert(tenant: TenantId, vectors: readonly ShardVector[]): Result<VectorMutation> {
    return this.#write(tenant, vectors, 'skip');
  }

  delete(tenant: TenantId, ids: readonly string[]): Result<VectorMutation> {
    const refusal = this.#findForeignCaller(tenant) ?? asRefusal(validateIds(ids));
    if (refusal) return refusal;
    const { store, search } = this.#open();
    store.delete(ids);
    search.noteDeleted(ids);
    return ok({ mutationId: String(store.readGeneration()) });
  }

  get(tenant: TenantId, ids: readonly string[]): Result<readonly VectorRecord[]> {
    const refusal = this.#findForeignCaller(tenant) ?? asRefusal(validateIds(ids));
    return refusal ?? ok(this.#open().store.find(ids).map(toRecord));
  }

  query(tenant: TenantId, query: ShardQuery): Result<VectorMatches> {
    const refusal = this.#findQueryRefusal(tenant, query);
    if (refusal) return refusal;
    const best = this.#open().search.findNearest(query.vector, query, query.topK ?? VectorLimits.defaultTopK);
    const matches = this.#addPayload(best, query);
    return ok({ count: matches.length, matches });
  }

  hybrid(tenant: TenantId, query: ShardHybridQuery): Result<readonly RankedId[]> {
    const refusal = this.#findQueryRefusal(tenant, query);
    if (refusal) return refusal;
    const { search } = this.#open();
    // A vector that does not point the query's way is no hit, however few hits there are.
    const near = search.findNearest(query.vector, query, LaneDepth).filter(({ score }) => score > 0);
    const lanes = [near.map(({ id }) => id), search.findMatching(query.text, query, LaneDepth)];
    return ok(fuseRanks(lanes, query.topK));
  }

  describe(tenant: TenantId): Result<VectorIndexInfo> {
    const refusal = this.#findForeignCaller(tenant);
    if (refusal) return refusal;
    const { store } = this.#open();
    return ok({
      dimensions: store.readDimensions(),
      vectorCount: store.count(),
      processedUpToMutation: String(store.readGeneration()),
    });
  }

  /** Drops everything, the schema included; for the deletion of the tenant or of the embedding space. */
  async destroy(tenant: TenantId): Promise<Result<undefined>> {
    const refusal = this.#findForeignCaller(tenant);
    if (refusal) return refusal;
    this.#shard = undefined;
    await this.ctx.storage.deleteAll();
    return ok();
  }

  /** Also makes the schema anew where `destroy` has dropped it. */
  #open(): OpenShard {
    if (this.#shard) return this.#shard;
    migrate(this.ctx.storage, vectorShardMigrations);
    const store = new VectorShardStore(this.ctx.storage);
    this.#shard = { store, search: new VectorShardSearch(store) };
    return this.#shard;
  }

  #write(tenant: TenantId, vectors: readonly ShardVector[], onExisting: 'replace' | 'skip'): Result<VectorMutation> {
    const refusal =
      this.#findForeignCaller(tenant) ??
      asRefusal(validateVectors(vectors)) ??
      this.#findOtherDimensions(vectors[0]?.values.length, 'vectors.0.values');
    if (refusal) return refusal;
    const { store, search } = this.#open();
    if (store.count() + vectors.length > ShardCapacity) return err('insufficient_quota', 'This vector shard is full.');
    search.noteWritten(store.write(vectors.map(toNewVector), onExisting));
    return ok({ mutationId: String(store.readGeneration()) });
  }

  #findForeignCaller(tenant: TenantId): Err | undefined {
    return tenant === this.#tenant ? undefined : err('not_found', undefined, { reason: 'another tenant was meant' });
  }

  #findQueryRefusal(tenant: TenantId, query: ShardQuery): Err | undefined {
    return (
      this.#findForeignCaller(tenant) ??
      asRefusal(validateQuery(query.vector, query)) ??
      this.#findOtherDimensions(query.vector.length, 'vector')
    );
  }

  #findOtherDimensions(given: number | undefined, param: string): Err | undefined {
    const own = this.#open().store.readDimensions();
    if (own === 0 || own === given) return undefined;
    return err('invalid_request', `This index has ${own} dimensions.`, { param });
  }

  #addPayload(best: readonly Scored[], options: VectorQueryOptions): VectorMatches['matches'] {
    const stored = this.#open().store.find(best.map(({ id }) => id));
    const byId = new Map(stored.map((vector) => [vector.id, vector]));
    return best.map(({ id, score }) => {
      const { namespace, values, metadata } = byId.get(id)!;
      return {
        id,
        score,
        ...(namespace === '' ? {} : { namespace }),
        ...(options.returnValues === true ? { values: [...values] } : {}),
        ...(options.returnMetadata === 'all' && metadata !== undefined ? { metadata } : {}),
      };
    });
  }
}

function asRefusal(result: Result<undefined>): Err | undefined {
  return result.ok ? undefined : result;
}

function toNewVector({ id, values, namespace, metadata, text }: ShardVector): NewVector {
  return { id, values: Float32Array.from(values), namespace: namespace ?? '', metadata, text };
}

function toRecord({ id, values, namespace, metadata }: StoredVector): VectorRecord {
  return {
    id,
    values: [...values],
    ...(namespace === '' ? {} : { namespace }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}
