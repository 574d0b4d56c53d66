/** All SQL about tokens that were revoked one by one, each until it would have ended by itself. */
export class RevokedTokenStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A second time finds the first. */
  revoke(issuer: string, jti: string, until: number, now: number): number {
    this.#sql.exec('DELETE FROM revoked_tokens WHERE until < ?', now);
    this.#sql.exec('INSERT OR IGNORE INTO revoked_tokens (issuer, jti, until) VALUES (?, ?, ?)', issuer, jti, until);
    return this.#sql
      .exec<{ until: number }>('SELECT until FROM revoked_tokens WHERE issuer = ? AND jti = ?', issuer, jti)
      .one().until;
  }

  isRevoked(issuer: string, jti: string | null): boolean {
    if (jti === null) return false;
    return (
      this.#sql.exec('SELECT 1 FROM revoked_tokens WHERE issuer = ? AND jti = ?', issuer, jti).toArray().length > 0
    );
  }
}
