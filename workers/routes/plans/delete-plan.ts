import { ok } from '../../../shared/core/result.ts';
import { deletedPlan } from '../../../shared/contracts/plans.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { planParams } from '../params.ts';

export const deletePlan = operatorRoute(
  {
    method: 'DELETE',
    path: '/operator/v1/plans/{plan}',
    operation: 'deletePlan',
    summary: 'Delete a plan that no tenant is on.',
    tag: 'Operator',
    surface: 'native',
    params: planParams,
    answer: { status: 200, schema: deletedPlan },
  },
  async (context, { params }) => {
    const deleted = await context.objects.plans().delete(params.plan);
    return deleted.ok ? ok(json({ object: 'plan.deleted', id: params.plan, deleted: true })) : deleted;
  },
);
