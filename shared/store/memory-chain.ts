/**
 * The hash chain of an agent's memories (the PS-SHA layer): every memory names the hash of the one before, so an edited,
 * deleted, reordered or cut off row is found by recomputation. Pure; says nothing of where rows or the head are kept.
 * A deletion empties the text and keeps the hashes, so the chain still holds. The hash has no salt: who guesses a deleted
 * text, and knows all else of it, can confirm the guess.
 */
import { createHash } from 'node:crypto';
import type { ChainVerification } from '../contracts/memories.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { TenantId } from '../core/ids.ts';
import type { memories } from './schema.ts';

/** What the first memory of an agent names as the hash before it. */
export const GenesisHash = '0'.repeat(64);

/** A memory as it is stored; the tenant comes from the scope. */
export type MemoryRecord = Omit<typeof memories.$inferSelect, 'tenantId'>;
/** A memory before it has its place in the chain. */
export type MemoryDraft = Omit<MemoryRecord, 'sequence' | 'contentHash' | 'previousHash' | 'hash' | 'deletedAt'>;
/** The last link of an agent's chain; `{ sequence: 0, hash: GenesisHash }` before the first memory. */
export type ChainHead = { readonly sequence: number; readonly hash: string };

export const emptyChain: ChainHead = { sequence: 0, hash: GenesisHash };

/** Everything that a memory states, and who it states it for. The embedding space is left out: it may change. */
export function computeContentHash(tenant: TenantId, memory: MemoryDraft): string {
  return sha256(
    canonicalJson({
      version: 1,
      tenant,
      id: memory.id,
      agent: memory.agentId,
      scope: memory.scope,
      kind: memory.kind,
      text: memory.text,
      source: { type: memory.sourceType, ref: memory.sourceRef },
      author: memory.author,
      confidence: memory.confidence,
      valid_from: memory.validFrom,
      valid_until: memory.validUntil,
      supersedes: memory.supersedes,
      created_at: memory.createdAt,
    }),
  );
}

/** Both hashes have a fixed length and the sequence is decimal, so no two different links have the same input. */
export function computeLinkHash(
  link: Pick<MemoryRecord, 'previousHash' | 'contentHash' | 'sequence' | 'agentId'>,
): string {
  return sha256(`${link.previousHash}${link.contentHash}${link.sequence}/${link.agentId}`);
}

/** The memory with its place after `head`; its own `sequence` and `hash` are the new head. */
export function appendToChain(tenant: TenantId, head: ChainHead, draft: MemoryDraft): MemoryRecord {
  const contentHash = computeContentHash(tenant, draft);
  const sequence = head.sequence + 1;
  const previousHash = head.hash;
  const hash = computeLinkHash({ previousHash, contentHash, sequence, agentId: draft.agentId });
  return { ...draft, sequence, contentHash, previousHash, hash, deletedAt: null };
}

/** Why this row, taken alone, is not what was written; undefined where it is. */
export function findTampering(tenant: TenantId, row: MemoryRecord): string | undefined {
  if (row.deletedAt !== null) {
    if (row.text !== '') return 'the memory is deleted but has a text';
  } else if (computeContentHash(tenant, row) !== row.contentHash) return 'the content does not match its hash';
  return computeLinkHash(row) === row.hash ? undefined : 'the link does not match its hash';
}

/** Takes an agent's rows in the order of their sequence, in pages of any size, then the head that they should lead to. */
export class ChainVerifier {
  readonly #tenant: TenantId;
  readonly #agentId: string;
  #last: ChainHead = emptyChain;
  #entries = 0;
  #firstInvalid: ChainVerification['first_invalid'] = null;

  constructor(tenant: TenantId, agentId: string) {
    this.#tenant = tenant;
    this.#agentId = agentId;
  }

  push(rows: readonly MemoryRecord[]): void {
    for (const row of rows) {
      this.#entries += 1;
      if (this.#firstInvalid) continue;
      const reason = this.#findFault(row);
      if (reason !== undefined) this.#firstInvalid = { sequence: this.#last.sequence + 1, id: row.id, reason };
      else this.#last = { sequence: row.sequence, hash: row.hash };
    }
  }

  finish(head: ChainHead): ChainVerification {
    this.#firstInvalid ??= this.#findHeadFault(head);
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
    return findTampering(this.#tenant, row);
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

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
