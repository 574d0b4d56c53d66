import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { budgetParams } from '../params.ts';

const deletedBudget = z.object({ object: z.literal('budget.deleted'), id: z.string(), deleted: z.literal(true) });

export const deleteBudget = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/budgets/{budget}',
    operation: 'deleteBudget',
    summary: 'Delete a budget.',
    tag: 'Budgets',
    surface: 'native',
    permission: 'budgets:write',
    params: budgetParams,
    answer: { status: 200, schema: deletedBudget },
  },
  async (call, { params: { budget: id } }) => {
    const deleted = await call.tenant.budgets.delete(id, call.actor);
    return deleted.ok ? ok(json({ object: 'budget.deleted', id, deleted: true })) : deleted;
  },
);
