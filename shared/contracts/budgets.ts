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

/** Percentages of the limit. Each raises `budget.threshold_reached` once a window. */
const thresholds = z
  .array(z.number().int().min(1).max(100))
  .max(10)
  .refine((list) => new Set(list).size === list.length, 'names a threshold twice')
  .transform((list) => list.toSorted((a, b) => a - b));
export const onBreach = z
  .enum(['refuse', 'degrade'])
  .describe('What becomes of a run that the budget cannot bear: refused, or tried on `degrade_to`.');
const degradeTo = z.string().min(1).max(200).nullable().describe('A cheaper model: its id, or an alias.');

/** Degrading needs a model to degrade to, and refusing none. */
export function isWholeBreach({ on_breach, degrade_to }: Pick<Budget, 'on_breach' | 'degrade_to'>): boolean {
  return (on_breach === 'degrade') === (degrade_to !== null);
}
const breachFault = { message: '"degrade" needs a model in degrade_to, "refuse" takes none', path: ['degrade_to'] };

export const createBudget = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    limit_micros: limitMicros,
    window: budgetWindow,
    scope: budgetScope.default({}),
    thresholds: thresholds.default([]),
    on_breach: onBreach.default('refuse'),
    degrade_to: degradeTo.default(null),
  })
  .refine(isWholeBreach, breachFault);
export type CreateBudget = z.infer<typeof createBudget>;

export const updateBudget = z.strictObject({
  name: z.string().trim().min(1).max(100).optional(),
  limit_micros: limitMicros.optional(),
  thresholds: thresholds.optional(),
  on_breach: onBreach.optional(),
  degrade_to: degradeTo.optional(),
});
export type UpdateBudget = z.infer<typeof updateBudget>;

export const budget = z.object({
  object: z.literal('budget'),
  id: z.string(),
  name: z.string(),
  limit_micros: z.number().int(),
  window: budgetWindow,
  scope: budgetScope,
  thresholds: z.array(z.number().int()),
  on_breach: onBreach,
  degrade_to: z.string().nullable(),
  /** Settled in the present window. */
  spent_micros: z.number().int(),
  /** Held for runs that are admitted but not settled yet; counts as spent. */
  held_micros: z.number().int(),
  window_started_at: isoTime.nullable().describe('Null for the window `total`.'),
  window_ends_at: isoTime.nullable(),
  created_at: isoTime,
});
export type Budget = z.infer<typeof budget>;
