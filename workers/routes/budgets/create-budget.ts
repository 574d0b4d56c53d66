import { ok } from '../../../shared/core/result.ts';
import { budget, createBudget as createBudgetBody } from '../../../shared/contracts/budgets.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const createBudget = tenantRoute(
  {
    method: 'POST',
    path: '/v1/budgets',
    operation: 'createBudget',
    summary: 'Create a budget. It counts from now on.',
    tag: 'Budgets',
    surface: 'native',
    permission: 'budgets:write',
    idempotent: true,
    body: createBudgetBody,
    answer: { status: 201, schema: budget },
  },
  async (call, { body }) => {
    const created = await call.tenant.budgets.create(call.mint('budget'), body, call.actor);
    return created.ok ? ok(json(created.value, 201)) : created;
  },
);
