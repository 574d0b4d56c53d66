import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { issuer } from '../../../shared/contracts/issuers.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listIssuers = tenantRoute(
  {
    method: 'GET',
    path: '/v1/issuers',
    operation: 'listIssuers',
    summary: 'List issuers, newest first.',
    tag: 'Issuers',
    surface: 'native',
    permission: 'issuers:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(issuer) },
  },
  async (call, { query }) => {
    const listed = await call.tenant.people.listIssuers(query.limit, query.cursor);
    return listed.ok ? ok(json(listed.value)) : listed;
  },
);
