/**
 * Durable Object storage over Node's own SQLite, with transactions, that loses its process at a statement of the test's
 * choosing: what was committed stays, the rest is as if it had never been.
 */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

export class Crash extends Error {}

export class CrashingStorage {
  readonly sql: SqlStorage;
  /** Statements until the crash; undefined: none comes. */
  fuse: number | undefined;
  readonly #database = new DatabaseSync(':memory:');
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  constructor(schema: readonly string[]) {
    for (const sql of schema) this.#database.exec(sql);
    this.sql = {
      exec: (query: string, ...bound: unknown[]) => this.#exec(query, bound as SQLInputValue[]),
    } as unknown as SqlStorage;
  }

  transaction(work: () => void): void {
    this.#database.exec('BEGIN');
    try {
      work();
      this.#burn();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #exec(query: string, bound: SQLInputValue[]) {
    this.#burn();
    const statement = this.#statements.get(query) ?? this.#database.prepare(query);
    this.#statements.set(query, statement);
    const reads = /^\s*(?:SELECT|WITH)|\bRETURNING\b/i.test(query);
    const rows = reads ? statement.all(...bound) : [];
    const rowsWritten = reads ? 0 : Number(statement.run(...bound).changes);
    return { toArray: () => rows, one: () => rows[0], rowsWritten };
  }

  #burn(): void {
    if (this.fuse !== undefined && this.fuse-- <= 0) throw new Crash('the process was killed');
  }
}
