import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { budget } from '../../../shared/contracts/budgets.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listBudgets = tenantRoute(
  {
    method: 'GET',
    path: '/v1/budgets',
    operation: 'listBudgets',
    summary: 'List budgets with what is spent and held.',
    tag: 'Budgets',
    surface: 'native',
    permission: 'budgets:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(budget) },
  },
  async (call, { query }) => {
    const budgets = await call.tenant.budgets.list(query.limit, query.cursor);
    return budgets.ok ? ok(json(budgets.value)) : budgets;
  },
);
