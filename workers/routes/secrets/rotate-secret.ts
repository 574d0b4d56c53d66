import { ok } from '../../../shared/core/result.ts';
import { rotateSecret as rotateSecretBody, secret } from '../../../shared/contracts/secrets.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { secretParams } from '../params.ts';

export const rotateSecret = tenantRoute(
  {
    method: 'POST',
    path: '/v1/secrets/{secret}/rotate',
    operation: 'rotateSecret',
    summary: 'Give a secret a new value, as a new version. The ten newest versions are kept.',
    tag: 'Secrets',
    surface: 'native',
    permission: 'secrets:write',
    idempotent: true,
    params: secretParams,
    body: rotateSecretBody,
    answer: { status: 200, schema: secret },
  },
  async (call, { params, body }) => {
    const rotated = await call.tenant.vault.rotate(params.secret, body.value, call.actor);
    return rotated.ok ? ok(json(rotated.value)) : rotated;
  },
);
