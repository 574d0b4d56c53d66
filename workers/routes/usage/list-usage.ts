import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { usageQuery, usageRow } from '../../../shared/contracts/usage.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listUsage = tenantRoute(
  {
    method: 'GET',
    path: '/v1/usage',
    operation: 'listUsage',
    summary: 'Sum up what was used, by day, key, agent or model.',
    tag: 'Usage',
    surface: 'native',
    permission: 'usage:read',
    query: usageQuery,
    answer: { status: 200, schema: listOf(usageRow) },
  },
  async (call, { query }) => {
    const from = query.from === undefined ? 0 : Date.parse(query.from);
    const to = query.to === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(query.to);
    const rows = await call.tenant.usage(query.group_by, from, to);
    return rows.ok ? ok(json({ object: 'list', data: rows.value, has_more: false, next_cursor: null })) : rows;
  },
);
