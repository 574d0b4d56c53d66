import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { ownPrice } from '../../../shared/contracts/tenants.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listOwnPrices = tenantRoute(
  {
    method: 'GET',
    path: '/v1/prices',
    operation: 'listOwnPrices',
    summary: 'List the prices, rates and terms that count for this tenant.',
    tag: 'Billing',
    surface: 'native',
    permission: 'usage:read',
    answer: { status: 200, schema: listOf(ownPrice) },
  },
  async (call) => {
    const prices = await call.tenant.billing.prices();
    return prices.ok ? ok(json({ object: 'list', data: prices.value, has_more: false, next_cursor: null })) : prices;
  },
);
