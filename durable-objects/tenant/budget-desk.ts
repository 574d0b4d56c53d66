/** What is done to a tenant's budgets: each change and its entry in the audit trail are one. */
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { BudgetId } from '../../shared/core/ids.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { Budget, CreateBudget, UpdateBudget } from '../../shared/contracts/budgets.ts';
import type { AuditNote, AuditTrail } from './audit-trail.ts';
import type { BudgetStore } from './budget-store.ts';

const noBudget = () => err('not_found', 'There is no such budget.');

export class BudgetDesk {
  readonly #budgets: BudgetStore;
  readonly #trail: AuditTrail;

  constructor(budgets: BudgetStore, trail: AuditTrail) {
    this.#budgets = budgets;
    this.#trail = trail;
  }

  /** A repeated run of the same request finds the budget, and enters nothing. */
  create(id: BudgetId, budget: CreateBudget, actor: AuditActor, now: number): Result<Budget> {
    const isNew = this.#budgets.find(id, now) === undefined;
    return this.#trail.change(
      actor,
      'budget.created',
      () => ok(this.#budgets.create(id, budget, now)),
      (made) => (isNew ? noteBudget(made) : undefined),
    );
  }

  update(id: string, change: UpdateBudget, actor: AuditActor, now: number): Result<Budget> {
    return this.#trail.change(
      actor,
      'budget.updated',
      () => {
        this.#budgets.update(id, change);
        const updated = this.#budgets.find(id, now);
        return updated ? ok(updated) : noBudget();
      },
      noteBudget,
    );
  }

  delete(id: string, actor: AuditActor): Result<undefined> {
    return this.#trail.change(
      actor,
      'budget.deleted',
      () => (this.#budgets.delete(id) ? ok() : noBudget()),
      () => ({ target: id }),
    );
  }
}

function noteBudget({ id, limit_micros, window }: Budget): AuditNote {
  return { target: id, details: { limit_micros, window } };
}
