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

/** What a lease holds. */
export type Amounts = { readonly micros: number; readonly tokens: number; readonly runs: number };

export type BudgetState = {
  readonly id: string;
  readonly name: string;
  readonly scope: BudgetScope;
  readonly limitMicros: number;
  readonly spentMicros: number;
  readonly heldMicros: number;
  /** Where a run that does not fit may be tried instead; null: nowhere. */
  readonly degradeTo: string | null;
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
  const breached = budgets.filter((budget) => headroomOf(budget) < needMicros);
  // Where one of them refuses outright, a cheaper model for the others helps nobody.
  const breach = breached.find(({ degradeTo }) => degradeTo === null) ?? breached[0];
  if (breach) return { kind: 'refuse', budget: breach };
  const shared = budgets.filter((budget) => !budget.scope.run);
  if (shared.length === 0) return { kind: 'free' };
  const left = Math.min(...shared.map(headroomOf));
  const generous = more ? Math.min(Math.floor(left / LeaseShare), needMicros * LeaseRuns) : 0;
  return { kind: 'hold', micros: Math.max(needMicros, generous) };
}

/** What one more run may cost. A budget for single runs has all of its limit for each. */
function headroomOf({ scope, limitMicros, spentMicros, heldMicros }: BudgetState): number {
  return scope.run ? limitMicros : limitMicros - spentMicros - heldMicros;
}

/** Runs in flight that one limit allows, and how many there are. */
export type RunMeter = { readonly inFlight: number; readonly limit: number };

/** How many runs a lease may begin; 0: none now. */
export function decideRuns(meters: readonly RunMeter[], more: boolean): number {
  const left = Math.min(...meters.map(({ inFlight, limit }) => limit - inFlight));
  if (left < 1) return 0;
  return more ? Math.max(1, Math.floor(left / LeaseShare)) : 1;
}

/** The thresholds (in percent, ascending) that this spending has passed and that were not told of in this window. */
export function findReached(
  thresholds: readonly number[],
  toldPercent: number,
  spentMicros: number,
  limitMicros: number,
): readonly number[] {
  return thresholds.filter((percent) => percent > toldPercent && spentMicros * 100 >= percent * limitMicros);
}
