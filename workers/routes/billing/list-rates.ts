import { ok } from '../../../shared/core/result.ts';
import { rate } from '../../../shared/contracts/billing.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listRates = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/rates',
    operation: 'listRates',
    summary: 'List the rates in force of what is metered beside tokens.',
    tag: 'Operator',
    surface: 'native',
    answer: { status: 200, schema: listOf(rate) },
  },
  async (context) => {
    const rates = await context.objects.terms().currentRates(context.clock.now());
    return rates.ok ? ok(json({ object: 'list', data: rates.value, has_more: false, next_cursor: null })) : rates;
  },
);
