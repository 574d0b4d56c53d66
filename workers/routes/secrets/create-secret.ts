import { ok } from '../../../shared/core/result.ts';
import { createSecret as createSecretBody, secret } from '../../../shared/contracts/secrets.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const createSecret = tenantRoute(
  {
    method: 'POST',
    path: '/v1/secrets',
    operation: 'createSecret',
    summary: 'Keep a secret. Its value is sealed at once and never shown again.',
    tag: 'Secrets',
    surface: 'native',
    permission: 'secrets:write',
    idempotent: true,
    body: createSecretBody,
    answer: { status: 201, schema: secret },
  },
  async (call, { body }) => {
    const created = await call.tenant.vault.create(body, call.actor);
    return created.ok ? ok(json(created.value, 201)) : created;
  },
);
