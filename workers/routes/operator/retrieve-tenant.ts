import { ok } from '../../../shared/core/result.ts';
import { tenant } from '../../../shared/contracts/tenants.ts';
import { toTenant } from '../../../shared/store/tenant-directory.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { tenantParams } from '../params.ts';
import { tenantUrl } from '../../edge/tenant-url.ts';

export const retrieveTenant = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/tenants/{tenant}',
    operation: 'retrieveTenant',
    summary: 'Retrieve a tenant.',
    tag: 'Operator',
    surface: 'native',
    params: tenantParams,
    answer: { status: 200, schema: tenant },
  },
  async (context, { params }) => {
    const found = await context.objects.directory().find(params.tenant);
    return found.ok ? ok(json(toTenant(found.value, tenantUrl(context, found.value.slug)))) : found;
  },
);
