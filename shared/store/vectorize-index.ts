/**
 * VectorIndex over the Workers `Vectorize` binding. One Vectorize index (cosine, one number of dimensions) serves many
 * tenants and embedding spaces: this adapter puts both in front of every id and namespace, so nothing of another tenant or
 * space can be named through it.
 * Writes become visible seconds later. A filtered property needs a metadata index, made before the first vector is written.
 */
import { createHash } from 'node:crypto';
import type {
  Vectorize,
  VectorizeVector,
  VectorizeVectorMetadata,
  VectorizeVectorMetadataFilter,
} from '@cloudflare/workers-types';
import { fail, FailureError } from '../core/failure.ts';
import { HashEmbeddingModel } from '../core/hash-embedding.ts';
import type { TenantId } from '../core/ids.ts';
import { invariant } from '../core/invariant.ts';
import { describeError } from '../core/log.ts';
import { err, ok, type Err, type Result } from '../core/result.ts';
import type {
  VectorIndex,
  VectorIndexInfo,
  VectorIndexOptions,
  VectorMatches,
  VectorMetadata,
  VectorMutation,
  VectorQueryOptions,
  VectorRecord,
} from './vector-index.ts';
import { VectorLimits } from './vector-index.ts';
import { validateIds, validateQuery, validateVectors } from './vector-limits.ts';

type Values = Float32Array | readonly number[];
/** `space`: the embedded default where nothing is said. */
export type VectorizeOptions = VectorIndexOptions & { readonly space?: string };

/** What Vectorize takes in one call of these; more ids are sent in several. */
const MaxIdsPerDelete = 100;
const MaxIdsPerGet = 20;

export class VectorizeIndex implements VectorIndex {
  readonly #binding: Vectorize;
  readonly #dimensions: number;
  readonly #options: VectorIndexOptions;
  readonly #prefix: string;

  /** `dimensions` and the metric are what the Vectorize index was made with. */
  constructor(
    binding: Vectorize,
    tenant: TenantId,
    dimensions: number,
    { space = HashEmbeddingModel, ...options }: VectorizeOptions = {},
  ) {
    this.#binding = binding;
    this.#dimensions = dimensions;
    this.#options = options;
    this.#prefix = `${space === HashEmbeddingModel ? tenant : digestOf(tenant, space)}/`;
  }

  /** `vectorCount` counts the whole index, which tenants may share: for operators, not for tenants. */
  async describe(): Promise<VectorIndexInfo> {
    const info = await this.#call((binding) => binding.describe());
    return {
      dimensions: info.dimensions,
      vectorCount: info.vectorCount,
      processedUpToMutation: String(info.processedUpToMutation),
    };
  }

