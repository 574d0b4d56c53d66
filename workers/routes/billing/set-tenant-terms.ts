import { randomBase32 } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import { operatorActor } from '../../../shared/contracts/audit.ts';
import { setTenantTerms as setTenantTermsBody, tenantTerms } from '../../../shared/contracts/billing.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { tenantParams } from '../params.ts';
import { requireTenantId } from './require-audience.ts';

export const setTenantTerms = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/tenants/{tenant}/terms',
    operation: 'setTenantTerms',
    summary: "Set a tenant's mark-up and tax.",
    tag: 'Operator',
    surface: 'native',
    params: tenantParams,
    body: setTenantTermsBody,
    answer: { status: 201, schema: tenantTerms },
  },
  async (context, { params, body }) => {
    const tenant = await requireTenantId(context, params.tenant);
    if (!tenant.ok) return tenant;
    const id = `terms_${randomBase32(26)}`;
    const set = await context.objects.terms().setTenantTerms(id, tenant.value, body, context.clock.now());
    if (!set.ok) return set;
    const noted = await door(context.objects.tenant(tenant.value)).billing.noteTerms(set.value, operatorActor);
    return noted.ok ? ok(json(set.value, 201)) : noted;
  },
);
