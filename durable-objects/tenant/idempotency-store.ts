/**
 * All SQL about Idempotency-Keys (IETF draft, "The Idempotency-Key HTTP Header Field"): one execution a key, then its
 * stored answer. The scope is a digest of tenant, credential, route and key; the answer is stored as the edge sealed it.
 * A run that died is taken over by the next try after a while; ids derived from the key make it the same run.
 */
import { err, ok, type Result } from '../../shared/core/result.ts';

/** How long an answer is replayed. */
export const IdempotencyRetentionMs = 24 * 60 * 60 * 1000;
/** A run older than this without an answer has died. */
const TakeoverMs = 60_000;

export type IdempotentStart =
  /** `startedAt` is when the first try began: with the key it determines every id that the request mints. */
  | { readonly kind: 'execute'; readonly startedAt: number }
  | { readonly kind: 'replay'; readonly status: number; readonly body: string };

type Row = {
  fingerprint: string;
  state: 'running' | 'done';
  started_at: number;
  created_at: number;
  status: number | null;
  body: string | null;
};

export class IdempotencyStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  begin(scope: string, fingerprint: string, now: number): Result<IdempotentStart> {
    this.#sql.exec('DELETE FROM idempotency WHERE created_at <= ?', now - IdempotencyRetentionMs);
    const row = this.#sql.exec<Row>('SELECT * FROM idempotency WHERE scope = ?', scope).toArray()[0];
    if (!row) {
      this.#sql.exec(
        "INSERT INTO idempotency (scope, fingerprint, state, started_at, created_at) VALUES (?, ?, 'running', ?, ?)",
        scope,
        fingerprint,
        now,
        now,
      );
      return ok({ kind: 'execute', startedAt: now });
    }
    if (row.fingerprint !== fingerprint) return err('idempotency_mismatch');
    if (row.state === 'done') return ok({ kind: 'replay', status: row.status!, body: row.body! });
    if (now - row.started_at < TakeoverMs) return err('idempotency_in_progress', undefined, { retryAfterMs: 500 });
    this.#sql.exec('UPDATE idempotency SET started_at = ? WHERE scope = ?', now, scope);
    return ok({ kind: 'execute', startedAt: row.created_at });
  }

  complete(scope: string, status: number, body: string): void {
    this.#sql.exec("UPDATE idempotency SET state = 'done', status = ?, body = ? WHERE scope = ?", status, body, scope);
  }

  /** The request failed without effect: the key may be tried again at once, and mints the same ids. */
  abandon(scope: string): void {
    this.#sql.exec('UPDATE idempotency SET started_at = 0 WHERE scope = ?', scope);
  }
}
