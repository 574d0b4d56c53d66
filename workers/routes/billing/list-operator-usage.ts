import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { operatorUsageQuery, operatorUsageRow } from '../../../shared/contracts/usage.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listOperatorUsage = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/usage',
    operation: 'listOperatorUsage',
    summary: 'Sum up what all tenants used, by tenant, day, model or SKU; whole days, an hour behind at most.',
    tag: 'Operator',
    surface: 'native',
    query: operatorUsageQuery,
    answer: { status: 200, schema: listOf(operatorUsageRow) },
  },
  async (context, { query }) => {
    const from = query.from?.slice(0, 10) ?? '';
    const to = query.to === undefined ? '~' : dayAfter(query.to);
    const rows = await context.objects.billingArchive().usage(query.group_by, from, to);
    return rows.ok ? ok(json({ object: 'list', data: rows.value, has_more: false, next_cursor: null })) : rows;
  },
);

/** The first day that is no longer in it: one that has begun counts whole. */
function dayAfter(time: string): string {
  return new Date(Date.parse(time) + 86_399_999).toISOString().slice(0, 10);
}
