import { err, ok } from '../../../shared/core/result.ts';
import { tenant, updateTenant as updateTenantBody } from '../../../shared/contracts/tenants.ts';
import { toTenant } from '../../../shared/store/tenant-directory.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { tenantParams } from '../params.ts';
import { requirePlan } from '../plans/require-plan.ts';
import { tellTenant } from '../plans/tell-tenants.ts';
import { tenantUrl } from '../../edge/tenant-url.ts';

export const updateTenant = operatorRoute(
  {
    method: 'PATCH',
    path: '/operator/v1/tenants/{tenant}',
    operation: 'updateTenant',
    summary: "Change a tenant's name, its plan, or where it departs from the plan. Takes effect at once.",
    tag: 'Operator',
    surface: 'native',
    params: tenantParams,
    body: updateTenantBody,
    answer: { status: 200, schema: tenant },
  },
  async (context, { params, body }) => {
    const directory = context.objects.directory();
    const found = await directory.find(params.tenant);
    if (!found.ok) return found;
    if (found.value.status === 'deleting') return err('conflict', 'The tenant is being deleted.');
    const plan = await requirePlan(context, body.plan ?? found.value.plan);
    if (!plan.ok) return plan;
    const given = Object.entries(body).filter(([, value]) => value !== undefined);
    const updated = await directory.update(found.value.id, Object.fromEntries(given));
    if (!updated.ok) return updated;
    const told = await tellTenant(context, updated.value, plan.value);
    return told.ok ? ok(json(toTenant(updated.value, tenantUrl(context, updated.value.slug)))) : told;
  },
);
