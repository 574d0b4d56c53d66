import { ok } from '../../../shared/core/result.ts';
import { operatorActor } from '../../../shared/contracts/audit.ts';
import { billingEntry, correctEntry as correctEntryBody } from '../../../shared/contracts/billing.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { tenantParams } from '../params.ts';
import { requireTenantId } from './require-audience.ts';

export const correctEntry = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/tenants/{tenant}/corrections',
    operation: 'correctEntry',
    summary: "Correct an entry of a tenant's ledger, by an entry that says the difference.",
    tag: 'Operator',
    surface: 'native',
    params: tenantParams,
    body: correctEntryBody,
    answer: { status: 201, schema: billingEntry },
  },
  async (context, { params, body }) => {
    const tenant = await requireTenantId(context, params.tenant);
    if (!tenant.ok) return tenant;
    const done = await door(context.objects.tenant(tenant.value)).billing.correct(body, operatorActor);
    return done.ok ? ok(json(done.value, 201)) : done;
  },
);
