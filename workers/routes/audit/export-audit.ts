/**
 * The audit trail as JSON lines in canonical form, oldest first, and the head of the chain as the last line: an export
 * without that line is cut. `scripts/verify-audit.ts` verifies one without any platform.
 */
import { canonicalJson } from '../../../shared/core/canonical-json.ts';
import { FailureError } from '../../../shared/core/failure.ts';
import { ok } from '../../../shared/core/result.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { raw } from '../../http/reply.ts';
import { readTrailPage } from './read-trail.ts';

const Media = 'application/x-ndjson';
const encoder = new TextEncoder();

export const exportAudit = tenantRoute(
  {
    method: 'GET',
    path: '/v1/audit/export',
    operation: 'exportAudit',
    summary: 'Export the audit trail as JSON lines; the last line is the head of its chain.',
    tag: 'Audit',
    surface: 'native',
    permission: 'audit:read',
    answer: { status: 200, media: Media },
  },
  async (call) => {
    // The first page is read before anything is answered, so that an outage is still a 503.
    let page = await readTrailPage(call, 0);
    if (!page.ok) return page;
    let after: number | undefined = 0;
    const lines = new ReadableStream<Uint8Array>({
      async pull(stream) {
        if (after === undefined) return stream.close();
        if (after > 0) page = await readTrailPage(call, after);
        if (!page.ok) return stream.error(new FailureError(page.failure));
        const { entries, end } = page.value;
        after = end ? undefined : entries.at(-1)!.sequence;
        const written = [...entries, ...(end ? [end] : [])].map((line) => `${canonicalJson(line)}\n`).join('');
        stream.enqueue(encoder.encode(written));
      },
    });
    return ok(raw(new Response(lines, { headers: { 'content-type': Media, 'cache-control': 'no-store' } })));
  },
);
