import { ok } from '../../../shared/core/result.ts';
import { planTerms } from '../../../shared/contracts/billing.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listPlanTerms = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/plan_terms',
    operation: 'listPlanTerms',
    summary: 'List the terms in force of every plan that has some.',
    tag: 'Operator',
    surface: 'native',
    answer: { status: 200, schema: listOf(planTerms) },
  },
  async (context) => {
    const terms = await context.objects.terms().currentPlanTerms(context.clock.now());
    return terms.ok ? ok(json({ object: 'list', data: terms.value, has_more: false, next_cursor: null })) : terms;
  },
);
