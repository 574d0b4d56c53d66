/**
 * All SQL about leases: what is held for runs that are admitted and not settled yet. A lease holds money, tokens of a
 * minute and runs in flight for one spender; runs draw on it and their receipts release what each was given.
 */
import type { LeaseId } from '../../shared/core/ids.ts';
import type { BudgetScope } from '../../shared/contracts/budgets.ts';
import { MaxRunMs } from '../../shared/inference/reservation.ts';
import { covers, type Amounts, type Spender } from './spending.ts';

type LeaseRow = Spender & {
  id: LeaseId;
  held_micros: number;
  held_tokens: number;
  held_runs: number;
  token_second: number | null;
};
/** Whether what it held has been released already. */
export type LostRun = { readonly released: boolean };

/** A lease that nobody has settled or returned for so long belongs to an isolate and to runs that are gone. */
const LeaseLifeMs = 24 * 60 * 60 * 1000;

export class LeaseStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  hold(id: LeaseId, spender: Spender, held: Amounts, tokenSecond: number | null, now: number): void {
    this.#sql.exec('DELETE FROM leases WHERE granted_at < ?', now - LeaseLifeMs);
    const { project, environment, agent, key } = spender;
    this.#sql.exec(
      `INSERT INTO leases (id, project, environment, agent, key, held_micros, held_tokens, held_runs, token_second, granted_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      project,
      environment,
      agent,
      key,
      held.micros,
      held.tokens,
      held.runs,
      tokenSecond,
      now,
    );
  }

  /** Ends a lease's lending when its holder is done with it. False where that has happened before. */
  markReturned(id: LeaseId): boolean {
    return this.#sql.exec('UPDATE leases SET returned = 1 WHERE id = ? AND returned = 0', id).rowsWritten > 0;
  }

  /** What was held and is no longer needed. */
  release(id: LeaseId, { micros, tokens, runs }: Amounts): void {
    this.#sql.exec(
      `UPDATE leases SET held_micros = MAX(0, held_micros - ?), held_tokens = MAX(0, held_tokens - ?),
         held_runs = MAX(0, held_runs - ?) WHERE id = ?`,
      micros,
      tokens,
      runs,
      id,
    );
    this.#sql.exec('DELETE FROM leases WHERE id = ? AND held_micros = 0 AND held_tokens = 0 AND held_runs = 0', id);
  }

  /** In which second the lease's tokens were counted, and against which key. */
  findTokens(id: LeaseId): { readonly second: number; readonly key: string | null } | undefined {
    const row = this.#sql
      .exec<{ token_second: number | null; key: string | null }>(
        'SELECT token_second, key FROM leases WHERE id = ?',
        id,
      )
      .toArray()[0];
    return row?.token_second == null ? undefined : { second: row.token_second, key: row.key };
  }

  heldMicros(scope: BudgetScope): number {
    return this.#sql
      .exec<LeaseRow>('SELECT * FROM leases')
      .toArray()
      .reduce((sum, lease) => (covers(scope, lease) ? sum + lease.held_micros : sum), 0);
  }

  /**
   * Runs in flight of one key, or with null of all. A run that is gone without a receipt is counted no longer than any
   * run can last.
   */
  heldRuns(key: string | null, now: number): number {
    return (
      this.#sql
        .exec<{ runs: number | null }>(
          'SELECT SUM(held_runs) AS runs FROM leases WHERE granted_at > ?1 AND (?2 IS NULL OR key = ?2)',
          now - MaxRunMs,
          key,
        )
        .one().runs ?? 0
    );
  }

  /** A run that may or may not have reached its bridge. False where it was noted before. */
  noteLost(run: string, lease: LeaseId, { micros, tokens }: Omit<Amounts, 'runs'>, releaseAt: number): boolean {
    return (
      this.#sql.exec(
        'INSERT OR IGNORE INTO lost_runs (run, lease, micros, tokens, release_at) VALUES (?, ?, ?, ?, ?)',
        run,
        lease,
        micros,
        tokens,
        releaseAt,
      ).rowsWritten > 0
    );
  }

  /** Releases what lost runs held whose time is over. */
  releaseLost(now: number): void {
    const over = this.#sql
      .exec<{ run: string; lease: LeaseId; micros: number; tokens: number }>(
        'SELECT run, lease, micros, tokens FROM lost_runs WHERE released = 0 AND release_at <= ?',
        now,
      )
      .toArray();
    for (const { run, lease, micros, tokens } of over) {
      this.release(lease, { micros, tokens, runs: 0 });
      this.#sql.exec('UPDATE lost_runs SET released = 1 WHERE run = ?', run);
    }
    this.#sql.exec('DELETE FROM lost_runs WHERE release_at < ?', now - LeaseLifeMs);
  }

  /** Those of the runs that were lost. They are lost no longer: their receipts are here. */
  takeLost(runs: readonly string[]): Map<string, LostRun> {
    const rows = this.#sql
      .exec<{ run: string; released: number }>(
        'SELECT run, released FROM lost_runs WHERE run IN (SELECT value FROM json_each(?))',
        JSON.stringify(runs),
      )
      .toArray();
    for (const { run } of rows) this.#sql.exec('DELETE FROM lost_runs WHERE run = ?', run);
    return new Map(rows.map(({ run, released }) => [run, { released: released === 1 }]));
  }
}
