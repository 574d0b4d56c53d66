import { ok } from '../../../shared/core/result.ts';
import { tenant } from '../../../shared/contracts/tenants.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { tenantParams } from '../params.ts';
import { setTenantStatus } from './set-tenant-status.ts';

export const suspendTenant = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/tenants/{tenant}/suspend',
    operation: 'suspendTenant',
    summary: 'Suspend a tenant: it is refused everywhere within one second.',
    tag: 'Operator',
    surface: 'native',
    params: tenantParams,
    answer: { status: 200, schema: tenant },
  },
  async (context, { params }) => {
    const changed = await setTenantStatus(context, params.tenant, 'suspended');
    return changed.ok ? ok(json(changed.value)) : changed;
  },
);
