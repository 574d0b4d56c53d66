import { ok } from '../../../shared/core/result.ts';
import { inferenceNode } from '../../../shared/contracts/nodes.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { nodeParams } from '../params.ts';

export const drainNode = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/bridges/{bridge}/nodes/{node}/drain',
    operation: 'drainNode',
    summary: 'Drain a node: it gets no more jobs, and finishes those that it has.',
    tag: 'Operator',
    surface: 'native',
    params: nodeParams,
    answer: { status: 200, schema: inferenceNode },
  },
  async (context, { params }) => {
    const node = await door(context.objects.nodePool()).drainNode(params.bridge, params.node, true);
    return node.ok ? ok(json(node.value)) : node;
  },
);
