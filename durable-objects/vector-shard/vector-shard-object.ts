/**
 * One shard of a tenant's vectors in one embedding space, with the full text beside them. Every read sees every write. Each
 * call names the tenant that it means; another tenant's call finds nothing here. Expected failures are Results. The codes
 * in RAM are a copy: eviction loses nothing. The alarm does the upkeep, and never throws.
 */
import { DurableObject } from 'cloudflare:workers';
import kernelModule from '../../dist/kernel/scan.wasm';
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import { systemRandom, type TenantId } from '../../shared/core/ids.ts';
import { describeError, jsonLogger } from '../../shared/core/log.ts';
import { err, ok, type Err, type Result } from '../../shared/core/result.ts';
import type {
  Placement,
  PlaceRequest,
  ShardLanes,
  ShardMatches,
  ShardMutation,
  ShardQuery,
  ShardRecords,
  ShardVector,
  ShardWriteOptions,
  Unrouted,
} from '../../shared/store/embedded-vector-index.ts';
import {
  VectorLimits,
  type HybridQuery,
  type RankedId,
  type VectorIndexInfo,
  type VectorMatches,
  type VectorMetric,
  type VectorQueryOptions,
} from '../../shared/store/vector-index.ts';
import { validateIds, validateQuery, validateVectors } from '../../shared/store/vector-limits.ts';
import { Holding } from '../runtime/holding.ts';
import { requireOwnTenant } from '../runtime/object-identity.ts';
import { shareArena, type CodeArena } from './code-arena.ts';
import { openShard, type OpenShard } from './open-shard.ts';
import { placeIds } from './place-ids.ts';
import { toNewVector, toRecord } from './shard-records.ts';
import { vectorShardMigrations } from './vector-shard-migrations.ts';

export type VectorShardEnv = { readonly VECTOR_ARENA_BYTES?: string };

/** Two full shards of 768 dimensions; half an isolate of Cloudflare's is left for all else. */
const DefaultArenaBytes = 80 * 1024 * 1024;
/** The index opens the next shard long before; this many are refused. */
const HardCapacity = 200_000;
/** How deep each lane goes before fusion. */
const LaneDepth = 100;
const StepsPerAlarm = 8;
const RetryMs = 60_000;

export class VectorShardObject extends DurableObject<VectorShardEnv> {
  clock: Clock = systemClock;
  readonly #arena: CodeArena;
  readonly #tenant: TenantId;
  readonly #holding: Holding;
  #shard: OpenShard | undefined;
  #alarmAt = Infinity;

  constructor(state: DurableObjectState, env: VectorShardEnv) {
    super(state, env);
    this.#tenant = requireOwnTenant(state);
    this.#arena = shareArena(kernelModule, Number(env.VECTOR_ARENA_BYTES ?? DefaultArenaBytes));
    this.#holding = new Holding(state.storage, vectorShardMigrations, { changed: () => this.#forget() });
    void state.blockConcurrencyWhile(async () => {
      this.#alarmAt = (await state.storage.getAlarm()) ?? Infinity;
      this.#open();
    });
  }

  /** Everything here, for export, restoration and erasure. */
  get holding(): Holding {
    return this.#holding;
  }

  upsert(
    tenant: TenantId,
    vectors: readonly ShardVector[],
    options: ShardWriteOptions = {},
  ): Result<ShardMutation | Unrouted> {
    return this.#write(tenant, vectors, 'replace', options);
  }

  insert(
    tenant: TenantId,
    vectors: readonly ShardVector[],
    options: ShardWriteOptions = {},
  ): Result<ShardMutation | Unrouted> {
    return this.#write(tenant, vectors, 'skip', options);
  }

