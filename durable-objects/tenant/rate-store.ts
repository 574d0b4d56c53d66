/** All SQL about rate limits of keys: the limit, and how many requests passed in each of the last seconds. */
import { decideRate, RateWindowSeconds, type RateBucket, type RateDecision } from '../../shared/core/rate-window.ts';

export class RateStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  setLimit(keyId: string, requestsPerMinute: number | null): void {
    if (requestsPerMinute === null) this.#sql.exec('DELETE FROM rate_limits WHERE key_id = ?', keyId);
    else this.#sql.exec('INSERT OR REPLACE INTO rate_limits VALUES (?, ?)', keyId, requestsPerMinute);
  }

  findLimit(keyId: string): number | undefined {
    return this.#sql
      .exec<{ requests_per_minute: number }>('SELECT requests_per_minute FROM rate_limits WHERE key_id = ?', keyId)
      .toArray()[0]?.requests_per_minute;
  }

  /** Takes one request, or with `more` a share of what is left; undefined where the key has no limit. */
  take(keyId: string, more: boolean, now: number): RateDecision | undefined {
    const limit = this.findLimit(keyId);
    if (limit === undefined) return undefined;
    const buckets = this.#sql
      .exec<RateBucket>('SELECT second, count FROM rate_windows WHERE key_id = ?', keyId)
      .toArray();
    const decision = decideRate(buckets, limit, more, now);
    if (decision.kind === 'granted') {
      this.#sql.exec(
        `INSERT INTO rate_windows VALUES (?1, ?2, ?3)
         ON CONFLICT (key_id, second) DO UPDATE SET count = count + ?3`,
        keyId,
        decision.second,
        decision.requests,
      );
      const gone = decision.second - RateWindowSeconds;
      this.#sql.exec('DELETE FROM rate_windows WHERE key_id = ? AND second < ?', keyId, gone);
    }
    return decision;
  }

  /** Requests that were granted and not made. */
  giveBack(keyId: string, second: number, requests: number): void {
    this.#sql.exec(
      'UPDATE rate_windows SET count = MAX(0, count - ?) WHERE key_id = ? AND second = ?',
      requests,
      keyId,
      second,
    );
  }
}
