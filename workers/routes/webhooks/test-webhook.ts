import { ok } from '../../../shared/core/result.ts';
import { testedWebhook } from '../../../shared/contracts/webhooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { webhookParams } from '../params.ts';

export const testWebhook = tenantRoute(
  {
    method: 'POST',
    path: '/v1/webhooks/{webhook}/test',
    operation: 'testWebhook',
    summary: 'Send a `webhook.test` event to this webhook alone; its attempts tell what came of it.',
    tag: 'Webhooks',
    surface: 'native',
    permission: 'webhooks:write',
    params: webhookParams,
    answer: { status: 202, schema: testedWebhook },
  },
  async (call, { params }) => {
    const event = await call.tenant.webhooks.test(params.webhook, call.actor);
    return event.ok ? ok(json({ object: 'webhook.test', webhook: params.webhook, event: event.value }, 202)) : event;
  },
);
