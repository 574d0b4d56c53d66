import { ok } from '../../../shared/core/result.ts';
import { revokeToken as revokeTokenBody, tokenRevocation } from '../../../shared/contracts/tokens.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const revokeToken = tenantRoute(
  {
    method: 'POST',
    path: '/v1/tokens/revoke',
    operation: 'revokeToken',
    summary: 'Revoke one token of an issuer, or one session, by its jti. It is refused everywhere within one second.',
    tag: 'Members',
    surface: 'native',
    permission: 'members:write',
    body: revokeTokenBody,
    answer: { status: 200, schema: tokenRevocation },
  },
  async (call, { body }) => {
    const revoked = await call.tenant.people.revokeToken(call.principal, body);
    return revoked.ok ? ok(json(revoked.value)) : revoked;
  },
);
