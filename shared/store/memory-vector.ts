/**
 * What of a memory stands in the vector index: its agent as the namespace, or the tenant's shared namespace, and the
 * members that recall filters by (MemoryFilterFields).
 */
import type { MemoryFilter } from '../contracts/memories.ts';
import type { MemoryRecord } from './memory-chain.ts';
import type { TextVectorRecord, VectorFilter, VectorMetadata } from './vector-index.ts';

/** No agent's id. Who of its readers may recall a shared memory is in the member `scope`. */
export const SharedNamespace = 'shared';
export const EveryAgent = '*';

export function memoryVector(record: MemoryRecord, values: Float32Array | readonly number[]): TextVectorRecord {
  const { id, kind, text, subject, visitor } = record;
  const isShared = record.scope === 'shared';
  const metadata: VectorMetadata = {
    kind,
    scope: isShared ? [...new Set([record.agentId, ...record.readers])] : 'private',
    time: record.createdAt,
    source: record.sourceType,
    author: record.author,
    ...(record.tags.length > 0 ? { tags: record.tags } : {}),
    ...(subject === null ? {} : { subject }),
    ...(visitor === null ? {} : { visitor }),
  };
  return { id, values, namespace: isShared ? SharedNamespace : record.agentId, metadata, text };
}

/** Undefined where nothing is to be filtered. `lists`: whether the index filters by members that are lists. */
export function toVectorFilter(
  filter: MemoryFilter,
  options: { readonly lists: boolean; readonly reader?: string },
): VectorFilter | undefined {
  const { kind, tags, after, before } = filter;
  const time = {
    ...(after === undefined ? {} : { $gte: Date.parse(after) }),
    ...(before === undefined ? {} : { $lt: Date.parse(before) }),
  };
  const named: Record<string, VectorFilter[string]> = {
    ...(kind === undefined ? {} : { kind: typeof kind === 'string' ? kind : { $in: kind } }),
    ...(tags !== undefined && options.lists ? { tags: { $in: tags } } : {}),
    ...(options.reader !== undefined && options.lists ? { scope: { $in: [EveryAgent, options.reader] } } : {}),
    ...(Object.keys(time).length > 0 ? { time } : {}),
  };
  for (const member of ['subject', 'visitor', 'source', 'author'] as const) {
    if (filter[member] !== undefined) named[member] = filter[member];
  }
  return Object.keys(named).length > 0 ? named : undefined;
}
