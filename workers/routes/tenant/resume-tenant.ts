import { ok } from '../../../shared/core/result.ts';
import { tenantRuns } from '../../../shared/contracts/tenants.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const resumeTenant = tenantRoute(
  {
    method: 'POST',
    path: '/v1/tenant/resume',
    operation: 'resumeTenant',
    summary: 'Let the tenant run again.',
    tag: 'Tenant',
    surface: 'native',
    permission: 'tenant:write',
    answer: { status: 200, schema: tenantRuns },
  },
  async (call) => {
    const resumed = await call.tenant.resume(call.actor);
    return resumed.ok ? ok(json({ object: 'tenant.runs', stopped: false })) : resumed;
  },
);
