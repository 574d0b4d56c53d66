/**
 * All SQL about budgets. What is spent in a window is a sum kept here; what is held is what the leases say. A window only
 * ever moves forward, so a clock that jumps back refunds nothing.
 */
import { toIso } from '../../shared/core/clock.ts';
import type { BudgetId } from '../../shared/core/ids.ts';
import type { Budget, BudgetScope, BudgetWindow, CreateBudget } from '../../shared/contracts/budgets.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import { windowEnd, windowStart } from './budget-window.ts';
import type { LeaseStore } from './lease-store.ts';
import { covers, findReached, type BudgetState, type Spender } from './spending.ts';

type BudgetRow = {
  id: BudgetId;
  name: string;
  limit_micros: number;
  window: BudgetWindow;
  scope: string;
  window_start: number;
  spent_micros: number;
  created_at: number;
  thresholds: string;
  on_breach: Budget['on_breach'];
  degrade_to: string | null;
  /** The highest threshold that was told of in this window. */
  told_percent: number;
};

/** A threshold that spending has passed just now. */
export type ReachedThreshold = {
  readonly budget: BudgetId;
  readonly name: string;
  readonly percent: number;
  readonly limitMicros: number;
  readonly spentMicros: number;
  readonly windowStart: number;
};

export class BudgetStore {
  readonly #sql: SqlStorage;
  readonly #leases: LeaseStore;

  constructor(sql: SqlStorage, leases: LeaseStore) {
    this.#sql = sql;
    this.#leases = leases;
  }

  create(id: BudgetId, budget: CreateBudget, now: number): Budget {
    this.#sql.exec(
      `INSERT OR IGNORE INTO budgets (id, name, limit_micros, window, scope, window_start, spent_micros, created_at,
         thresholds, on_breach, degrade_to) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`,
      id,
      budget.name,
      budget.limit_micros,
      budget.window,
      JSON.stringify(budget.scope),
      windowStart(budget.window, now),
      now,
      JSON.stringify(budget.thresholds),
      budget.on_breach,
      budget.degrade_to,
    );
    return this.find(id, now)!;
  }

  find(id: string, now: number): Budget | undefined {
    const row = this.#rows(now).find((each) => each.id === id);
    return row && this.#toBudget(row);
  }

  list(limit: number, cursor: string | undefined, now: number): List<Budget> {
    const rows = this.#rows(now).filter((row) => cursor === undefined || row.id > cursor);
    return toList(
      rows.slice(0, limit + 1).map((row) => this.#toBudget(row)),
      limit,
      (budget) => budget.id,
    );
  }

  update(id: string, budget: Omit<CreateBudget, 'window' | 'scope'>): void {
    this.#sql.exec(
      'UPDATE budgets SET name = ?, limit_micros = ?, thresholds = ?, on_breach = ?, degrade_to = ? WHERE id = ?',
      budget.name,
      budget.limit_micros,
      JSON.stringify(budget.thresholds),
      budget.on_breach,
      budget.degrade_to,
      id,
    );
  }

  delete(id: string): boolean {
    return this.#sql.exec('DELETE FROM budgets WHERE id = ?', id).rowsWritten > 0;
  }

  /** The budgets that bind this spender now. */
  applying(spender: Spender, now: number): BudgetState[] {
    return this.#rows(now)
      .map((row) => this.#toState(row))
      .filter(({ scope }) => covers(scope, spender));
  }

  /** What is spent counts for every budget that covers the spender; says which thresholds it has passed. */
  spend(spender: Spender, micros: number, now: number): ReachedThreshold[] {
    return this.#rows(now).flatMap((row) => {
      if (!covers(JSON.parse(row.scope) as BudgetScope, spender)) return [];
      const { id, name, limit_micros: limitMicros, window_start: start } = row;
      const spentMicros = row.spent_micros + micros;
      const reached = findReached(JSON.parse(row.thresholds) as number[], row.told_percent, spentMicros, limitMicros);
      this.#sql.exec(
        'UPDATE budgets SET spent_micros = ?, told_percent = ? WHERE id = ?',
        spentMicros,
        reached.at(-1) ?? row.told_percent,
        id,
      );
      return reached.map((percent) => ({ budget: id, name, percent, limitMicros, spentMicros, windowStart: start }));
    });
  }

  /** Every budget, its window brought up to now. */
  #rows(now: number): BudgetRow[] {
    return this.#sql
      .exec<BudgetRow>('SELECT * FROM budgets ORDER BY id')
      .toArray()
      .map((row) => {
        const start = windowStart(row.window, now);
        if (start <= row.window_start) return row;
        this.#sql.exec(
          'UPDATE budgets SET window_start = ?, spent_micros = 0, told_percent = 0 WHERE id = ?',
          start,
          row.id,
        );
        return { ...row, window_start: start, spent_micros: 0, told_percent: 0 };
      });
  }

  #toState(row: BudgetRow): BudgetState {
    const scope = JSON.parse(row.scope) as BudgetScope;
    return {
      id: row.id,
      name: row.name,
      scope,
      limitMicros: row.limit_micros,
      spentMicros: row.spent_micros,
      heldMicros: this.#leases.heldMicros(scope),
      degradeTo: row.on_breach === 'degrade' ? row.degrade_to : null,
    };
  }

  #toBudget(row: BudgetRow): Budget {
    const { scope, spentMicros, heldMicros } = this.#toState(row);
    const end = windowEnd(row.window, row.window_start);
    return {
      object: 'budget',
      id: row.id,
      name: row.name,
      limit_micros: row.limit_micros,
      window: row.window,
      scope,
      thresholds: JSON.parse(row.thresholds) as number[],
      on_breach: row.on_breach,
      degrade_to: row.degrade_to,
      spent_micros: spentMicros,
      held_micros: heldMicros,
      window_started_at: end === undefined ? null : toIso(row.window_start),
      window_ends_at: end === undefined ? null : toIso(end),
      created_at: toIso(row.created_at),
    };
  }
}
