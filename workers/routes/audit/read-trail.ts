/** A whole audit trail in pages, oldest first, so that neither the object that keeps it nor this isolate holds all of it. */
import { canonicalJson } from '../../../shared/core/canonical-json.ts';
import { FailureError } from '../../../shared/core/failure.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import type { AuditHead, AuditPage, AuditVerification } from '../../../shared/contracts/audit.ts';
import { AuditVerifier } from '../../../shared/store/audit-chain.ts';
import type { TenantDoor } from '../../edge/doors.ts';
import { raw, type Reply } from '../../http/reply.ts';

const PageSize = 500;
export const AuditMedia = 'application/x-ndjson';
const encoder = new TextEncoder();

export type Trail = Pick<TenantDoor['audit'], 'page'>;

/** The page after an entry, and where the trail ends with it, the head that it should have led to. */
async function readTrailPage(trail: Trail, after: number): Promise<Result<AuditPage & { readonly end?: AuditHead }>> {
  const page = await trail.page(after, PageSize);
  if (!page.ok) return page;
  return ok(page.value.entries.length < PageSize ? { ...page.value, end: page.value.head } : page.value);
}

export async function verifyTrail(of: string, trail: Trail): Promise<Result<AuditVerification>> {
  const verifier = new AuditVerifier(of);
  for (let after = 0; ;) {
    const page = await readTrailPage(trail, after);
    if (!page.ok) return page;
    verifier.push(page.value.entries);
    if (page.value.end) return ok(verifier.finish(page.value.end));
    after = page.value.entries.at(-1)!.sequence;
  }
}

/**
 * JSON lines in canonical form, and the head of the chain as the last line: an export without that line is cut.
 * `scripts/verify-audit.ts` verifies one without any platform.
 */
export async function exportTrail(trail: Trail): Promise<Result<Reply>> {
  // The first page is read before anything is answered, so that an outage is still a 503.
  let page = await readTrailPage(trail, 0);
  if (!page.ok) return page;
  let after: number | undefined = 0;
  const lines = new ReadableStream<Uint8Array>({
    async pull(stream) {
      if (after === undefined) return stream.close();
      if (after > 0) page = await readTrailPage(trail, after);
      if (!page.ok) return stream.error(new FailureError(page.failure));
      const { entries, end } = page.value;
      after = end ? undefined : entries.at(-1)!.sequence;
      const written = [...entries, ...(end ? [end] : [])].map((line) => `${canonicalJson(line)}\n`).join('');
      stream.enqueue(encoder.encode(written));
    },
  });
  return ok(raw(new Response(lines, { headers: { 'content-type': AuditMedia, 'cache-control': 'no-store' } })));
}
