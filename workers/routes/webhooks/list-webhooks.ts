import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { webhook } from '../../../shared/contracts/webhooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listWebhooks = tenantRoute(
  {
    method: 'GET',
    path: '/v1/webhooks',
    operation: 'listWebhooks',
    summary: 'List webhooks.',
    tag: 'Webhooks',
    surface: 'native',
    permission: 'webhooks:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(webhook) },
  },
  async (call, { query }) => {
    const webhooks = await call.tenant.webhooks.list(query.limit, query.cursor);
    return webhooks.ok ? ok(json(webhooks.value)) : webhooks;
  },
);
