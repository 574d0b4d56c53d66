import { ok } from '../../../shared/core/result.ts';
import { webhook } from '../../../shared/contracts/webhooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { webhookParams } from '../params.ts';

export const retrieveWebhook = tenantRoute(
  {
    method: 'GET',
    path: '/v1/webhooks/{webhook}',
    operation: 'retrieveWebhook',
    summary: 'Retrieve a webhook.',
    tag: 'Webhooks',
    surface: 'native',
    permission: 'webhooks:read',
    params: webhookParams,
    answer: { status: 200, schema: webhook },
  },
  async (call, { params }) => {
    const found = await call.tenant.webhooks.find(params.webhook);
    return found.ok ? ok(json(found.value)) : found;
  },
);
