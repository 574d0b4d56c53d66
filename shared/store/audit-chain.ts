/**
 * The hash chain of a tenant's audit trail: every entry names the hash of the one before, so an edited, deleted, reordered
 * or cut off entry is found by recomputation. Pure; says nothing of where entries or the head are kept. There is no key in
 * it: whoever can rewrite every later entry and the head can forge, and is found by a head that was noted elsewhere.
 */
import { createHash } from 'node:crypto';
import type { AuditEntry, AuditHead, AuditVerification } from '../contracts/audit.ts';
import { canonicalJson, type Json } from '../core/canonical-json.ts';

/** What a tenant's first entry names as the hash before it. */
export const AuditGenesisHash = '0'.repeat(64);

/** Whose trail it is where no tenant acts: the operator's own. */
export const OperatorTrail = 'operator';

export type AuditLink = { readonly sequence: number; readonly hash: string };
export type AuditDraft = Omit<AuditEntry, 'object' | 'tenant' | 'sequence' | 'previous_hash' | 'hash'>;

export const emptyAudit: AuditLink = { sequence: 0, hash: AuditGenesisHash };

/** Over everything that the entry holds, members that do not belong in it among them, but its own hash. */
export function computeAuditHash(entry: AuditEntry): string {
  const { hash: _, ...stated } = entry;
  return createHash('sha256')
    .update(canonicalJson({ version: 1, entry: stated as Json }), 'utf8')
    .digest('hex');
}

/** The entry at its place after `head`; its own `sequence` and `hash` are the new head. */
export function appendToAudit(tenant: string, head: AuditLink, draft: AuditDraft): AuditEntry {
  const entry: AuditEntry = {
    object: 'audit.entry',
    tenant,
    sequence: head.sequence + 1,
    ...draft,
    previous_hash: head.hash,
    hash: '',
  };
  return { ...entry, hash: computeAuditHash(entry) };
}

/** Takes a tenant's entries in the order of their sequence, in pages of any size, then the head that they should lead to. */
export class AuditVerifier {
  readonly #tenant: string;
  #last: AuditLink;
  #entries = 0;
  #firstInvalid: AuditVerification['first_invalid'] = null;

  /** `start`: a link that is known to hold, where only what follows it is to be verified. */
  constructor(tenant: string, start: AuditLink = emptyAudit) {
    this.#tenant = tenant;
    this.#last = start;
  }

  /** The first fault so far, null where there is none. */
  push(entries: readonly AuditEntry[]): AuditVerification['first_invalid'] {
    for (const entry of entries) {
      this.#entries += 1;
      if (this.#firstInvalid) continue;
      const reason = this.#findFault(entry);
      if (reason === undefined) this.#last = { sequence: entry.sequence, hash: entry.hash };
      else this.#firstInvalid = { sequence: this.#last.sequence + 1, reason };
    }
    return this.#firstInvalid;
  }

  finish(head: AuditHead): AuditVerification {
    this.#firstInvalid ??= this.#findHeadFault(head);
    return {
      object: 'audit.verification',
      valid: this.#firstInvalid === null,
      entries: this.#entries,
      head: head.hash,
      first_invalid: this.#firstInvalid,
    };
  }

  #findFault(entry: AuditEntry): string | undefined {
    const place = this.#last.sequence + 1;
    if (entry.sequence !== place) return `entry ${entry.sequence} stands where entry ${place} belongs`;
    if (entry.tenant !== this.#tenant) return 'the entry belongs to another tenant';
    if (entry.previous_hash !== this.#last.hash) return 'the entry does not name the one before it';
    return computeAuditHash(entry) === entry.hash ? undefined : 'the content does not match its hash';
  }

  #findHeadFault(head: AuditHead): AuditVerification['first_invalid'] {
    const { sequence, hash } = this.#last;
    if (head.tenant !== this.#tenant) return { sequence, reason: 'the head belongs to another tenant' };
    if (sequence < head.sequence) return { sequence: sequence + 1, reason: 'the entries from here on are missing' };
    if (sequence > head.sequence) return { sequence: head.sequence + 1, reason: 'the chain goes on beyond its head' };
    return hash === head.hash ? null : { sequence, reason: 'the last entry is not the head of the chain' };
  }
}

export function verifyAudit(tenant: string, entries: readonly AuditEntry[], head: AuditHead): AuditVerification {
  const verifier = new AuditVerifier(tenant);
  verifier.push(entries);
  return verifier.finish(head);
}
