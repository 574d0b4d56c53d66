import { parseId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { attemptQuery, webhookAttempt } from '../../../shared/contracts/webhooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { webhookParams } from '../params.ts';

export const listWebhookAttempts = tenantRoute(
  {
    method: 'GET',
    path: '/v1/webhooks/{webhook}/attempts',
    operation: 'listWebhookAttempts',
    summary: 'List the latest attempts, newest first, with what was sent and what was answered.',
    tag: 'Webhooks',
    surface: 'native',
    permission: 'webhooks:read',
    params: webhookParams,
    query: attemptQuery,
    answer: { status: 200, schema: listOf(webhookAttempt) },
  },
  async (call, { params, query }) => {
    const found = await call.tenant.webhooks.find(params.webhook);
    if (!found.ok) return found;
    const id = parseId('webhook', params.webhook);
    if (!id) return err('not_found', 'There is no such webhook.');
    const attempts = await call.webhookEndpoint(id).listAttempts(query);
    return attempts.ok ? ok(json(attempts.value)) : attempts;
  },
);
