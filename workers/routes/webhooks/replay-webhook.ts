import { ok } from '../../../shared/core/result.ts';
import { replayWebhook as replayBody, webhookReplay } from '../../../shared/contracts/webhooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { webhookParams } from '../params.ts';

export const replayWebhook = tenantRoute(
  {
    method: 'POST',
    path: '/v1/webhooks/{webhook}/replay',
    operation: 'replayWebhook',
    summary: 'Send one event again, or all since a time, with their ids as they were.',
    tag: 'Webhooks',
    surface: 'native',
    permission: 'webhooks:write',
    params: webhookParams,
    body: replayBody,
    answer: { status: 202, schema: webhookReplay },
  },
  async (call, { params, body }) => {
    const replay = await call.tenant.webhooks.replay(params.webhook, body);
    return replay.ok ? ok(json(replay.value, 202)) : replay;
  },
);
