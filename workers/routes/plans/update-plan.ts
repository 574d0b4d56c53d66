import { ok } from '../../../shared/core/result.ts';
import { plan, updatePlan as updatePlanBody } from '../../../shared/contracts/plans.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { planParams } from '../params.ts';
import { tellTenants } from './tell-tenants.ts';

export const updatePlan = operatorRoute(
  {
    method: 'PATCH',
    path: '/operator/v1/plans/{plan}',
    operation: 'updatePlan',
    summary: 'Update a plan. Takes effect at once for every tenant that is on it.',
    tag: 'Operator',
    surface: 'native',
    params: planParams,
    body: updatePlanBody,
    answer: { status: 200, schema: plan },
  },
  async (context, { params, body }) => {
    const updated = await context.objects.plans().update(params.plan, body, context.clock.now());
    if (!updated.ok) return updated;
    const told = await tellTenants(context, updated.value);
    return told.ok ? ok(json(updated.value)) : told;
  },
);
