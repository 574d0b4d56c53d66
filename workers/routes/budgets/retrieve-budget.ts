import { ok } from '../../../shared/core/result.ts';
import { budget } from '../../../shared/contracts/budgets.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { budgetParams } from '../params.ts';

export const retrieveBudget = tenantRoute(
  {
    method: 'GET',
    path: '/v1/budgets/{budget}',
    operation: 'retrieveBudget',
    summary: 'Retrieve a budget.',
    tag: 'Budgets',
    surface: 'native',
    permission: 'budgets:read',
    params: budgetParams,
    answer: { status: 200, schema: budget },
  },
  async (call, { params }) => {
    const found = await call.tenant.budgets.find(params.budget);
    return found.ok ? ok(json(found.value)) : found;
  },
);
