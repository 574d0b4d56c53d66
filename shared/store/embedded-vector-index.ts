/**
 * HybridIndex over the vector shards of one tenant and embedding space. Checks VectorLimits before it calls. Grows by
 * adding shards: new ids go to the last one, and when that is full the next one is opened; nothing is ever moved. Shard 0
 * knows how many there are and where an id lives. A search asks all of them, and one that does not answer is told of.
 */
import type { TenantId } from '../core/ids.ts';
import { describeError } from '../core/log.ts';
import { fail, FailureError } from '../core/failure.ts';
import type { Result } from '../core/result.ts';
import { fuseRanks } from './rank-fusion.ts';
import {
  compareRanked,
  type Degraded,
  type HybridAnswer,
  type HybridIndex,
  type HybridQuery,
  type RankedId,
  type TextVectorRecord,
  type VectorFilter,
  type VectorIndexInfo,
  type VectorIndexOptions,
  VectorLimits,
  type VectorMatches,
  type VectorMetric,
  type VectorMutation,
  type VectorQueryOptions,
  type VectorRecord,
} from './vector-index.ts';
import { validateIds, validateQuery, validateVectors } from './vector-limits.ts';

type Values = Float32Array | readonly number[];

/** `routed`: the caller knows from shard 0 that the ids live here. */
export type ShardWriteOptions = { readonly metric?: VectorMetric; readonly routed?: boolean };
export type ShardMutation = VectorMutation & { readonly vectorCount: number; readonly dimensions: number };
/** Nothing was done: the index has more shards than this one, ask shard 0 for places. */
export type Unrouted = { readonly unrouted: true };
/** Every shard's answer says how many there are, as far as it knows, and 0 dimensions where nothing was ever written. */
type Answered = { readonly shards: number; readonly dimensions: number };
export type ShardMatches = VectorMatches & Answered;
export type ShardLanes = Answered & { readonly near: readonly RankedId[]; readonly matching: readonly RankedId[] };
export type ShardRecords = Answered & { readonly vectors: readonly VectorRecord[] };
export type PlaceRequest = {
  readonly ids: readonly string[];
  readonly purpose: 'write' | 'delete' | 'read';
  readonly dimensions?: number;
  readonly metric?: VectorMetric;
};
/** The shard of each id, -1 where an id is unknown and nothing is to be written. */
export type Placement = VectorMutation & { readonly shards: number; readonly homes: readonly number[] };
export type ShardQuery = VectorQueryOptions & { readonly vector: Values; readonly metric?: VectorMetric };
export type ShardVector = VectorRecord & { readonly text?: string };

/** What a vector shard offers; the stub of the Durable Object has this form. */
export type VectorShardStub = {
  upsert(
    tenant: TenantId,
    vectors: readonly ShardVector[],
    options?: ShardWriteOptions,
  ): Promise<Result<ShardMutation | Unrouted>>;
  insert(
    tenant: TenantId,
    vectors: readonly ShardVector[],
    options?: ShardWriteOptions,
  ): Promise<Result<ShardMutation | Unrouted>>;
  delete(
    tenant: TenantId,
    ids: readonly string[],
    options?: ShardWriteOptions,
  ): Promise<Result<ShardMutation | Unrouted>>;
  get(tenant: TenantId, ids: readonly string[]): Promise<Result<ShardRecords>>;
  query(tenant: TenantId, query: ShardQuery): Promise<Result<ShardMatches>>;
  lanes(tenant: TenantId, query: HybridQuery & { readonly metric?: VectorMetric }): Promise<Result<ShardLanes>>;
  describe(tenant: TenantId): Promise<Result<VectorIndexInfo & Answered>>;
  place(tenant: TenantId, request: PlaceRequest): Promise<Result<Placement>>;
  /** Shard 0 only: there are at least so many shards from now on. */
  grow(tenant: TenantId, shards: number): Promise<Result<undefined>>;
  destroy(tenant: TenantId): Promise<Result<undefined>>;
};

/** Finds the shard with this number, of the tenant and embedding space that the index was made for. */
export type ResolveVectorShard = (shard: number) => VectorShardStub;

export type EmbeddedIndexOptions = VectorIndexOptions & {
  /** Under this name the number of shards is remembered from one request to the next. */
  readonly name?: string;
  /** Vectors of a full shard; otherwise as many as have about 40 MB of codes. */
  readonly capacity?: number;
};

/** As of the last answer of shard 0, which puts it right with its next one. */
const knownShards = new Map<string, number>();
const MaxKnown = 10_000;

export class EmbeddedVectorIndex implements HybridIndex {
  readonly #tenant: TenantId;
  readonly #resolveShard: ResolveVectorShard;
  readonly #options: EmbeddedIndexOptions;
  readonly #metric: VectorMetric;
  #shards: number;

