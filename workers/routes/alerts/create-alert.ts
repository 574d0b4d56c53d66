import { ok } from '../../../shared/core/result.ts';
import { alert, createAlert as createAlertBody } from '../../../shared/contracts/alerts.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const createAlert = tenantRoute(
  {
    method: 'POST',
    path: '/v1/alerts',
    operation: 'createAlert',
    summary: 'Create an alert. It is looked at every half minute.',
    tag: 'Telemetry',
    surface: 'native',
    permission: 'telemetry:write',
    idempotent: true,
    body: createAlertBody,
    answer: { status: 201, schema: alert },
  },
  async (call, { body }) => {
    const created = await call.tenant.alerts.create(call.mint('alert'), body, call.actor);
    return created.ok ? ok(json(created.value, 201)) : created;
  },
);
