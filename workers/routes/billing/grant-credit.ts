import { ok } from '../../../shared/core/result.ts';
import { operatorActor } from '../../../shared/contracts/audit.ts';
import { credit, grantCredit as grantCreditBody } from '../../../shared/contracts/billing.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { tenantParams } from '../params.ts';
import { requireTenantId } from './require-audience.ts';

export const grantCredit = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/tenants/{tenant}/credits',
    operation: 'grantCredit',
    summary: 'Grant a tenant a credit, which its next invoices use up.',
    tag: 'Operator',
    surface: 'native',
    params: tenantParams,
    body: grantCreditBody,
    answer: { status: 201, schema: credit },
  },
  async (context, { params, body }) => {
    const tenant = await requireTenantId(context, params.tenant);
    if (!tenant.ok) return tenant;
    const done = await door(context.objects.tenant(tenant.value)).billing.grantCredit(body, operatorActor);
    return done.ok ? ok(json(done.value, 201)) : done;
  },
);
