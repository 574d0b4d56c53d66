import { ok } from '../../../shared/core/result.ts';
import { plan } from '../../../shared/contracts/plans.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { planParams } from '../params.ts';

export const retrievePlan = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/plans/{plan}',
    operation: 'retrievePlan',
    summary: 'Retrieve a plan.',
    tag: 'Operator',
    surface: 'native',
    params: planParams,
    answer: { status: 200, schema: plan },
  },
  async (context, { params }) => {
    const found = await context.objects.plans().find(params.plan);
    return found.ok ? ok(json(found.value)) : found;
  },
);
