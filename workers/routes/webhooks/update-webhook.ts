import { ok } from '../../../shared/core/result.ts';
import { updateWebhook as updateWebhookBody, webhook } from '../../../shared/contracts/webhooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { webhookParams } from '../params.ts';

export const updateWebhook = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/webhooks/{webhook}',
    operation: 'updateWebhook',
    summary: 'Change a webhook, or enable one that was disabled.',
    tag: 'Webhooks',
    surface: 'native',
    permission: 'webhooks:write',
    params: webhookParams,
    body: updateWebhookBody,
    answer: { status: 200, schema: webhook },
  },
  async (call, { params, body }) => {
    const updated = await call.tenant.webhooks.update(params.webhook, body, call.actor);
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
