/** `node scripts/verify-memory.ts export.jsonl [--head <hash>]`: verifies an export of GET …/memories/export without any platform. */
import type { TenantId } from '../shared/core/ids.ts';
import { ChainVerifier } from '../shared/store/memory-chain.ts';
import { ExportReader } from '../shared/store/memory-export.ts';
import { runVerifier, type ExportLines, type ExportVerification } from './verify-export.ts';

export async function verifyExport(lines: ExportLines, notedHead?: string): Promise<ExportVerification> {
  const reader = new ExportReader();
  for await (const text of lines) {
    const fault = reader.take(text);
    if (fault) return { valid: false, ...fault };
  }
  const end = reader.finish();
  if (!('head' in end)) return { valid: false, ...end };
  const { rows } = reader;
  const line = rows.length + 1;
  const verifier = new ChainVerifier(end.head.tenant as TenantId, end.head.agent);
  verifier.push(rows);
  const result = verifier.finish(end.head);
  if (result.first_invalid) {
    const { id, sequence, reason } = result.first_invalid;
    const at = rows.findIndex((row) => row.id === id) + 1;
    return { valid: false, line: at > 0 ? at : Math.min(sequence, line), reason };
  }
  const isNoted = notedHead === undefined || rows.some(({ hash }) => hash === notedHead);
  if (!isNoted) return { valid: false, line, reason: 'the noted head is not in this chain' };
  return { valid: true, entries: result.entries, head: result.head };
}

if (import.meta.main) process.exitCode = await runVerifier('verify-memory', verifyExport);
