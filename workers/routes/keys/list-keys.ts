import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { apiKey } from '../../../shared/contracts/keys.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listKeys = tenantRoute(
  {
    method: 'GET',
    path: '/v1/keys',
    operation: 'listKeys',
    summary: 'List API keys, newest first, without their secrets.',
    tag: 'Keys',
    surface: 'native',
    permission: 'keys:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(apiKey) },
  },
  async (call, { query }) => {
    const keys = await call.tenant.keys.list(query.limit, query.cursor);
    return keys.ok ? ok(json(keys.value)) : keys;
  },
);
