/** The audit trail's chain: whatever is done to any of a thousand entries, verification names the first that does not hold. (M-3) */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AuditEntry } from '../../../shared/contracts/audit.ts';
import {
  appendToAudit,
  AuditGenesisHash,
  AuditVerifier,
  emptyAudit,
  verifyAudit,
} from '../../../shared/store/audit-chain.ts';
import { auditChain, auditDraft, auditHeadOf } from '../../support/audit-factory.ts';

const tenant = 'tnt_1';
const Count = 1_000;
const chain = auditChain(tenant, Count);
const head = chain.at(-1)!;
const end = auditHeadOf(chain, tenant);
const verify = (entries: readonly AuditEntry[]) => verifyAudit(tenant, entries, end);
/** Everything before a place is known to hold, so that each of a thousand places is tried in no time. */
const verifyFrom = (place: number, entries: readonly AuditEntry[]) => {
  const verifier = new AuditVerifier(tenant, chain[place - 1] ?? emptyAudit);
  verifier.push(entries);
  return verifier.finish(end).first_invalid;
};

const edits: Readonly<Record<string, (entry: AuditEntry) => AuditEntry>> = {
  time: (entry) => ({ ...entry, time: '2026-01-01T00:00:00.001Z' }),
  'kind of the actor': (entry) => ({ ...entry, actor: { ...entry.actor, kind: 'operator' } }),
  'id of the actor': (entry) => ({ ...entry, actor: { ...entry.actor, id: 'key_2' } }),
  action: (entry) => ({ ...entry, action: 'agent.updated' }),
  target: (entry) => ({ ...entry, target: 'agt_x' }),
  'target taken away': (entry) => ({ ...entry, target: null }),
  outcome: (entry) => ({ ...entry, outcome: 'refused' }),
  details: (entry) => ({ ...entry, details: { ...entry.details, version: 3 } }),
  'type of a detail': (entry) => ({ ...entry, details: { ...entry.details, version: '2' } }),
  'details taken away': (entry) => ({ ...entry, details: {} }),
  'a member more': (entry) => ({ ...entry, note: 'x' }) as AuditEntry,
  tenant: (entry) => ({ ...entry, tenant: 'tnt_2' }),
  sequence: (entry) => ({ ...entry, sequence: entry.sequence + 1 }),
  'previous hash': (entry) => ({ ...entry, previous_hash: 'f'.repeat(64) }),
  hash: (entry) => ({ ...entry, hash: 'f'.repeat(64) }),
};

describe('an audit trail of a thousand entries', () => {
  test('holds untouched, in pages of any size', () => {
    expect(verify(chain)).toEqual({
      object: 'audit.verification',
      valid: true,
      entries: Count,
      head: head.hash,
      first_invalid: null,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), (size) => {
        const verifier = new AuditVerifier(tenant);
        for (let at = 0; at < Count; at += size) verifier.push(chain.slice(at, at + size));
        expect(verifier.finish(end).valid).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  test.each(Object.keys(edits))('shows an edit of the %s at each of its entries', (what) => {
    for (let at = 0; at < Count; at++) {
      const invalid = verifyFrom(at, [edits[what]!(chain[at]!), ...chain.slice(at + 1, at + 3)]);
      expect(invalid?.sequence, `entry ${at + 1}`).toBe(at + 1);
    }
  });

  test('shows an edit whose own hash was made anew at the entry after it, or at the head', () => {
    for (let at = 0; at < Count; at++) {
      const forged = appendToAudit(tenant, chain[at - 1] ?? emptyAudit, auditDraft({ target: 'agt_forged' }));
      const invalid = verifyFrom(at, [forged, ...chain.slice(at + 1, at + 3)]);
      expect(invalid?.sequence).toBe(Math.min(at + 2, Count));
    }
  });

  test('shows a deletion, a swap, a repetition and an insertion at each of its entries', () => {
    for (let at = 0; at < Count; at++) {
      const [entry, next] = [chain[at]!, chain[at + 1]];
      const inserted = appendToAudit(tenant, chain[at - 1] ?? emptyAudit, auditDraft({ action: 'x' }));
      expect(verifyFrom(at, chain.slice(at + 1, at + 3))?.sequence).toBe(at + 1);
      if (next) expect(verifyFrom(at, [next, entry])?.sequence).toBe(at + 1);
      expect(verifyFrom(at, [entry, entry])?.sequence).toBe(at + 2);
      expect(verifyFrom(at, [inserted, entry])?.sequence).toBe(at + 2);
    }
  });

  test('shows a cut at each of its entries, and an end that goes on', () => {
    for (let at = 0; at < Count; at++) expect(verifyFrom(at, [])?.sequence).toBe(at + 1);
    const beyond = appendToAudit(tenant, head, auditDraft());
    expect(verify([...chain, beyond]).first_invalid).toEqual({
      sequence: Count + 1,
      reason: 'the chain goes on beyond its head',
    });
  });

  test('shows what random tampering began with, read as a whole', () => {
    fc.assert(
      fc.property(fc.nat(Count - 2), fc.constantFrom('delete', 'swap', 'cut', ...Object.keys(edits)), (at, kind) => {
        const tampered =
          kind === 'delete'
            ? chain.toSpliced(at, 1)
            : kind === 'swap'
              ? chain.with(at, chain[at + 1]!).with(at + 1, chain[at]!)
              : kind === 'cut'
                ? chain.slice(0, at)
                : chain.with(at, edits[kind]!(chain[at]!));
        expect(verify(tampered).first_invalid?.sequence).toBe(at + 1);
      }),
      { numRuns: 300 },
    );
  });

  test('of another tenant does not pass for this one', () => {
    expect(verifyAudit('tnt_2', chain, end).first_invalid?.sequence).toBe(1);
    expect(verifyAudit(tenant, chain, { ...end, tenant: 'tnt_2' }).valid).toBe(false);
  });
});

test('an empty trail leads to the genesis hash', () => {
  expect(verifyAudit(tenant, [], auditHeadOf([], tenant))).toMatchObject({
    valid: true,
    entries: 0,
    head: AuditGenesisHash,
  });
});
