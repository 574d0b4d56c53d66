/** Audit entries for tests: drafts with every member set, and chains of them. */
import type { AuditEntry, AuditHead } from '../../shared/contracts/audit.ts';
import { appendToAudit, emptyAudit, type AuditDraft } from '../../shared/store/audit-chain.ts';

export function auditDraft(partial: Partial<AuditDraft> = {}): AuditDraft {
  return {
    time: '2026-01-01T00:00:00.000Z',
    actor: { kind: 'key', id: 'key_1' },
    action: 'agent.published',
    target: 'agt_1',
    outcome: 'succeeded',
    details: { version: 2, environment: 'prod' },
    ...partial,
  };
}

export function auditHeadOf(entries: readonly AuditEntry[], tenant: string): AuditHead {
  const { sequence, hash } = entries.at(-1) ?? emptyAudit;
  return { object: 'audit.head', tenant, sequence, hash };
}

export function auditChain(tenant: string, count: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let at = 0; at < count; at++) {
    entries.push(appendToAudit(tenant, entries.at(-1) ?? emptyAudit, auditDraft({ target: `agt_${at}` })));
  }
  return entries;
}
