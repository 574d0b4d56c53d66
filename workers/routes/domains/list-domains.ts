import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { domain } from '../../../shared/contracts/domains.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listDomains = tenantRoute(
  {
    method: 'GET',
    path: '/v1/domains',
    operation: 'listDomains',
    summary: 'List custom hostnames.',
    tag: 'Domains',
    surface: 'native',
    permission: 'domains:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(domain) },
  },
  async (call, { query }) => {
    const domains = await call.tenant.domains.list(query.limit, query.cursor);
    return domains.ok ? ok(json(domains.value)) : domains;
  },
);
