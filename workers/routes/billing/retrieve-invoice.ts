import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { toInvoiceCsv, toInvoiceHtml } from '../../../shared/billing/invoice-text.ts';
import { invoice } from '../../../shared/contracts/billing.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { page } from '../../http/page.ts';
import { json, raw } from '../../http/reply.ts';
import { invoiceParams } from '../params.ts';

const format = z.enum(['json', 'csv', 'html']);
const mediaTypes = { 'text/csv': 'csv', 'text/html': 'html' } as const;

export const retrieveInvoice = tenantRoute(
  {
    method: 'GET',
    path: '/v1/invoices/{invoice}',
    operation: 'retrieveInvoice',
    summary: 'Retrieve an invoice as JSON, CSV or a page to print, by `format` or the Accept header.',
    tag: 'Billing',
    surface: 'native',
    permission: 'invoices:read',
    params: invoiceParams,
    query: z.object({ format: format.optional() }),
    answer: { status: 200, schema: invoice, others: ['text/csv', 'text/html'] },
  },
  async (call, { params, query }) => {
    const found = await call.tenant.billing.invoice(params.invoice);
    if (!found.ok) return found;
    switch (query.format ?? wantedFormat(call.header('accept') ?? '')) {
      case 'json':
        return ok(json(found.value));
      case 'csv':
        return ok(raw(csv(toInvoiceCsv(found.value), found.value.month)));
      case 'html':
        return ok(page(toInvoiceHtml(found.value)));
    }
  },
);

function wantedFormat(accept: string): z.infer<typeof format> {
  const named = accept.split(',').map((part) => part.split(';')[0]!.trim().toLowerCase());
  const first = named.find((type) => type in mediaTypes || type === 'application/json');
  return mediaTypes[first as keyof typeof mediaTypes] ?? 'json';
}

function csv(text: string, month: string): Response {
  return new Response(text, {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="invoice-${month}.csv"`,
      'cache-control': 'no-store',
    },
  });
}