  delete(
    tenant: TenantId,
    ids: readonly string[],
    { routed = false }: ShardWriteOptions = {},
  ): Result<ShardMutation | Unrouted> {
    const refusal = this.#findForeignCaller(tenant) ?? asRefusal(validateIds(ids));
    if (refusal) return refusal;
    const { store, codes } = this.#open();
    if (store.shards > 1 && !routed) return ok({ unrouted: true });
    const before = store.stamp;
    const removed = store.delete(ids, { stamp: mintStamp(), isCounted: !routed });
    codes.noteWritten({ rows: [], removed }, before);
    this.#armUpkeep();
    return ok(this.#describeMutation());
  }

  get(tenant: TenantId, ids: readonly string[]): Result<ShardRecords> {
    const refusal = this.#findForeignCaller(tenant) ?? asRefusal(validateIds(ids));
    if (refusal) return refusal;
    const { store } = this.#open();
    return ok({ vectors: store.find(ids).map(toRecord), shards: store.shards, dimensions: store.dimensions });
  }

  query(tenant: TenantId, query: ShardQuery): Result<ShardMatches> {
    const refusal = this.#findQueryRefusal(tenant, query);
    if (refusal) return refusal;
    const { store, search } = this.#open();
    const best = search.findNearest(query.vector, query, query.topK ?? VectorLimits.defaultTopK);
    const matches = this.#addPayload(best, query);
    return ok({ count: matches.length, matches, shards: store.shards, dimensions: store.dimensions });
  }

  /** What a hybrid search fuses: the nearest vectors, and the texts that match. */
  lanes(tenant: TenantId, query: HybridQuery & { readonly metric?: VectorMetric }): Result<ShardLanes> {
    const refusal = this.#findQueryRefusal(tenant, query);
    if (refusal) return refusal;
    const { store, search } = this.#open();
    const near = search.findNearest(query.vector, query, LaneDepth, LaneDepth);
    return ok({
      // A vector that does not point the query's way is no hit, however few hits there are.
      near: store.metric === 'euclidean' ? near : near.filter(({ score }) => score > 0),
      matching: search.findMatching(query.text, query, LaneDepth),
      shards: store.shards,
      dimensions: store.dimensions,
    });
  }

  describe(
    tenant: TenantId,
  ): Result<VectorIndexInfo & { readonly shards: number; readonly metric: VectorMetric; readonly codeBytes: number }> {
    const refusal = this.#findForeignCaller(tenant);
    if (refusal) return refusal;
    const { store } = this.#open();
    return ok({
      dimensions: store.dimensions,
      vectorCount: store.count(),
      processedUpToMutation: String(store.generation),
      shards: store.shards,
      metric: store.metric,
      codeBytes: this.#arena.usedBytes,
    });
  }

  /** Shard 0 only: which shard each id lives in, or will. */
  place(tenant: TenantId, request: PlaceRequest): Result<Placement> {
    const refusal =
      this.#findForeignCaller(tenant) ??
      asRefusal(validateIds(request.ids)) ??
      this.#findOtherSpace(request.dimensions, request.metric, 'vectors.0.values');
    if (refusal) return refusal;
    const { store, placements } = this.#open();
    return ok(this.ctx.storage.transactionSync(() => placeIds(request, store, placements)));
  }

  grow(tenant: TenantId, shards: number): Result<undefined> {
    const refusal = this.#findForeignCaller(tenant);
    if (refusal) return refusal;
    const { store } = this.#open();
    if (shards > store.shards) store.writeSetting('shards', shards);
    return ok();
  }

  /** Drops everything, the schema included; for the deletion of the tenant or of the embedding space. */
  async destroy(tenant: TenantId): Promise<Result<undefined>> {
    const refusal = this.#findForeignCaller(tenant);
    if (refusal) return refusal;
    this.#forget();
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    return ok();
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Infinity;
    try {
      const { upkeep } = this.#open();
      for (let step = 0; step < StepsPerAlarm; step++) if (!upkeep.step()) break;
      this.#armUpkeep();
    } catch (error) {
      jsonLogger(this.clock.now).error('vector_shard.upkeep_failed', { reason: describeError(error) });
      this.#armAt(this.clock.now() + RetryMs);
    }
  }

  /** What is kept in memory is read anew. */
  #forget(): void {
    this.#shard?.codes.drop();
    this.#shard = undefined;
    this.#alarmAt = Infinity;
  }

  /** Also makes the schema anew where `destroy` has dropped it. */
  #open(): OpenShard {
    if (this.#shard) return this.#shard;
    this.#shard = openShard(this.ctx.storage, this.#arena, this.ctx.id.toString());
    this.#armUpkeep();
    return this.#shard;
  }

