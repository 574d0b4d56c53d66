/**
 * A double of the Workers `Vectorize` binding with its documented behaviour and limits: mutations are queued and
 * unseen until the test processes them, in order; a filter needs a metadata index; a query without a namespace sees all.
 * Sources: Vectorize "Limits", "Vectorize API" and "Metadata filtering". Not documented, chosen here: a comparison with a
 * member that a vector lacks does not hold; the cosine with a vector of zeros is 0. By observation of others: 100 ids a delete, 20 a get.
 */
import type {
  Vectorize,
  VectorizeAsyncMutation,
  VectorizeIndexInfo,
  VectorizeMatches,
  VectorizeQueryOptions,
  VectorizeVector,
} from '@cloudflare/workers-types';
import type { VectorMetric } from '../../shared/store/vector-index.ts';

type Scalar = string | number | boolean | null;
type Values = Float32Array | Float64Array | number[];

export class VectorizeDouble implements Vectorize {
  readonly #dimensions: number;
  readonly #metadataIndexes: ReadonlySet<string>;
  readonly #metric: VectorMetric;
  readonly #vectors = new Map<string, VectorizeVector>();
  readonly #queue: { readonly mutationId: string; readonly apply: () => void }[] = [];
  #mutations = 0;
  #processed = '';

  constructor(options: {
    readonly dimensions: number;
    readonly metadataIndexes: readonly string[];
    readonly metric?: VectorMetric;
  }) {
    this.#metric = options.metric ?? 'cosine';
    this.#dimensions = options.dimensions;
    require(options.metadataIndexes.length <= 10, 'at most 10 metadata indexes');
    this.#metadataIndexes = new Set(options.metadataIndexes);
  }

  /** Makes the oldest queued mutation visible; false when none is queued. */
  processNext(): boolean {
    const next = this.#queue.shift();
    if (!next) return false;
    next.apply();
    this.#processed = next.mutationId;
    return true;
  }

  processAll(): void {
    while (this.processNext());
  }

  async describe(): Promise<VectorizeIndexInfo> {
    const info = {
      dimensions: this.#dimensions,
      vectorCount: this.#vectors.size,
      processedUpToDatetime: 0,
      processedUpToMutation: this.#processed,
    };
    // The declared type says number; the service answers with the mutation's id.
    return info as unknown as VectorizeIndexInfo;
  }

