import { ok } from '../../../shared/core/result.ts';
import { alert, updateAlert as updateAlertBody } from '../../../shared/contracts/alerts.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { alertParams } from '../params.ts';

export const updateAlert = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/alerts/{alert}',
    operation: 'updateAlert',
    summary: 'Change an alert, or switch it off or on.',
    tag: 'Telemetry',
    surface: 'native',
    permission: 'telemetry:write',
    params: alertParams,
    body: updateAlertBody,
    answer: { status: 200, schema: alert },
  },
  async (call, { params, body }) => {
    const updated = await call.tenant.alerts.update(params.alert, body, call.actor);
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
