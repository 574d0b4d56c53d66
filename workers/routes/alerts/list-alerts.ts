import { ok } from '../../../shared/core/result.ts';
import { alert } from '../../../shared/contracts/alerts.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listAlerts = tenantRoute(
  {
    method: 'GET',
    path: '/v1/alerts',
    operation: 'listAlerts',
    summary: 'List alerts and how each stands.',
    tag: 'Telemetry',
    surface: 'native',
    permission: 'telemetry:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(alert) },
  },
  async (call, { query }) => {
    const alerts = await call.tenant.alerts.list(query.limit, query.cursor);
    return alerts.ok ? ok(json(alerts.value)) : alerts;
  },
);
