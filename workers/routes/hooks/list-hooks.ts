import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { hook } from '../../../shared/contracts/hooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listHooks = tenantRoute(
  {
    method: 'GET',
    path: '/v1/hooks',
    operation: 'listHooks',
    summary: 'List inbound hooks, newest first.',
    tag: 'Hooks',
    surface: 'native',
    permission: 'hooks:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(hook) },
  },
  async (call, { query }) => {
    const listed = await call.tenant.hooks.list(query.limit, query.cursor);
    return listed.ok ? ok(json(listed.value)) : listed;
  },
);
