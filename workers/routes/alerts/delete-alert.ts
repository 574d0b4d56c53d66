import { ok } from '../../../shared/core/result.ts';
import { deletedAlert } from '../../../shared/contracts/alerts.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { alertParams } from '../params.ts';

export const deleteAlert = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/alerts/{alert}',
    operation: 'deleteAlert',
    summary: 'Delete an alert and its history.',
    tag: 'Telemetry',
    surface: 'native',
    permission: 'telemetry:write',
    params: alertParams,
    answer: { status: 200, schema: deletedAlert },
  },
  async (call, { params: { alert: id } }) => {
    const deleted = await call.tenant.alerts.delete(id, call.actor);
    return deleted.ok ? ok(json({ object: 'alert.deleted', id, deleted: true })) : deleted;
  },
);
