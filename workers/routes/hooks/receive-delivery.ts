import { ok } from '../../../shared/core/result.ts';
import { hookReceipt, MaxHookBytes } from '../../../shared/contracts/hooks.ts';
import { door } from '../../edge/doors.ts';
import { readBytes } from '../../edge/read-body.ts';
import { requireTenant } from '../../edge/require-tenant.ts';
import { publicRoute } from '../../http/define-route.ts';
import { raw } from '../../http/reply.ts';
import { hookParams } from '../params.ts';

/** Of the sender's headers these are nobody's business here. */
const kept = (name: string) => name !== 'cookie' && !name.startsWith('cf-');

export const receiveDelivery = publicRoute(
  {
    host: 'tenant',
    method: 'POST',
    path: '/hooks/{hook}',
    operation: 'receiveDelivery',
    summary:
      'A delivery to an inbound hook, signed as the hook expects. The same delivery again is acknowledged, once done.',
    tag: 'Hooks',
    surface: 'native',
    params: hookParams,
    rawBody: '*/*',
    answer: { status: 202, schema: hookReceipt },
  },
  async (context, { params }) => {
    const { request, platform, objects, requestId, traceparent } = context;
    const tenant = await requireTenant(context);
    if (!tenant.ok) return tenant;
    const body = await readBytes(request, Math.min(MaxHookBytes, Number(platform.MAX_BODY_BYTES)));
    if (!body.ok) return body;
    const headersKept = Object.fromEntries([...request.headers].filter(([name]) => kept(name)));
    const received = await door(objects.tenant(tenant.value)).hooks.receive(
      params.hook,
      { headers: headersKept, body: new Uint8Array(body.value) },
      { requestId, traceparent },
    );
    if (!received.ok) return received;
    const { status, body: answer, receipt } = received.value;
    context.event['hook'] = params.hook;
    context.event['delivery'] = receipt.delivery;
    context.event['duplicate'] = receipt.duplicate;
    const headers = { 'x-request-id': requestId };
    return ok(
      raw(answer === undefined ? new Response(null, { status, headers }) : Response.json(answer, { status, headers })),
    );
  },
);