  constructor(tenant: TenantId, resolveShard: ResolveVectorShard, options: EmbeddedIndexOptions = {}) {
    this.#tenant = tenant;
    this.#resolveShard = resolveShard;
    this.#options = options;
    this.#metric = options.metric ?? 'cosine';
    this.#shards = (options.name === undefined ? undefined : knownShards.get(options.name)) ?? 1;
  }

  async describe(): Promise<VectorIndexInfo> {
    const { answers } = requireAll(await this.#askAll((shard) => shard.describe(this.#tenant)));
    const { dimensions, processedUpToMutation } = answers[0]!;
    const vectorCount = answers.reduce((sum, answer) => sum + answer.vectorCount, 0);
    return { dimensions, vectorCount, processedUpToMutation };
  }

  async query(vector: Values, options: VectorQueryOptions = {}): Promise<VectorMatches> {
    requireValid(validateQuery(vector, options, this.#options.filterable));
    const query = { ...toPlain(options), vector, metric: this.#metric };
    const { answers, degraded } = await this.#askAll((shard) => shard.query(this.#tenant, query));
    const sign = this.#metric === 'euclidean' ? -1 : 1;
    const rank = ({ id, score }: RankedId): RankedId => ({ id, score: sign * score });
    const matches = answers
      .flatMap((answer) => answer.matches)
      .sort((a, b) => compareRanked(rank(a), rank(b)))
      .slice(0, options.topK ?? VectorLimits.defaultTopK);
    return { count: matches.length, matches, ...(degraded ? { degraded } : {}) };
  }

  async insert(vectors: readonly VectorRecord[]): Promise<VectorMutation> {
    return this.#write('insert', vectors);
  }

  async upsert(vectors: readonly VectorRecord[]): Promise<VectorMutation> {
    return this.#write('upsert', vectors);
  }

  async upsertWithText(vectors: readonly TextVectorRecord[]): Promise<VectorMutation> {
    return this.#write('upsert', vectors);
  }

  async deleteByIds(ids: readonly string[]): Promise<VectorMutation> {
    requireValid(validateIds(ids));
    if (this.#shards === 1) {
      const done = await this.#call(0, (shard) => shard.delete(this.#tenant, ids));
      if (!('unrouted' in done)) return { mutationId: done.mutationId };
    }
    const { mutationId, groups } = await this.#place(ids, { ids, purpose: 'delete' });
    for (const [number, part] of groups) {
      await this.#call(number, (shard) => shard.delete(this.#tenant, part, { routed: true }));
    }
    return { mutationId };
  }

  async getByIds(ids: readonly string[]): Promise<readonly VectorRecord[]> {
    requireValid(validateIds(ids));
    if (this.#shards === 1) {
      const { vectors, shards } = await this.#call(0, (shard) => shard.get(this.#tenant, ids));
      this.#learn(shards);
      if (shards === 1) return vectors;
    }
    const { groups } = await this.#place(ids, { ids, purpose: 'read' });
    const parts = [...groups].map(([number, part]) => this.#call(number, (shard) => shard.get(this.#tenant, part)));
    return (await Promise.all(parts)).flatMap(({ vectors }) => vectors);
  }

  async hybrid(query: HybridQuery): Promise<readonly RankedId[]> {
    const { hits, degraded } = await this.search(query);
    requireAll({ degraded });
    return hits;
  }

  async search(query: HybridQuery): Promise<HybridAnswer> {
    requireValid(validateQuery(query.vector, query, this.#options.filterable));
    const { answers, degraded } = await this.#askAll((shard) =>
      shard.lanes(this.#tenant, { ...toPlain(query), metric: this.#metric }),
    );
    const lanes = (['near', 'matching'] as const).map((lane) => {
      const hits = answers.flatMap((answer) => answer[lane]);
      return (answers.length === 1 ? hits : hits.sort(compareRanked)).map(({ id }) => id);
    });
    return { hits: fuseRanks(lanes, query.topK), ...(degraded ? { degraded } : {}) };
  }

  /** Drops every vector and text of the tenant in this embedding space, shard 0 last, so that it can be done again. */
  async destroy(): Promise<void> {
    const { shards } = await this.#call(0, (shard) => shard.describe(this.#tenant));
    for (let number = shards - 1; number >= 0; number--) {
      await this.#call(number, (shard) => shard.destroy(this.#tenant));
    }
    this.#learn(1);
  }

  async #write(kind: 'insert' | 'upsert', vectors: readonly ShardVector[]): Promise<VectorMutation> {
    requireValid(validateVectors(vectors));
    const records = vectors.map(toPlainRecord);
    const metric = this.#metric;
    if (this.#shards === 1) {
      const done = await this.#call(0, (shard) => shard[kind](this.#tenant, records, { metric }));
      if (!('unrouted' in done)) {
        await this.#growIfFull(0, 1, done);
        return { mutationId: done.mutationId };
      }
    }
    const ids = vectors.map(({ id }) => id);
    const request = { ids, purpose: 'write', dimensions: vectors[0]!.values.length, metric } as const;
    const { mutationId, shards, groups } = await this.#place(records, request);
    for (const [number, part] of groups) {
      const done = await this.#call(number, (shard) => shard[kind](this.#tenant, part, { metric, routed: true }));
      if (!('unrouted' in done)) await this.#growIfFull(number, shards, done);
    }
    return { mutationId };
  }

  /** The parts of a call, by the shard that each goes to. */
  async #place<T>(
    items: readonly T[],
    request: PlaceRequest,
  ): Promise<{ readonly mutationId: string; readonly shards: number; readonly groups: ReadonlyMap<number, T[]> }> {
    const { mutationId, shards, homes } = await this.#call(0, (shard) => shard.place(this.#tenant, request));
    this.#learn(shards);
    const groups = new Map<number, T[]>();
    for (const [at, home] of homes.entries()) {
      if (home >= 0) groups.set(home, [...(groups.get(home) ?? []), items[at]!]);
    }
    return { mutationId, shards, groups };
  }

  /** The write is done, whatever becomes of this; where it fails the next write opens the shard. */
  async #growIfFull(number: number, shards: number, { vectorCount, dimensions }: ShardMutation): Promise<void> {
    const capacity = this.#options.capacity ?? computeShardCapacity(dimensions);
    if (number !== shards - 1 || vectorCount < capacity) return;
    await this.#call(0, (shard) => shard.grow(this.#tenant, shards + 1)).then(
      () => this.#learn(shards + 1),
      () => undefined,
    );
  }

  /** Shards that fail, or were lost, are named; where none answers, or one refuses, the call fails. */
  async #askAll<T extends Answered>(
    ask: (shard: VectorShardStub) => Promise<Result<T>>,
  ): Promise<{ readonly answers: readonly T[]; readonly degraded: Degraded | undefined }> {
    const calls: Promise<PromiseSettledResult<T>[]>[] = [];
    const askFrom = (first: number) => {
      const numbers = Array.from({ length: this.#shards - first }, (_, at) => first + at);
      calls.push(Promise.allSettled(numbers.map((number) => this.#call(number, ask))));
    };
    askFrom(0);
    const settled = await calls[0]!;
    const [zero] = settled;
    if (zero?.status === 'fulfilled') this.#learn(zero.value.shards);
    settled.splice(this.#shards);
    if (this.#shards > settled.length) {
      askFrom(settled.length);
      settled.push(...(await calls[1]!));
    }
    const answers: T[] = [];
    const silent: number[] = [];
    for (const [number, result] of settled.entries()) {
      if (result.status === 'rejected') {
        if (!isOutage(result.reason) || settled.length === 1) throw result.reason;
        silent.push(number);
        // Every shard but the last was full once: an empty one has lost what it had.
      } else if (number > 0 && number < settled.length - 1 && result.value.dimensions === 0) silent.push(number);
      else answers.push(result.value);
    }
    if (answers.length === 0) throw toOutage({ shards: settled.length, silent });
    return { answers, degraded: silent.length === 0 ? undefined : { shards: settled.length, silent } };
  }

  /** What shard 0 says holds. */
  #learn(shards: number): void {
    if (shards === this.#shards) return;
    this.#shards = shards;
    const { name } = this.#options;
    if (name === undefined) return;
    if (knownShards.size >= MaxKnown) knownShards.clear();
    knownShards.set(name, shards);
  }

  async #call<T>(number: number, call: (shard: VectorShardStub) => Promise<Result<T>>): Promise<T> {
    let result: Result<T>;
    try {
      result = await call(this.#resolveShard(number));
    } catch (error) {
      throw new FailureError(fail('service_unavailable', undefined, { reason: describeError(error) }));
    }
    if (!result.ok) throw new FailureError(result.failure);
    return result.value;
  }
}

/** So many have about 40 MB of codes. */
export function computeShardCapacity(dimensions: number): number {
  if (dimensions <= 768) return 100_000;
  return dimensions <= 1024 ? 64_000 : 48_000;
}

function isOutage(error: unknown): boolean {
  return error instanceof FailureError && error.failure.code === 'service_unavailable';
}

function toOutage({ shards, silent }: Degraded): FailureError {
  return new FailureError(
    fail('service_unavailable', `${silent.length} of ${shards} vector shards did not answer. Try again.`, {
      reason: `silent vector shards: ${silent.join(', ')}`,
    }),
  );
}

function requireAll<T extends { readonly degraded: Degraded | undefined }>(answer: T): T {
  if (answer.degraded) throw toOutage(answer.degraded);
  return answer;
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
