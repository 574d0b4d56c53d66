import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { invoiceSummary, month } from '../../../shared/contracts/billing.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listClosedInvoices = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/invoices',
    operation: 'listClosedInvoices',
    summary: 'List closed invoices of all tenants, by month.',
    tag: 'Operator',
    surface: 'native',
    query: pageQuery.extend({ month: month.optional(), tenant: z.string().min(1).max(200).optional() }),
    answer: { status: 200, schema: listOf(invoiceSummary) },
  },
  async (context, { query }) => {
    const page = await context.objects.billingArchive().listInvoices(query.limit, query.cursor, query);
    return page.ok ? ok(json(page.value)) : page;
  },
);
