/**
 * What a vector index does, whoever implements it: a structural subset of the Workers `Vectorize` binding.
 * Its limits are those of Vectorize, in every implementation, so that code which passes here passes there.
 * An index holds vectors of one tenant and one embedding space; it is never the truth about text, provenance or deletion.
 * An expected failure rejects with a FailureError.
 */
export const VectorLimits = {
  maxDimensions: 1536,
  /** 64 in Vectorize, less the 31 of `tnt_.../`, by which tenants that share an index are kept apart. */
  maxIdBytes: 33,
  maxNamespaceBytes: 33,
  maxMetadataBytes: 10_240,
  maxMetadataKeyChars: 512,
  /** Compact JSON; Vectorize asks for less than 2048. */
  maxFilterBytes: 2047,
  /** Vectorize indexes only so much of a string. */
  maxFilterStringBytes: 64,
  maxVectorsPerCall: 1000,
  maxIdsPerCall: 1000,
  maxTopK: 100,
  maxTopKWithPayload: 20,
  defaultTopK: 5,
} as const;

export type VectorMetadataValue = string | number | boolean;
/** A list of strings (tags) holds a value where one of them is it. Only the embedded index filters by lists. */
export type VectorMetadata = Readonly<Record<string, VectorMetadataValue | readonly string[]>>;

/** How near two vectors are. Scores: the cosine, the dot product (both best when high), the distance (best when low). */
export type VectorMetric = 'cosine' | 'euclidean' | 'dot';

export type VectorIndexOptions = {
  /** The metric of the embedding space; cosine where nothing is said. Fixed at the first write. */
  readonly metric?: VectorMetric;
  /** The metadata members that may be filtered by; another is refused. Where nothing is said, all may. */
  readonly filterable?: readonly string[];
};

/** The members of a memory's vector that recall filters by; Vectorize needs a metadata index for each, at most ten. */
export const MemoryFilterFields = [
  'kind',
  'scope',
  'time',
  'tags',
  'subject',
  'visitor',
  'source',
  'author',
  'valid_from',
  'valid_until',
] as const;

export type VectorRecord = {
  readonly id: string;
  readonly values: Float32Array | readonly number[];
  readonly namespace?: string;
  readonly metadata?: VectorMetadata;
};

type Comparison = {
  readonly $eq?: VectorMetadataValue;
  readonly $ne?: VectorMetadataValue;
  readonly $in?: readonly VectorMetadataValue[];
  readonly $nin?: readonly VectorMetadataValue[];
  readonly $lt?: number;
  readonly $lte?: number;
  readonly $gt?: number;
  readonly $gte?: number;
};
/** Implicit AND over metadata members. A comparison, `$ne` included, holds only for a vector that has the member. */
export type VectorFilter = Readonly<Record<string, VectorMetadataValue | Comparison>>;

export type VectorQueryOptions = {
  readonly topK?: number;
  /** A query sees one namespace: this one or, when there is none, the vectors that have none. Never all. */
  readonly namespace?: string;
  readonly filter?: VectorFilter;
  readonly returnValues?: boolean;
  readonly returnMetadata?: 'none' | 'all';
  /** Where the index holds texts (isHybrid); Vectorize refuses it. */
  readonly returnText?: boolean;
};

export type VectorMatch = {
  readonly id: string;
  readonly score: number;
  readonly namespace?: string;
  readonly values?: readonly number[];
  readonly metadata?: VectorMetadata;
  readonly text?: string;
};

/** Some shards did not answer: there may be more and better hits than these. */
export type Degraded = { readonly shards: number; readonly silent: readonly number[] };

export type VectorMatches = {
  readonly count: number;
  readonly matches: readonly VectorMatch[];
  readonly degraded?: Degraded;
};
export type VectorMutation = { readonly mutationId: string };

export type VectorIndexInfo = {
  readonly dimensions: number;
  readonly vectorCount: number;
  readonly processedUpToMutation: string;
};

export type VectorIndex = {
  describe(): Promise<VectorIndexInfo>;
  /** Best first. A vector of zeros has no direction: asked for, it is near to nothing, unless distance counts. */
  query(vector: Float32Array | readonly number[], options?: VectorQueryOptions): Promise<VectorMatches>;
  /** Skips ids that exist. */
  insert(vectors: readonly VectorRecord[]): Promise<VectorMutation>;
  /** Replaces ids that exist. */
  upsert(vectors: readonly VectorRecord[]): Promise<VectorMutation>;
  deleteByIds(ids: readonly string[]): Promise<VectorMutation>;
  getByIds(ids: readonly string[]): Promise<readonly VectorRecord[]>;
};

/** Adds the text of a vector, for the full-text lane. */
export type TextVectorRecord = VectorRecord & { readonly text: string };
export type RankedId = { readonly id: string; readonly score: number };

/** Only the embedded index has these: text beside the vectors in one transaction, and reads that see every write. */
export type HybridQuery = {
  readonly vector: Float32Array | readonly number[];
  readonly text: string;
  readonly topK: number;
  readonly namespace?: string;
  readonly filter?: VectorFilter;
};
export type HybridAnswer = { readonly hits: readonly RankedId[]; readonly degraded?: Degraded };

export type HybridIndex = VectorIndex & {
  upsertWithText(vectors: readonly TextVectorRecord[]): Promise<VectorMutation>;
  /** Vector and BM25 ranks, fused by reciprocal rank (k = 60), best first. Rejects where a shard does not answer. */
  hybrid(query: HybridQuery): Promise<readonly RankedId[]>;
  /** The same from the shards that answer; says so where some do not. */
  search(query: HybridQuery): Promise<HybridAnswer>;
};

export function isHybrid(index: VectorIndex): index is HybridIndex {
  return 'hybrid' in index;
}

/** The one order of hits: score, then id, so that the same data always gives the same answer. */
export function compareRanked(a: RankedId, b: RankedId): number {
  return b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
