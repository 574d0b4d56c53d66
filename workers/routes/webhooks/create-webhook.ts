import { ok } from '../../../shared/core/result.ts';
import { createdWebhook, createWebhook as createWebhookBody } from '../../../shared/contracts/webhooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { mintSigningSecret } from './mint-signing-secret.ts';

export const createWebhook = tenantRoute(
  {
    method: 'POST',
    path: '/v1/webhooks',
    operation: 'createWebhook',
    summary: 'Send events to a URL. The secret is shown once.',
    tag: 'Webhooks',
    surface: 'native',
    permission: 'webhooks:write',
    idempotent: true,
    body: createWebhookBody,
    answer: { status: 201, schema: createdWebhook },
  },
  async (call, { body }) => {
    const { secret, publicKey, shown } = await mintSigningSecret(body.signature, call.random);
    const created = await call.tenant.webhooks.create(
      { ...body, id: call.mint('webhook'), secret, publicKey },
      call.actor,
    );
    return created.ok ? ok(json({ ...created.value, secret: shown }, 201)) : created;
  },
);
