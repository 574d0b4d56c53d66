/** `node scripts/verify-audit.ts export.jsonl [--head <hash>]`: verifies an export of GET /v1/audit/export without any platform. */
import { auditEntry, auditHead, type AuditEntry } from '../shared/contracts/audit.ts';
import { parseCanonical } from '../shared/core/canonical-json.ts';
import { AuditVerifier } from '../shared/store/audit-chain.ts';
import { runVerifier, type ExportLines, type ExportVerification } from './verify-export.ts';

export async function verifyExport(lines: ExportLines, notedHead?: string): Promise<ExportVerification> {
  let verifier: AuditVerifier | undefined;
  let line = 0;
  let noted = notedHead === undefined;
  let ended: ExportVerification | undefined;
  const bad = (reason: string, at = line): ExportVerification => ({ valid: false, line: at, reason });
  for await (const text of lines) {
    line++;
    if (ended) return bad('there is something after the head');
    const value = parseCanonical(text);
    if (value === undefined) return bad('the line is not canonical JSON');
    const head = auditHead.strict().safeParse(value);
    if (head.success) {
      const result = (verifier ?? new AuditVerifier(head.data.tenant)).finish(head.data);
      if (!result.valid) return bad(result.first_invalid!.reason);
      noted ||= result.head === notedHead;
      ended = { valid: true, entries: result.entries, head: result.head };
      continue;
    }
    const entry = auditEntry.safeParse(value);
    if (!entry.success) return bad('the line is neither an entry nor the head of the trail');
    verifier ??= new AuditVerifier(entry.data.tenant);
    // Not what was parsed but what is there: a member that does not belong in an entry is found as well.
    const fault = verifier.push([value as AuditEntry]);
    if (fault) return bad(fault.reason);
    noted ||= entry.data.hash === notedHead;
  }
  if (!ended) return bad('the head of the trail is missing: the export is cut', line + 1);
  return noted ? ended : bad('the noted head is not in this chain');
}

if (import.meta.main) process.exitCode = await runVerifier('verify-audit', verifyExport);
