import { ok } from '../../../shared/core/result.ts';
import { alert } from '../../../shared/contracts/alerts.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { alertParams } from '../params.ts';

export const retrieveAlert = tenantRoute(
  {
    method: 'GET',
    path: '/v1/alerts/{alert}',
    operation: 'retrieveAlert',
    summary: 'Retrieve an alert and how it stands.',
    tag: 'Telemetry',
    surface: 'native',
    permission: 'telemetry:read',
    params: alertParams,
    answer: { status: 200, schema: alert },
  },
  async (call, { params }) => {
    const found = await call.tenant.alerts.find(params.alert);
    return found.ok ? ok(json(found.value)) : found;
  },
);
