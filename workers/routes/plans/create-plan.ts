import { ok } from '../../../shared/core/result.ts';
import { createPlan as createPlanBody, plan } from '../../../shared/contracts/plans.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const createPlan = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/plans',
    operation: 'createPlan',
    summary: 'Create a plan.',
    tag: 'Operator',
    surface: 'native',
    body: createPlanBody,
    answer: { status: 201, schema: plan },
  },
  async (context, { body }) => {
    const created = await context.objects.plans().create(body, context.clock.now());
    return created.ok ? ok(json(created.value, 201)) : created;
  },
);