  async insert(vectors: VectorizeVector[]): Promise<VectorizeAsyncMutation> {
    const copies = this.#take(vectors);
    return this.#enqueue(() => {
      for (const vector of copies) if (!this.#vectors.has(vector.id)) this.#vectors.set(vector.id, vector);
    });
  }

  async upsert(vectors: VectorizeVector[]): Promise<VectorizeAsyncMutation> {
    const copies = this.#take(vectors);
    return this.#enqueue(() => {
      for (const vector of copies) this.#vectors.set(vector.id, vector);
    });
  }

  async deleteByIds(ids: string[]): Promise<VectorizeAsyncMutation> {
    require(ids.length >= 1 && ids.length <= 100, 'too many ids in payload; max id count is 100');
    const copies = [...ids];
    return this.#enqueue(() => {
      for (const id of copies) this.#vectors.delete(id);
    });
  }

  async getByIds(ids: string[]): Promise<VectorizeVector[]> {
    require(ids.length >= 1 && ids.length <= 20, 'too many ids in payload; max id count is 20');
    return ids.flatMap((id) => structuredClone(this.#vectors.get(id)) ?? []);
  }

  async queryById(id: string, options?: VectorizeQueryOptions): Promise<VectorizeMatches> {
    const vector = this.#vectors.get(id);
    require(vector !== undefined, 'vector not found');
    return this.query(vector.values, options);
  }

  async query(query: Values, options: VectorizeQueryOptions = {}): Promise<VectorizeMatches> {
    require(query.length === this.#dimensions, `expected ${this.#dimensions} dimensions, got ${query.length}`);
    const topK = options.topK ?? 5;
    const hasPayload =
      options.returnValues === true || options.returnMetadata === 'all' || options.returnMetadata === true;
    require(Number.isInteger(topK) && topK >= 1 && topK <= (hasPayload ? 20 : 100), 'topK is out of range');
    if (options.filter) this.#checkFilter(options.filter);
    const scored = [...this.#vectors.values()]
      .filter((vector) => options.namespace === undefined || vector.namespace === options.namespace)
      .filter((vector) => !options.filter || matches(vector.metadata ?? {}, options.filter))
      .map((vector) => ({ vector, score: measure(this.#metric, query, vector.values) }))
      .sort((a, b) => (this.#metric === 'euclidean' ? a.score - b.score : b.score - a.score))
      .slice(0, topK);
    return {
      count: scored.length,
      matches: scored.map(({ vector, score }) => ({
        id: vector.id,
        score,
        ...(vector.namespace === undefined ? {} : { namespace: vector.namespace }),
        ...(options.returnValues === true ? { values: [...vector.values] } : {}),
        ...(options.returnMetadata === 'all' && vector.metadata ? { metadata: structuredClone(vector.metadata) } : {}),
      })),
    };
  }

  #enqueue(apply: () => void): VectorizeAsyncMutation {
    this.#mutations += 1;
    const mutationId = `00000000-0000-4000-8000-${String(this.#mutations).padStart(12, '0')}`;
    this.#queue.push({ mutationId, apply });
    return { mutationId };
  }

  #take(vectors: VectorizeVector[]): VectorizeVector[] {
    require(vectors.length >= 1 && vectors.length <= 1000, 'a call takes 1 to 1000 vectors');
    for (const { id, values, namespace, metadata } of vectors) {
      require(bytes(id) >= 1 && bytes(id) <= 64, 'an id has at most 64 bytes');
      require(namespace === undefined || bytes(namespace) <= 64, 'a namespace has at most 64 bytes');
      require(values.length === this.#dimensions, `expected ${this.#dimensions} dimensions, got ${values.length}`);
      require(bytes(JSON.stringify(metadata ?? {})) <= 10_240, 'metadata has at most 10 KiB');
    }
    return vectors.map((vector) => ({ ...structuredClone(vector), values: [...Float32Array.from(vector.values)] }));
  }

  #checkFilter(filter: object): void {
    require(Object.keys(filter).length > 0, 'a filter is not empty');
    require(bytes(JSON.stringify(filter)) < 2048, 'a filter has less than 2048 bytes');
    for (const [key, condition] of Object.entries(filter)) {
      require(key !== '' && !/["|.]/.test(key) && !key.startsWith('$') && key.length <= 512, `bad filter key ${key}`);
      require(this.#metadataIndexes.has(key), `no metadata index for ${key}`);
      if (condition === null || typeof condition !== 'object') continue;
      const operators = Object.keys(condition);
      const lower = operators.filter((operator) => operator.startsWith('$gt')).length;
      const upper = operators.filter((operator) => operator.startsWith('$lt')).length;
      const single = operators.length === 1 && /^\$(eq|ne|in|nin|lt|lte|gt|gte)$/.test(operators[0]!);
      require(single || (operators.length === 2 && lower === 1 && upper === 1), 'operators cannot be combined so');
    }
  }
}

function matches(metadata: object, filter: object): boolean {
  return Object.entries(filter).every(([key, condition]) => {
    const own = Object.entries(metadata).find(([name]) => name === key);
    if (!own) return false;
    const value = truncate(own[1] as Scalar);
    if (condition === null || typeof condition !== 'object') return value === condition;
    return Object.entries(condition as Record<string, unknown>).every(([operator, operand]) =>
      holds(value, operator, operand),
    );
  });
}

function holds(value: Scalar, operator: string, operand: unknown): boolean {
  if (operator === '$eq') return value === operand;
  if (operator === '$ne') return value !== operand;
  if (operator === '$in') return (operand as Scalar[]).includes(value);
  if (operator === '$nin') return !(operand as Scalar[]).includes(value);
  if (typeof value !== typeof operand) return false;
  const [a, b] = [value as number, operand as number];
  return operator === '$lt' ? a < b : operator === '$lte' ? a <= b : operator === '$gt' ? a > b : a >= b;
}

/** An indexed string is filterable by its first 64 bytes. */
function truncate(value: Scalar): Scalar {
  if (typeof value !== 'string' || bytes(value) <= 64) return value;
  const cut = encoder.encode(value).slice(0, 64);
  return new TextDecoder().decode(cut, { stream: true });
}

function measure(metric: VectorMetric, a: Values, b: Values): number {
  let dot = 0;
  let distance = 0;
  let lengths = [0, 0];
  for (let at = 0; at < a.length; at++) {
    dot += a[at]! * b[at]!;
    distance += (a[at]! - b[at]!) ** 2;
    lengths = [lengths[0]! + a[at]! ** 2, lengths[1]! + b[at]! ** 2];
  }
  if (metric === 'euclidean') return Math.sqrt(distance);
  if (metric === 'dot') return dot;
  return dot / (Math.sqrt(lengths[0]! * lengths[1]!) || 1);
}

const encoder = new TextEncoder();
function bytes(text: string): number {
  return encoder.encode(text).byteLength;
}

function require(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`VECTOR_ERROR: ${message}`);
}
