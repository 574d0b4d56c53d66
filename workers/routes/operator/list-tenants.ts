import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { tenant } from '../../../shared/contracts/tenants.ts';
import { toTenant } from '../../../shared/store/tenant-directory.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { tenantUrl } from '../../edge/tenant-url.ts';

export const listTenants = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/tenants',
    operation: 'listTenants',
    summary: 'List tenants.',
    tag: 'Operator',
    surface: 'native',
    query: pageQuery,
    answer: { status: 200, schema: listOf(tenant) },
  },
  async (context, { query }) => {
    const page = await context.objects.directory().list(query.limit, query.cursor);
    if (!page.ok) return page;
    return ok(json({ ...page.value, data: page.value.data.map((row) => toTenant(row, tenantUrl(context, row.slug))) }));
  },
);
