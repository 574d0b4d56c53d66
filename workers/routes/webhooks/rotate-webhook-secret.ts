import { ok } from '../../../shared/core/result.ts';
import { createdWebhook, rotateWebhookSecret as rotateBody } from '../../../shared/contracts/webhooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { webhookParams } from '../params.ts';
import { mintSigningSecret } from './mint-signing-secret.ts';

export const rotateWebhookSecret = tenantRoute(
  {
    method: 'POST',
    path: '/v1/webhooks/{webhook}/rotate_secret',
    operation: 'rotateWebhookSecret',
    summary: 'Give a webhook a new secret; until the grace ends, the present one signs beside it.',
    tag: 'Webhooks',
    surface: 'native',
    permission: 'webhooks:write',
    idempotent: true,
    params: webhookParams,
    body: rotateBody,
    answer: { status: 200, schema: createdWebhook },
  },
  async (call, { params, body }) => {
    const found = await call.tenant.webhooks.find(params.webhook);
    if (!found.ok) return found;
    const { secret, publicKey, shown } = await mintSigningSecret(found.value.signature, call.random);
    const { webhooks } = call.tenant;
    const rotated = await webhooks.rotateSecret(params.webhook, secret, publicKey, body.grace_seconds, call.actor);
    return rotated.ok ? ok(json({ ...rotated.value, secret: shown })) : rotated;
  },
);
