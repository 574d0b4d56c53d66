import { ok } from '../../../shared/core/result.ts';
import { deletedWebhook } from '../../../shared/contracts/webhooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { webhookParams } from '../params.ts';

export const deleteWebhook = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/webhooks/{webhook}',
    operation: 'deleteWebhook',
    summary: 'Delete a webhook, with what waits for it and its attempts.',
    tag: 'Webhooks',
    surface: 'native',
    permission: 'webhooks:write',
    params: webhookParams,
    answer: { status: 200, schema: deletedWebhook },
  },
  async (call, { params }) => {
    const deleted = await call.tenant.webhooks.delete(params.webhook, call.actor);
    return deleted.ok ? ok(json({ id: params.webhook, object: 'webhook.deleted', deleted: true })) : deleted;
  },
);
