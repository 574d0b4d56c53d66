import { randomBase32 } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import { price, setPrice as setPriceBody } from '../../../shared/contracts/tenants.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { requireAudience } from '../billing/require-audience.ts';

export const setPrice = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/prices',
    operation: 'setPrice',
    summary: 'Set the price of a model, or of every other model with `*`. Takes effect at once.',
    tag: 'Operator',
    surface: 'native',
    body: setPriceBody,
    answer: { status: 201, schema: price },
  },
  async (context, { body }) => {
    const known = await requireAudience(context, body);
    if (!known.ok) return known;
    const set = await context.objects.prices().set(`price_${randomBase32(26)}`, body, context.clock.now());
    return set.ok ? ok(json(set.value, 201)) : set;
  },
);
