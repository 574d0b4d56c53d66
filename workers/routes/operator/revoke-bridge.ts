import { isId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { bridge } from '../../../shared/contracts/bridges.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { bridgeParams } from '../params.ts';

export const revokeBridge = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/bridges/{bridge}/revoke',
    operation: 'revokeBridge',
    summary: 'Revoke a bridge, for good: its tunnel is cut and no job goes to it any more.',
    tag: 'Operator',
    surface: 'native',
    params: bridgeParams,
    answer: { status: 200, schema: bridge },
  },
  async (context, { params }) => {
    if (!isId('bridge', params.bridge)) return err('not_found');
    const revoked = await door(context.objects.nodePool()).revoke(params.bridge);
    if (!revoked.ok) return revoked;
    const cut = await door(context.objects.tunnel(params.bridge)).cut('revoked');
    return cut.ok ? ok(json(revoked.value)) : cut;
  },
);
