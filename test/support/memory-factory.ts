/** Memories for tests: drafts with every field set, and chains of them. */
import { mintId, type AgentId, type TenantId } from '../../shared/core/ids.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { appendToChain, emptyChain, type MemoryDraft, type MemoryRecord } from '../../shared/store/memory-chain.ts';

export function memoryDraft(agentId: AgentId, partial: Partial<MemoryDraft> = {}): MemoryDraft {
  const createdAt = Date.UTC(2026, 0, 1);
  return {
    id: mintId('memory', createdAt),
    agentId,
    scope: 'private',
    kind: 'fact',
    text: 'The office closes at six.',
    sourceType: 'person',
    sourceRef: null,
    author: 'key_1',
    confidence: 1,
    validFrom: null,
    validUntil: null,
    supersedes: null,
    tags: [],
    subject: null,
    visitor: null,
    readers: [],
    sources: [],
    salt: 'a salt of the test',
    embeddingSpace: HashEmbeddingModel,
    createdAt,
    ...partial,
  };
}

export function memoryChain(
  tenant: TenantId,
  agentId: AgentId,
  partials: readonly Partial<MemoryDraft>[],
): MemoryRecord[] {
  const rows: MemoryRecord[] = [];
  for (const partial of partials) {
    rows.push(appendToChain(tenant, rows.at(-1) ?? emptyChain, memoryDraft(agentId, partial)));
  }
  return rows;
}
