/**
 * The rules of spending. A lease holds an amount against every budget that applies to its spender; runs draw on it, and
 * their receipts turn what was held into what was spent. At every moment, for every budget: spent + held <= limit.
 * Pure: plain state in, plain decisions out.
 */
import type { BudgetScope } from '../../shared/contracts/budgets.ts';

/** Whose money it is: what the scope of a budget is held against. */
export type Spender = {
  readonly project: string | null;
  readonly environment: string | null;
  readonly agent: string | null;
  readonly key: string | null;
};

export type BudgetState = {
  readonly id: string;
  readonly name: string;
  readonly scope: BudgetScope;
  readonly limitMicros: number;
  readonly spentMicros: number;
  readonly heldMicros: number;
};

export function covers(scope: BudgetScope, spender: Spender): boolean {
  return (
    (scope.project === undefined || scope.project === spender.project) &&
    (scope.environment === undefined || scope.environment === spender.environment) &&
    (scope.agent === undefined || scope.agent === spender.agent) &&
    (scope.key === undefined || scope.key === spender.key)
  );
}

export type LeaseDecision =
  /** No budget applies: nothing is held. */
  | { readonly kind: 'free' }
  | { readonly kind: 'hold'; readonly micros: number }
  | { readonly kind: 'refuse'; readonly budget: BudgetState };

/** A lease is at most this share of what is left, so that one isolate cannot keep the others from the last money. */
const LeaseShare = 8;
/** And at most so many times what the run at hand needs. */
const LeaseRuns = 64;

/** How much to hold for a run that needs `needMicros`; with `more`, also for those like it that may follow at once. */
export function decideLease(budgets: readonly BudgetState[], needMicros: number, more: boolean): LeaseDecision {
  const perRun = budgets.filter((budget) => budget.scope.run);
  const tooSmall = perRun.find((budget) => needMicros > budget.limitMicros);
  if (tooSmall) return { kind: 'refuse', budget: tooSmall };
  const shared = budgets.filter((budget) => !budget.scope.run);
  if (shared.length === 0) return { kind: 'free' };
  let left = Number.POSITIVE_INFINITY;
  for (const budget of shared) {
    const headroom = budget.limitMicros - budget.spentMicros - budget.heldMicros;
    if (headroom < needMicros) return { kind: 'refuse', budget };
    left = Math.min(left, headroom);
  }
  const generous = more ? Math.min(Math.floor(left / LeaseShare), needMicros * LeaseRuns) : 0;
  return { kind: 'hold', micros: Math.max(needMicros, generous) };
}
