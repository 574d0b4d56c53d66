import { isId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { createdKey, rotateKey as rotateKeyBody } from '../../../shared/contracts/keys.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { keyParams } from '../params.ts';

export const rotateKey = tenantRoute(
  {
    method: 'POST',
    path: '/v1/keys/{key}/rotate',
    operation: 'rotateKey',
    summary: 'Give a key a new secret, shown this once. The present one works until the grace ends.',
    tag: 'Keys',
    surface: 'native',
    permission: 'keys:write',
    idempotent: true,
    params: keyParams,
    body: rotateKeyBody,
    answer: { status: 200, schema: createdKey },
  },
  async (call, { params, body }) => {
    const { key: id } = params;
    if (!isId('key', id)) return err('not_found', 'There is no such key.');
    const { secret, hash } = call.mintSecret(id);
    const rotated = await call.tenant.keys.rotate(id, hash, body.grace_seconds, call.principal);
    return rotated.ok ? ok(json({ ...rotated.value, secret })) : rotated;
  },
);
