/** All SQL about limits on use: those of keys, and how many requests and tokens were granted in each of the last seconds. */
import { oldestLive, type RateMeter } from '../../shared/core/rate-window.ts';
import type { RateLimit } from '../../shared/contracts/keys.ts';

export type Measure = 'requests' | 'tokens';
/** A key's id, or the tenant as a whole. */
export type LimitedSubject = string;
export const WholeTenant: LimitedSubject = 'tenant';

type LimitRow = {
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
  concurrent_runs: number | null;
};

export class RateStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  setLimits(keyId: string, limits: RateLimit | null): void {
    if (limits === null) this.#sql.exec('DELETE FROM key_limits WHERE key_id = ?', keyId);
    else
      this.#sql.exec(
        `INSERT OR REPLACE INTO key_limits (key_id, requests_per_minute, tokens_per_minute, concurrent_runs)
         VALUES (?, ?, ?, ?)`,
        keyId,
        limits.requests_per_minute ?? null,
        limits.tokens_per_minute ?? null,
        limits.concurrent_runs ?? null,
      );
  }

  findLimits(keyId: string): RateLimit | undefined {
    const row = this.#sql
      .exec<LimitRow>(
        'SELECT requests_per_minute, tokens_per_minute, concurrent_runs FROM key_limits WHERE key_id = ?',
        keyId,
      )
      .toArray()[0];
    return row && (Object.fromEntries(Object.entries(row).filter(([, limit]) => limit !== null)) as RateLimit);
  }

  meter(subject: LimitedSubject, measure: Measure, limit: number): RateMeter {
    const buckets = this.#sql
      .exec<{ second: number; count: number }>(
        'SELECT second, count FROM rate_uses WHERE subject = ? AND measure = ?',
        subject,
        measure,
      )
      .toArray();
    return { buckets, limit };
  }

  add(subject: LimitedSubject, measure: Measure, second: number, amount: number): void {
    this.#sql.exec(
      `INSERT INTO rate_uses (subject, measure, second, count) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (subject, measure, second) DO UPDATE SET count = count + ?4`,
      subject,
      measure,
      second,
      amount,
    );
    this.#sql.exec(
      'DELETE FROM rate_uses WHERE subject = ? AND measure = ? AND second < ?',
      subject,
      measure,
      oldestLive(second),
    );
  }

  /** What was granted and not used. A negative amount counts what was used beyond. */
  giveBack(subject: LimitedSubject, measure: Measure, second: number, amount: number): void {
    this.#sql.exec(
      'UPDATE rate_uses SET count = MAX(0, count - ?) WHERE subject = ? AND measure = ? AND second = ?',
      amount,
      subject,
      measure,
      second,
    );
  }
}