  #write(
    tenant: TenantId,
    vectors: readonly ShardVector[],
    onExisting: 'replace' | 'skip',
    { metric = 'cosine', routed = false }: ShardWriteOptions,
  ): Result<ShardMutation | Unrouted> {
    const refusal =
      this.#findForeignCaller(tenant) ??
      asRefusal(validateVectors(vectors)) ??
      this.#findOtherSpace(vectors[0]?.values.length, metric, 'vectors.0.values');
    if (refusal) return refusal;
    const { store, codes, upkeep } = this.#open();
    if (store.shards > 1 && !routed) return ok({ unrouted: true });
    if (store.count() + vectors.length > HardCapacity) return err('insufficient_quota', 'This vector shard is full.');
    const before = store.stamp;
    const note = { stamp: mintStamp(), isCounted: !routed };
    codes.noteWritten(store.write(vectors.map(toNewVector), onExisting, metric, note), before);
    upkeep.sealTail();
    this.#armUpkeep();
    return ok(this.#describeMutation());
  }

  #describeMutation(): ShardMutation {
    const { store } = this.#open();
    return { mutationId: String(store.generation), vectorCount: store.count(), dimensions: store.dimensions };
  }

  #armUpkeep(): void {
    const delay = this.#shard?.upkeep.computeDelay();
    if (delay !== undefined) this.#armAt(this.clock.now() + delay);
  }

  /** Only ever earlier: an alarm that is set will look at all there is. */
  #armAt(time: number): void {
    if (time >= this.#alarmAt) return;
    this.#alarmAt = time;
    void this.ctx.storage.setAlarm(time);
  }

  #findForeignCaller(tenant: TenantId): Err | undefined {
    return tenant === this.#tenant ? undefined : err('not_found', undefined, { reason: 'another tenant was meant' });
  }

  #findQueryRefusal(
    tenant: TenantId,
    query: VectorQueryOptions & { readonly vector: ShardQuery['vector']; readonly metric?: VectorMetric },
  ): Err | undefined {
    return (
      this.#findForeignCaller(tenant) ??
      asRefusal(validateQuery(query.vector, query)) ??
      this.#findOtherSpace(query.vector.length, query.metric ?? 'cosine', 'vector')
    );
  }

  #findOtherSpace(dimensions: number | undefined, metric: VectorMetric | undefined, param: string): Err | undefined {
    const { store } = this.#open();
    if (store.dimensions === 0) return undefined;
    if (dimensions !== undefined && store.dimensions !== dimensions) {
      return err('invalid_request', `This index has ${store.dimensions} dimensions.`, { param });
    }
    if (metric === undefined || store.metric === metric) return undefined;
    return err('invalid_request', `This index measures by ${store.metric}.`, { param: 'metric' });
  }

  #addPayload(best: readonly RankedId[], options: VectorQueryOptions): VectorMatches['matches'] {
    const { store } = this.#open();
    const ids = best.map(({ id }) => id);
    const sign = store.metric === 'euclidean' ? -1 : 1;
    const withMetadata = options.returnMetadata === 'all';
    const withText = options.returnText === true;
    const payloads = withMetadata || withText ? store.findPayloads(ids, withText) : [];
    const payloadOf = new Map(payloads.map((payload) => [payload.id, payload]));
    const vectors = options.returnValues === true ? store.find(ids) : [];
    const valuesOf = new Map(vectors.map(({ id, values }) => [id, values]));
    return best.map(({ id, score }) => {
      const { metadata, text } = payloadOf.get(id) ?? {};
      const values = valuesOf.get(id);
      return {
        id,
        score: sign * score,
        ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
        ...(values === undefined ? {} : { values: [...values] }),
        ...(metadata === undefined || !withMetadata ? {} : { metadata }),
        ...(text === undefined ? {} : { text }),
      };
    });
  }
}

function asRefusal(result: Result<undefined>): Err | undefined {
  return result.ok ? undefined : result;
}

/** 48 random bits. */
function mintStamp(): number {
  return systemRandom(new Uint8Array(6)).reduce((number, byte) => number * 256 + byte, 0);
}
