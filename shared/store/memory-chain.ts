/**
 * The hash chain of an agent's memories (the PS-SHA layer): every memory names the hash of the one before, so an edited,
 * deleted, reordered or cut off row is found by recomputation. What a deletion takes away (text, source, subject, visitor,
 * tags) is in the hash by a salted commitment only: without its salt, nobody can confirm a guess. Every 1,024 entries a
 * checkpoint, an entry like the others, holds the Merkle root of all since the one before. Pure; says nothing of where
 * rows or the head are kept.
 */
import { ConsolidationSource, type ChainVerification } from '../contracts/memories.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { AgentId, TenantId } from '../core/ids.ts';
import { growFrontier, hashLeaf, rootOfFrontier, type Frontier } from './merkle.ts';
import type { memories } from './schema.ts';
import { sha256 } from './sha256.ts';

/** What the first memory of an agent names as the hash before it. */
export const GenesisHash = '0'.repeat(64);
/** So many entries are sealed by a checkpoint. */
export const CheckpointEvery = 1_024;
export const CheckpointAuthor = 'platform';

/** A memory, or a checkpoint, as it is stored; the tenant comes from the scope. */
export type MemoryRecord = Omit<typeof memories.$inferSelect, 'tenantId'>;
/** A memory before it has its place in the chain. */
export type MemoryDraft = Omit<
  MemoryRecord,
  'sequence' | 'commitment' | 'contentHash' | 'previousHash' | 'hash' | 'deletedAt' | 'closedAt' | 'closedBy' | 'origin'
>;
/** The last link of an agent's chain; `{ sequence: 0, hash: GenesisHash }` before the first memory. */
export type ChainHead = { readonly sequence: number; readonly hash: string };
/** What a checkpoint's text says, in canonical JSON: the entries that it seals, and their root. */
export type Checkpoint = { readonly first: number; readonly last: number; readonly root: string };

export const emptyChain: ChainHead = { sequence: 0, hash: GenesisHash };

type Content = Omit<MemoryDraft, 'embeddingSpace'> & Partial<Pick<MemoryRecord, 'origin'>>;
type Home = { readonly tenant: string; readonly agent: string };

export function writeOrigin({ tenant, agent }: Home): string {
  return `${tenant}/${agent}`;
}

/** Whom the hashes of a memory name: the tenant and agent that it was written for. */
function homeOf(tenant: string, { agentId, origin }: Pick<MemoryRecord, 'agentId'> & { origin?: string | null }): Home {
  const [originTenant, originAgent] = origin?.split('/') ?? [];
  return { tenant: originTenant ?? tenant, agent: originAgent ?? agentId };
}

/** The hash of what a deletion takes away. */
export function computeCommitment(memory: Content): string {
  const { text, sourceRef, subject, visitor, tags } = memory;
  return sha256(`${memory.salt}${canonicalJson({ text, ref: sourceRef, subject, visitor, tags })}`);
}

/**
 * Everything that a memory states, and who it states it for. The embedding space is left out: it may change. Entries
 * without a commitment are checkpoints, and memories of an earlier release.
 */
export function computeContentHash(tenant: TenantId, memory: Content, commitment: string | null): string {
  const stated = {
    ...homeOf(tenant, memory),
    id: memory.id,
    scope: memory.scope,
    kind: memory.kind,
    author: memory.author,
    confidence: memory.confidence,
    valid_from: memory.validFrom,
    valid_until: memory.validUntil,
    supersedes: memory.supersedes,
    created_at: memory.createdAt,
  };
  if (commitment === null) {
    const source = { type: memory.sourceType, ref: memory.sourceRef };
    return sha256(canonicalJson({ ...stated, version: 1, text: memory.text, source }));
  }
  const { readers, sources } = memory;
  return sha256(canonicalJson({ ...stated, version: 2, commitment, source_type: memory.sourceType, readers, sources }));
}

/** Both hashes have a fixed length and the sequence is decimal, so no two different links have the same input. */
export function computeLinkHash(
  link: Pick<MemoryRecord, 'previousHash' | 'contentHash' | 'sequence' | 'agentId'> &
    Partial<Pick<MemoryRecord, 'origin'>>,
): string {
  return sha256(`${link.previousHash}${link.contentHash}${link.sequence}/${homeOf('', link).agent}`);
}

