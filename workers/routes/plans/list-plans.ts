import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { plan } from '../../../shared/contracts/plans.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listPlans = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/plans',
    operation: 'listPlans',
    summary: 'List plans.',
    tag: 'Operator',
    surface: 'native',
    query: pageQuery,
    answer: { status: 200, schema: listOf(plan) },
  },
  async (context, { query }) => {
    const plans = await context.objects.plans().list(query.limit, query.cursor);
    return plans.ok ? ok(json(plans.value)) : plans;
  },
);
