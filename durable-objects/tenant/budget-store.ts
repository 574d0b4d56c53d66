/**
 * All SQL about budgets and the leases that hold money against them. What is spent in a window and what is held are
 * sums kept here; a window only ever moves forward, so a clock that jumps back refunds nothing.
 */
import { toIso } from '../../shared/core/clock.ts';
import type { BudgetId, LeaseId } from '../../shared/core/ids.ts';
import type { Budget, BudgetScope, BudgetWindow, CreateBudget, UpdateBudget } from '../../shared/contracts/budgets.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import { windowEnd, windowStart } from './budget-window.ts';
import { covers, type BudgetState, type Spender } from './spending.ts';

type BudgetRow = {
  id: BudgetId;
  name: string;
  limit_micros: number;
  window: BudgetWindow;
  scope: string;
  window_start: number;
  spent_micros: number;
  created_at: number;
};
type LeaseRow = Spender & { id: LeaseId; held_micros: number };

/** A lease that nobody has settled or returned for so long belongs to an isolate and to runs that are gone. */
const LeaseLifeMs = 24 * 60 * 60 * 1000;

export class BudgetStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  create(id: BudgetId, budget: CreateBudget, now: number): Budget {
    this.#sql.exec(
      'INSERT OR IGNORE INTO budgets VALUES (?, ?, ?, ?, ?, ?, 0, ?)',
      id,
      budget.name,
      budget.limit_micros,
      budget.window,
      JSON.stringify(budget.scope),
      windowStart(budget.window, now),
      now,
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

  update(id: string, change: UpdateBudget): void {
    this.#sql.exec(
      'UPDATE budgets SET name = COALESCE(?, name), limit_micros = COALESCE(?, limit_micros) WHERE id = ?',
      change.name ?? null,
      change.limit_micros ?? null,
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

  hold(id: LeaseId, spender: Spender, micros: number, now: number): void {
    this.#sql.exec('DELETE FROM leases WHERE granted_at < ?', now - LeaseLifeMs);
    const { project, environment, agent, key } = spender;
    this.#sql.exec(
      'INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, 0)',
      id,
      project,
      environment,
      agent,
      key,
      micros,
      now,
    );
  }

  /** Gives back what a lease has left when its holder is done with it: once, whatever arrives twice. */
  giveBack(id: LeaseId, micros: number): void {
    const first = this.#sql.exec('UPDATE leases SET returned = 1 WHERE id = ? AND returned = 0', id).rowsWritten > 0;
    if (first) this.release(id, micros);
  }

  /** A run no longer needs what was held for it. */
  release(id: LeaseId, micros: number): void {
    this.#sql.exec('UPDATE leases SET held_micros = MAX(0, held_micros - ?) WHERE id = ?', micros, id);
    this.#sql.exec('DELETE FROM leases WHERE id = ? AND held_micros = 0', id);
  }

  spend(spender: Spender, micros: number, now: number): void {
    for (const { id, scope } of this.#rows(now)) {
      if (!covers(JSON.parse(scope) as BudgetScope, spender)) continue;
      this.#sql.exec('UPDATE budgets SET spent_micros = spent_micros + ? WHERE id = ?', micros, id);
    }
  }

  /** A run that may or may not have reached its bridge: held until it can no longer come back. */
  noteLost(run: string, lease: LeaseId, micros: number, releaseAt: number): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO lost_runs (run, lease, micros, release_at) VALUES (?, ?, ?, ?)',
      run,
      lease,
      micros,
      releaseAt,
    );
  }

  /** Releases what lost runs held whose time is over. */
  releaseLost(now: number): void {
    const over = this.#sql
      .exec<{ run: string; lease: LeaseId; micros: number }>(
        'SELECT run, lease, micros FROM lost_runs WHERE released = 0 AND release_at <= ?',
        now,
      )
      .toArray();
    for (const { run, lease, micros } of over) {
      this.release(lease, micros);
      this.#sql.exec('UPDATE lost_runs SET released = 1 WHERE run = ?', run);
    }
    this.#sql.exec('DELETE FROM lost_runs WHERE release_at < ?', now - LeaseLifeMs);
  }

  /** A lost run has come back with a receipt. True where its lease still holds for it. */
  findLost(run: string): boolean {
    const row = this.#sql.exec<{ released: number }>('SELECT released FROM lost_runs WHERE run = ?', run).toArray()[0];
    if (row) this.#sql.exec('DELETE FROM lost_runs WHERE run = ?', run);
    return row?.released !== 1;
  }

  /** Every budget, its window brought up to now. */
  #rows(now: number): BudgetRow[] {
    return this.#sql
      .exec<BudgetRow>('SELECT * FROM budgets ORDER BY id')
      .toArray()
      .map((row) => {
        const start = windowStart(row.window, now);
        if (start <= row.window_start) return row;
        this.#sql.exec('UPDATE budgets SET window_start = ?, spent_micros = 0 WHERE id = ?', start, row.id);
        return { ...row, window_start: start, spent_micros: 0 };
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
      heldMicros: this.#held(scope),
    };
  }

  #held(scope: BudgetScope): number {
    return this.#sql
      .exec<LeaseRow>('SELECT * FROM leases')
      .toArray()
      .reduce((sum, lease) => (covers(scope, lease) ? sum + lease.held_micros : sum), 0);
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
      spent_micros: spentMicros,
      held_micros: heldMicros,
      window_started_at: end === undefined ? null : toIso(row.window_start),
      window_ends_at: end === undefined ? null : toIso(end),
      created_at: toIso(row.created_at),
    };
  }
}