/** The memory with its place after `head`; its own `sequence` and `hash` are the new head. */
export function appendToChain(tenant: TenantId, head: ChainHead, draft: MemoryDraft): MemoryRecord {
  const commitment = draft.salt === null ? null : computeCommitment(draft);
  const contentHash = computeContentHash(tenant, draft, commitment);
  const sequence = head.sequence + 1;
  const previousHash = head.hash;
  const hash = computeLinkHash({ previousHash, contentHash, sequence, agentId: draft.agentId });
  const open = { deletedAt: null, closedAt: null, closedBy: null, origin: null };
  return { ...draft, commitment, sequence, contentHash, previousHash, hash, ...open };
}

/** The entry that seals all between `sealed`, the checkpoint before, and the head. */
export function appendCheckpoint(
  tenant: TenantId,
  head: ChainHead,
  place: { readonly id: string; readonly agentId: AgentId; readonly sealed: number; readonly createdAt: number },
  frontier: Frontier,
): MemoryRecord {
  const checkpoint: Checkpoint = { first: place.sealed + 1, last: head.sequence, root: rootOfFrontier(frontier)! };
  return appendToChain(tenant, head, {
    id: place.id,
    agentId: place.agentId,
    scope: 'private',
    readers: [],
    kind: 'checkpoint',
    text: canonicalJson(checkpoint),
    sourceType: 'seed',
    sourceRef: null,
    author: CheckpointAuthor,
    confidence: 1,
    validFrom: null,
    validUntil: null,
    supersedes: null,
    tags: [],
    subject: null,
    visitor: null,
    sources: [],
    salt: null,
    embeddingSpace: '',
    createdAt: place.createdAt,
  });
}

/**
 * The memories that give way to this one: what it supersedes, or what consolidation has put together in it. A
 * consolidation that is deleted gives its sources back, unless something else said so since.
 */
export function closes(
  memory: Pick<MemoryRecord, 'supersedes' | 'commitment' | 'sourceType' | 'sources' | 'deletedAt' | 'closedBy'>,
): readonly string[] {
  if (memory.commitment === null) return [];
  if (memory.sourceType !== ConsolidationSource) return memory.supersedes === null ? [] : [memory.supersedes];
  return memory.deletedAt === null || memory.closedBy !== null ? memory.sources : [];
}

/** From when on what gives way to the memory no longer holds. */
export function closesAt(memory: Pick<MemoryRecord, 'validFrom' | 'createdAt'>): number {
  return memory.validFrom ?? memory.createdAt;
}

/** Why this row, taken alone, is not what was written; undefined where it is. */
export function findTampering(tenant: TenantId, row: MemoryRecord): string | undefined {
  const fault = row.deletedAt === null ? findContentFault(tenant, row) : findRemains(tenant, row);
  return fault ?? (computeLinkHash(row) === row.hash ? undefined : 'the link does not match its hash');
}

const notItsHash = 'the content does not match its hash';

function findContentFault(tenant: TenantId, row: MemoryRecord): string | undefined {
  if (row.commitment !== null && computeCommitment(row) !== row.commitment) return notItsHash;
  return computeContentHash(tenant, row, row.commitment) === row.contentHash ? undefined : notItsHash;
}

function findRemains(tenant: TenantId, row: MemoryRecord): string | undefined {
  if (row.kind === 'checkpoint') return 'a checkpoint cannot be deleted';
  if (row.text !== '') return 'the memory is deleted but has a text';
  if (row.commitment === null) return undefined;
  const kept = [row.salt, row.sourceRef, row.subject, row.visitor].some((each) => each !== null) || row.tags.length > 0;
  if (kept) return 'the memory is deleted but says what it was about';
  return computeContentHash(tenant, row, row.commitment) === row.contentHash ? undefined : notItsHash;
}

/** Takes an agent's rows in the order of their sequence, in pages of any size, then the head that they should lead to. */
export class ChainVerifier {
  readonly #tenant: TenantId;
  readonly #agentId: string;
  readonly #start: ChainHead;
  #last: ChainHead;
  #entries = 0;
  #firstInvalid: ChainVerification['first_invalid'] = null;
  #sealed: ChainHead;
  #frontier: Frontier = [];
  /** Rows that say they were closed, by the id of the memory that should come to close them. */
  readonly #closed = new Map<string, Map<string, MemoryRecord>>();

  /** `start`: a checkpoint that was verified before; from the beginning without one. */
  constructor(tenant: TenantId, agentId: string, start: ChainHead = emptyChain) {
    this.#tenant = tenant;
    this.#agentId = agentId;
    this.#start = start;
    this.#last = start;
    this.#sealed = start;
  }

