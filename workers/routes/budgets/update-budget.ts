import { ok } from '../../../shared/core/result.ts';
import { budget, updateBudget as updateBudgetBody } from '../../../shared/contracts/budgets.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { budgetParams } from '../params.ts';

export const updateBudget = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/budgets/{budget}',
    operation: 'updateBudget',
    summary: 'Rename a budget or change its limit.',
    tag: 'Budgets',
    surface: 'native',
    permission: 'budgets:write',
    params: budgetParams,
    body: updateBudgetBody,
    answer: { status: 200, schema: budget },
  },
  async (call, { params, body }) => {
    const updated = await call.tenant.budgets.update(params.budget, body, call.actor);
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
