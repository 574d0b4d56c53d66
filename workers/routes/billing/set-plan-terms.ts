import { randomBase32 } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import { planTerms, setPlanTerms as setPlanTermsBody } from '../../../shared/contracts/billing.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const setPlanTerms = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/plan_terms',
    operation: 'setPlanTerms',
    summary: 'Set what a plan costs a month, and what its fee includes.',
    tag: 'Operator',
    surface: 'native',
    body: setPlanTermsBody,
    answer: { status: 201, schema: planTerms },
  },
  async (context, { body }) => {
    const set = await context.objects.terms().setPlanTerms(`terms_${randomBase32(26)}`, body, context.clock.now());
    return set.ok ? ok(json(set.value, 201)) : set;
  },
);
