import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { secret } from '../../../shared/contracts/secrets.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listSecrets = tenantRoute(
  {
    method: 'GET',
    path: '/v1/secrets',
    operation: 'listSecrets',
    summary: 'List secrets by name, without their values.',
    tag: 'Secrets',
    surface: 'native',
    permission: 'secrets:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(secret) },
  },
  async (call, { query }) => {
    const secrets = await call.tenant.vault.list(query.limit, query.cursor);
    return secrets.ok ? ok(json(secrets.value)) : secrets;
  },
);
