/**
 * `node scripts/verify-audit.ts export.jsonl [--head <hash>]`: verifies an export of GET /v1/audit/export without any
 * platform. Exit code 0: every entry is as it was written, none is missing. 1: the first bad line is named. 2: no such
 * file. `--head`: a head that was noted before; it has to be in the chain, which no rewritten export can achieve.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { auditEntry, auditHead, type AuditEntry } from '../shared/contracts/audit.ts';
import { canonicalJson, type Json } from '../shared/core/canonical-json.ts';
import { AuditVerifier } from '../shared/store/audit-chain.ts';

export type ExportVerification =
  | { readonly valid: true; readonly entries: number; readonly head: string }
  | { readonly valid: false; readonly line: number; readonly reason: string };

/** Every line must be what the platform writes, byte for byte: nothing can hide in another spelling of the same. */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  notedHead?: string,
): Promise<ExportVerification> {
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

function parseCanonical(text: string): unknown {
  try {
    const value = JSON.parse(text) as Json;
    return canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { head: { type: 'string' } }, allowPositionals: true });
  const file = positionals[0];
  if (file === undefined) {
    console.error('usage: node scripts/verify-audit.ts export.jsonl [--head <hash>]');
    return 2;
  }
  try {
    const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
    const result = await verifyExport(lines, values.head);
    if (result.valid) console.log(`valid: ${result.entries} entries, head ${result.head}`);
    else console.error(`${file}:${result.line}: ${result.reason}`);
    return result.valid ? 0 : 1;
  } catch (error) {
    console.error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
}

if (import.meta.main) process.exitCode = await main();
