import { ok } from '../../../shared/core/result.ts';
import { invoiceSummary } from '../../../shared/contracts/billing.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listInvoices = tenantRoute(
  {
    method: 'GET',
    path: '/v1/invoices',
    operation: 'listInvoices',
    summary: 'List invoices, the newest month first. Months that are not closed are drafts.',
    tag: 'Billing',
    surface: 'native',
    permission: 'invoices:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(invoiceSummary) },
  },
  async (call, { query }) => {
    const invoices = await call.tenant.billing.invoices(query.limit, query.cursor);
    return invoices.ok ? ok(json(invoices.value)) : invoices;
  },
);
