import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { price } from '../../../shared/contracts/tenants.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listPrices = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/prices',
    operation: 'listPrices',
    summary: 'List the prices in force.',
    tag: 'Operator',
    surface: 'native',
    answer: { status: 200, schema: listOf(price) },
  },
  async (context) => {
    const prices = await context.objects.prices().current(context.clock.now());
    return prices.ok ? ok(json({ object: 'list', data: prices.value, has_more: false, next_cursor: null })) : prices;
  },
);
