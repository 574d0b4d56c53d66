import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { bridge } from '../../../shared/contracts/bridges.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { door } from '../../edge/doors.ts';

export const listBridges = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/bridges',
    operation: 'listBridges',
    summary: 'List bridges and the models that they serve.',
    tag: 'Operator',
    surface: 'native',
    answer: { status: 200, schema: listOf(bridge) },
  },
  async (context) => {
    const bridges = await door(context.objects.nodePool()).list();
    return bridges.ok ? ok(json({ object: 'list', data: bridges.value, has_more: false, next_cursor: null })) : bridges;
  },
);
