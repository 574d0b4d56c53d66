import { ok } from '../../../shared/core/result.ts';
import { alertIncident } from '../../../shared/contracts/alerts.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { alertParams } from '../params.ts';

export const listAlertIncidents = tenantRoute(
  {
    method: 'GET',
    path: '/v1/alerts/{alert}/incidents',
    operation: 'listAlertIncidents',
    summary: 'List when an alert has fired, the latest first.',
    tag: 'Telemetry',
    surface: 'native',
    permission: 'telemetry:read',
    params: alertParams,
    query: pageQuery,
    answer: { status: 200, schema: listOf(alertIncident) },
  },
  async (call, { params, query }) => {
    const incidents = await call.tenant.alerts.incidents(params.alert, query.limit, query.cursor);
    return incidents.ok ? ok(json(incidents.value)) : incidents;
  },
);
