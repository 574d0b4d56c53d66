import { ok } from '../../../shared/core/result.ts';
import { apiKey } from '../../../shared/contracts/keys.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { keyParams } from '../params.ts';

export const revokeKey = tenantRoute(
  {
    method: 'POST',
    path: '/v1/keys/{key}/revoke',
    operation: 'revokeKey',
    summary: 'Revoke a key. It is refused everywhere within one second.',
    tag: 'Keys',
    surface: 'native',
    permission: 'keys:write',
    params: keyParams,
    answer: { status: 200, schema: apiKey },
  },
  async (call, { params }) => {
    const revoked = await call.tenant.keys.revoke(params.key, call.principal);
    return revoked.ok ? ok(json(revoked.value)) : revoked;
  },
);