  async query(vector: Values, options: VectorQueryOptions = {}): Promise<VectorMatches> {
    requireValid(validateQuery(vector, options, this.#options.filterable));
    requireValid(validateForVectorize(options));
    this.#requireDimensions(vector, 'vector');
    // Without a direction nothing is near; a cosine with it would be no number.
    if (this.#options.metric !== 'euclidean' && vector.every((value) => value === 0)) return { count: 0, matches: [] };
    const found = await this.#call((binding) =>
      binding.query(toArray(vector), {
        topK: options.topK ?? VectorLimits.defaultTopK,
        namespace: this.#prefixed(options.namespace ?? ''),
        returnValues: options.returnValues ?? false,
        returnMetadata: options.returnMetadata ?? 'none',
        ...(options.filter === undefined ? {} : { filter: options.filter as VectorizeVectorMetadataFilter }),
      }),
    );
    const matches = found.matches.map((match) => ({
      id: this.#unprefixed(match.id),
      score: match.score,
      ...this.#toNamespace(match.namespace ?? this.#prefixed(options.namespace ?? '')),
      ...(options.returnValues === true && match.values ? { values: [...match.values] } : {}),
      ...(options.returnMetadata === 'all' && match.metadata ? { metadata: match.metadata as VectorMetadata } : {}),
    }));
    return { count: matches.length, matches };
  }

  async insert(vectors: readonly VectorRecord[]): Promise<VectorMutation> {
    this.#requireVectors(vectors);
    return this.#call((binding) => binding.insert(vectors.map((vector) => this.#toBinding(vector))));
  }

  async upsert(vectors: readonly VectorRecord[]): Promise<VectorMutation> {
    this.#requireVectors(vectors);
    return this.#call((binding) => binding.upsert(vectors.map((vector) => this.#toBinding(vector))));
  }

  async deleteByIds(ids: readonly string[]): Promise<VectorMutation> {
    requireValid(validateIds(ids));
    let mutation: VectorMutation = { mutationId: '' };
    for (const part of toParts(ids, MaxIdsPerDelete)) {
      mutation = await this.#call((binding) => binding.deleteByIds(part.map((id) => this.#prefixed(id))));
    }
    return mutation;
  }

  async getByIds(ids: readonly string[]): Promise<readonly VectorRecord[]> {
    requireValid(validateIds(ids));
    const found: VectorRecord[] = [];
    for (const part of toParts(ids, MaxIdsPerGet)) {
      const vectors = await this.#call((binding) => binding.getByIds(part.map((id) => this.#prefixed(id))));
      found.push(...vectors.map((vector) => this.#fromBinding(vector)));
    }
    return found;
  }

  #toBinding(vector: VectorRecord): VectorizeVector {
    return {
      id: this.#prefixed(vector.id),
      values: toArray(vector.values),
      namespace: this.#prefixed(vector.namespace ?? ''),
      ...(vector.metadata === undefined
        ? {}
        : { metadata: structuredClone(vector.metadata) as Record<string, VectorizeVectorMetadata> }),
    };
  }

  #fromBinding(vector: VectorizeVector): VectorRecord {
    return {
      id: this.#unprefixed(vector.id),
      values: [...vector.values],
      ...this.#toNamespace(vector.namespace),
      ...(vector.metadata === undefined ? {} : { metadata: vector.metadata as VectorMetadata }),
    };
  }

  #toNamespace(name: string | undefined): { readonly namespace?: string } {
    const namespace = name === undefined ? '' : this.#unprefixed(name);
    return namespace === '' ? {} : { namespace };
  }

  #requireVectors(vectors: readonly VectorRecord[]): void {
    requireValid(validateVectors(vectors));
    this.#requireDimensions(vectors[0]!.values, 'vectors.0.values');
  }

  #requireDimensions(values: Values, param: string): void {
    if (values.length === this.#dimensions) return;
    throw new FailureError(fail('invalid_request', `This index has ${this.#dimensions} dimensions.`, { param }));
  }

  #prefixed(name: string): string {
    return this.#prefix + name;
  }

  #unprefixed(name: string): string {
    invariant(name.startsWith(this.#prefix), 'Vectorize answered with a name of another tenant or space');
    return name.slice(this.#prefix.length);
  }

  async #call<T>(call: (binding: Vectorize) => Promise<T>): Promise<T> {
    try {
      return await call(this.#binding);
    } catch (error) {
      throw new FailureError(fail('service_unavailable', undefined, { reason: describeError(error) }));
    }
  }
}

/** As long as a tenant's id, which is all the room that an id of Vectorize has. */
function digestOf(tenant: TenantId, space: string): string {
  return createHash('sha256').update(`${tenant}/${space}`).digest('base64url').slice(0, tenant.length);
}

/** What only an index that holds texts and lists can do. */
function validateForVectorize(options: VectorQueryOptions): Result<undefined> {
  if (options.returnText === true) return refuse('returnText', 'Vectorize holds no texts.');
  if (options.filter && Object.hasOwn(options.filter, 'tags')) {
    return refuse('filter.tags', 'Vectorize cannot filter by lists such as tags.');
  }
  return ok();
}

function refuse(param: string, message: string): Err {
  return err('invalid_request', message, { param });
}

function toArray(values: Values): number[] {
  return [...values];
}

function toParts(ids: readonly string[], size: number): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, part) => ids.slice(part * size, (part + 1) * size));
}

function requireValid(result: Result<undefined>): void {
  if (!result.ok) throw new FailureError(result.failure);
}
