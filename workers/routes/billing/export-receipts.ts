/**
 * The ledger as JSON lines in canonical form: receipts, what else was metered, corrections, and the batches as the
 * bridges signed them. The last line counts the others: an export without it is cut. `scripts/verify-invoice.ts`
 * recomputes an invoice out of one without any platform.
 */
import { canonicalJson, type Json } from '../../../shared/core/canonical-json.ts';
import { FailureError } from '../../../shared/core/failure.ts';
import { ok } from '../../../shared/core/result.ts';
import { exportQuery, toEntryFilter, type ExportPlace } from '../../../shared/contracts/usage.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { raw } from '../../http/reply.ts';

const Media = 'application/x-ndjson';
const encoder = new TextEncoder();

export const exportReceipts = tenantRoute(
  {
    method: 'GET',
    path: '/v1/receipts',
    operation: 'exportReceipts',
    summary:
      'Export the ledger with the signed batches of its receipts as JSON lines; the last line counts the others.',
    tag: 'Usage',
    surface: 'native',
    permission: 'usage:read',
    query: exportQuery,
    answer: { status: 200, media: Media },
  },
  async (call, { query }) => {
    const filter = toEntryFilter(query);
    const read = (place: ExportPlace) => call.tenant.billing.exportPage(filter, place);
    let place: ExportPlace | undefined = { part: 'receipts', after: '' };
    // The first page is read before anything is answered, so that an outage is still a 503.
    let page = await read(place);
    if (!page.ok) return page;
    let lines = 0;
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (place === undefined) return controller.close();
        if (lines > 0 || place.part !== 'receipts') page = await read(place);
        if (!page.ok) return controller.error(new FailureError(page.failure));
        lines += page.value.lines.length;
        place = page.value.next;
        const end = place === undefined ? [{ object: 'receipts.end', lines }] : [];
        const text = [...page.value.lines, ...end].map((line) => `${canonicalJson(line as Json)}\n`).join('');
        controller.enqueue(encoder.encode(text));
      },
    });
    return ok(raw(new Response(stream, { headers: { 'content-type': Media, 'cache-control': 'no-store' } })));
  },
);
