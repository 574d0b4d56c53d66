import { ok } from '../../../shared/core/result.ts';
import { bridge, registerBridge as registerBridgeBody } from '../../../shared/contracts/tenants.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { door } from '../../edge/doors.ts';

export const registerBridge = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/bridges',
    operation: 'registerBridge',
    summary: 'Register a bridge with its public key. The same id again moves its address or key.',
    tag: 'Operator',
    surface: 'native',
    body: registerBridgeBody,
    answer: { status: 201, schema: bridge },
  },
  async (context, { body }) => {
    const pool = door(context.objects.nodePool());
    const registered = await pool.register(body);
    return registered.ok ? ok(json(registered.value, 201)) : registered;
  },
);
