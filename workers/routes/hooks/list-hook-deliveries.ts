import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { hookDelivery } from '../../../shared/contracts/hooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { hookParams } from '../params.ts';

export const listHookDeliveries = tenantRoute(
  {
    method: 'GET',
    path: '/v1/hooks/{hook}/deliveries',
    operation: 'listHookDeliveries',
    summary: "List a hook's deliveries and what became of them, newest first.",
    tag: 'Hooks',
    surface: 'native',
    permission: 'hooks:read',
    params: hookParams,
    query: pageQuery,
    answer: { status: 200, schema: listOf(hookDelivery) },
  },
  async (call, { params, query }) => {
    const listed = await call.tenant.hooks.deliveries(params.hook, query.limit, query.cursor);
    return listed.ok ? ok(json(listed.value)) : listed;
  },
);
