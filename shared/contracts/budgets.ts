/** Budgets: the most that a part of a tenant may spend in a window of time. Money is integer micro-USD. */
import { z } from 'zod';
import { environment } from './agents.ts';
import { isoTime, slug } from './common.ts';

export const budgetWindow = z.enum(['day', 'week', 'month', 'total']);
export type BudgetWindow = z.infer<typeof budgetWindow>;

/**
 * What a budget covers: everything (`{}`), one project, environment, agent (id) or key (id), or each single run.
 * Exactly one member, or none: a narrower limit is another budget, and all that apply must hold.
 */
export const budgetScope = z
  .strictObject({
    project: slug.optional(),
    environment: environment.optional(),
    agent: z.string().min(1).max(100).optional(),
    key: z.string().min(1).max(100).optional(),
    run: z.literal(true).optional(),
  })
  .refine((scope) => Object.keys(scope).length <= 1, 'name one of project, environment, agent, key, run, or none');
export type BudgetScope = z.infer<typeof budgetScope>;

/** Beyond what any tenant spends, and far inside the safe integers. */
const MaxLimitMicros = 1_000_000_000_000_000;
const limitMicros = z.number().int().min(0).max(MaxLimitMicros);

export const createBudget = z.strictObject({
  name: z.string().trim().min(1).max(100),
  limit_micros: limitMicros,
  window: budgetWindow,
  scope: budgetScope.default({}),
});
export type CreateBudget = z.infer<typeof createBudget>;

export const updateBudget = z.strictObject({
  name: z.string().trim().min(1).max(100).optional(),
  limit_micros: limitMicros.optional(),
});
export type UpdateBudget = z.infer<typeof updateBudget>;

export const budget = z.object({
  object: z.literal('budget'),
  id: z.string(),
  name: z.string(),
  limit_micros: z.number().int(),
  window: budgetWindow,
  scope: budgetScope,
  /** Settled in the present window. */
  spent_micros: z.number().int(),
  /** Held for runs that are admitted but not settled yet; counts as spent. */
  held_micros: z.number().int(),
  window_started_at: isoTime.nullable().describe('Null for the window `total`.'),
  window_ends_at: isoTime.nullable(),
  created_at: isoTime,
});
export type Budget = z.infer<typeof budget>;