  /** The last checkpoint that was passed. */
  get sealed(): ChainHead {
    return this.#sealed;
  }

  /** The tree of what comes after it. */
  get frontier(): Frontier {
    return this.#frontier;
  }

  push(rows: readonly MemoryRecord[]): void {
    for (const row of rows) {
      this.#entries += 1;
      if (this.#firstInvalid) continue;
      const reason = this.#findFault(row);
      if (reason !== undefined) {
        this.#firstInvalid = { sequence: this.#last.sequence + 1, id: row.id, reason };
        continue;
      }
      this.#last = { sequence: row.sequence, hash: row.hash };
      this.#seal(row);
    }
  }

  finish(head: ChainHead): ChainVerification {
    this.#firstInvalid ??= this.#findHeadFault(head) ?? this.#findUnclosed();
    return {
      valid: this.#firstInvalid === null,
      entries: this.#entries,
      head: head.hash,
      first_invalid: this.#firstInvalid,
    };
  }

  #findFault(row: MemoryRecord): string | undefined {
    const place = this.#last.sequence + 1;
    if (row.sequence !== place) return `memory ${row.sequence} stands where memory ${place} belongs`;
    if (row.agentId !== this.#agentId) return 'the memory belongs to another agent';
    if (row.previousHash !== this.#last.hash) return 'the memory does not name the one before it';
    return (
      findTampering(this.#tenant, row) ?? (row.kind === 'checkpoint' ? this.#findSealFault(row) : this.#close(row))
    );
  }

  #findSealFault(row: MemoryRecord): string | undefined {
    const { first, last, root } = JSON.parse(row.text) as Checkpoint;
    if (first !== this.#sealed.sequence + 1 || last !== row.sequence - 1) return 'the checkpoint seals other entries';
    return root === rootOfFrontier(this.#frontier) ? undefined : 'the checkpoint does not match what it seals';
  }

  /** Whether what gives way to the memory was closed by it, and what is closed gives way to something. */
  #close(row: MemoryRecord): string | undefined {
    if ((row.closedBy === null) !== (row.closedAt === null)) return 'the memory is closed by nothing';
    if (row.closedBy !== null) {
      const closedAlike = this.#closed.get(row.closedBy) ?? new Map<string, MemoryRecord>();
      this.#closed.set(row.closedBy, closedAlike.set(row.id, row));
    }
    const closedByIt = this.#closed.get(row.id);
    for (const id of closes(row)) {
      const closed = closedByIt?.get(id);
      closedByIt?.delete(id);
      // Verified from a checkpoint on, what gave way may lie before it.
      if (!closed && this.#start.sequence > 0) continue;
      if (closed?.closedAt !== closesAt(row)) return 'a memory that gave way to this one is not closed by it';
    }
    if (closedByIt?.size === 0) this.#closed.delete(row.id);
    return undefined;
  }

  #seal(row: MemoryRecord): void {
    if (row.kind === 'checkpoint') {
      this.#sealed = { sequence: row.sequence, hash: row.hash };
      this.#frontier = [];
    } else {
      const count = row.sequence - this.#sealed.sequence - 1;
      this.#frontier = growFrontier(this.#frontier, count, hashLeaf(row.hash));
    }
  }

  #findUnclosed(): ChainVerification['first_invalid'] {
    const row = this.#closed.values().next().value?.values().next().value;
    return row
      ? { sequence: row.sequence, id: row.id, reason: 'the memory is closed, but by none that supersedes it' }
      : null;
  }

  #findHeadFault(head: ChainHead): ChainVerification['first_invalid'] {
    const { sequence, hash } = this.#last;
    if (sequence < head.sequence)
      return { sequence: sequence + 1, id: '', reason: 'the memories from here on are missing' };
    if (sequence > head.sequence)
      return { sequence: head.sequence + 1, id: '', reason: 'the chain goes on beyond its head' };
    return hash === head.hash ? null : { sequence, id: '', reason: 'the last memory is not the head of the chain' };
  }
}

export function verifyChain(
  tenant: TenantId,
  agentId: string,
  rows: readonly MemoryRecord[],
  head: ChainHead,
): ChainVerification {
  const verifier = new ChainVerifier(tenant, agentId);
  verifier.push(rows);
  return verifier.finish(head);
}
