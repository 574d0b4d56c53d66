import { randomBase32 } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import { rate, setRate as setRateBody } from '../../../shared/contracts/billing.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { requireAudience } from './require-audience.ts';

export const setRate = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/rates',
    operation: 'setRate',
    summary: 'Set the rate of a SKU: for everybody, a plan or a tenant. Takes effect at once.',
    tag: 'Operator',
    surface: 'native',
    body: setRateBody,
    answer: { status: 201, schema: rate },
  },
  async (context, { body }) => {
    const known = await requireAudience(context, body);
    if (!known.ok) return known;
    const set = await context.objects.terms().setRate(`rate_${randomBase32(26)}`, body, context.clock.now());
    return set.ok ? ok(json(set.value, 201)) : set;
  },
);
