/** Memories as they are shown: the rows of D1 in the forms of the wire. Pure. */
import type { Memory, MemoryChange } from '../contracts/memories.ts';
import { toIso } from '../core/clock.ts';
import type { MemoryRecord } from './memory-chain.ts';

/** A memory in the form of the wire. A checkpoint has none. */
export function toMemory(record: MemoryRecord): Memory {
  return {
    object: 'memory',
    id: record.id,
    agent: record.agentId,
    kind: record.kind as Memory['kind'],
    scope: record.scope,
    text: record.text,
    provenance: toProvenance(record),
    confidence: record.confidence,
    valid_from: toIsoOrNull(record.validFrom),
    valid_until: toIsoOrNull(record.validUntil),
    supersedes: record.supersedes,
    closed_at: toIsoOrNull(record.closedAt),
    closed_by: record.closedBy,
    readers: [...record.readers],
    tags: [...record.tags],
    subject: record.subject,
    visitor: record.visitor,
    sources: [...record.sources],
    embedding_space: record.embeddingSpace,
    sequence: record.sequence,
    content_hash: record.contentHash,
    previous_hash: record.previousHash,
    hash: record.hash,
    created_at: toIso(record.createdAt),
  };
}

export function toChange(record: MemoryRecord): MemoryChange {
  const { id, sequence, deletedAt, closedAt, closedBy, createdAt } = record;
  const change = deletedAt !== null ? 'forgotten' : closedAt !== null ? 'closed' : 'written';
  return {
    object: 'memory.change',
    memory: id,
    change,
    at: toIso(deletedAt ?? closedAt ?? createdAt),
    sequence,
    kind: record.kind as MemoryChange['kind'],
    text: deletedAt === null ? record.text : null,
    closed_by: closedBy,
  };
}

function toIsoOrNull(time: number | null): string | null {
  return time === null ? null : toIso(time);
}

export function toProvenance(record: MemoryRecord): Memory['provenance'] {
  return {
    source: { type: record.sourceType, ref: record.sourceRef },
    author: record.author,
    recorded_at: toIso(record.createdAt),
  };
}
