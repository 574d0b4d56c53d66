import { ok } from '../../../shared/core/result.ts';
import { tenantRuns } from '../../../shared/contracts/tenants.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const stopTenant = tenantRoute(
  {
    method: 'POST',
    path: '/v1/tenant/stop',
    operation: 'stopTenant',
    summary: 'Stop all runs of the tenant at once. All else stays open.',
    tag: 'Tenant',
    surface: 'native',
    permission: 'tenant:write',
    answer: { status: 200, schema: tenantRuns },
  },
  async (call) => {
    const stopped = await call.tenant.stop(call.actor);
    return stopped.ok ? ok(json({ object: 'tenant.runs', stopped: true })) : stopped;
  },
);
