import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { inferenceNode } from '../../../shared/contracts/nodes.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { door } from '../../edge/doors.ts';

export const listNodes = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/nodes',
    operation: 'listNodes',
    summary: 'List the nodes behind the bridges: state, load, and the latest changes of state.',
    tag: 'Operator',
    surface: 'native',
    answer: { status: 200, schema: listOf(inferenceNode) },
  },
  async (context) => {
    const nodes = await door(context.objects.nodePool()).listNodes();
    return nodes.ok ? ok(json({ object: 'list', data: nodes.value, has_more: false, next_cursor: null })) : nodes;
  },
);
