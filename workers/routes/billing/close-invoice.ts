import { ok } from '../../../shared/core/result.ts';
import { operatorActor } from '../../../shared/contracts/audit.ts';
import { closeInvoice as closeInvoiceBody, invoice } from '../../../shared/contracts/billing.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { requireTenantId } from './require-audience.ts';

export const closeInvoice = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/invoices/close',
    operation: 'closeInvoice',
    summary: "Close a tenant's month that is over, before it closes by itself.",
    tag: 'Operator',
    surface: 'native',
    body: closeInvoiceBody,
    answer: { status: 200, schema: invoice },
  },
  async (context, { body }) => {
    const tenant = await requireTenantId(context, body.tenant);
    if (!tenant.ok) return tenant;
    const closed = await door(context.objects.tenant(tenant.value)).billing.close(body.month, operatorActor);
    return closed.ok ? ok(json(closed.value)) : closed;
  },
);
