/**
 * Durable Object storage over Node's own SQLite, with transactions, that loses its process at a statement of the test's
 * choosing: what was committed stays, the rest is as if it had never been.
 */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

export class Crash extends Error {}

export type Tables = Readonly<Record<string, readonly Readonly<Record<string, SQLInputValue>>[]>>;

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

  /** All that is on disk, without the record of its migrations. */
  rows(): Tables {
    const tables = this.#database
      .prepare(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations'
         ORDER BY name`,
      )
      .all() as { name: string }[];
    const rowsOf = (name: string) => this.#database.prepare(`SELECT * FROM ${name}`).all() as Tables[string];
    return Object.fromEntries(tables.map(({ name }) => [name, rowsOf(name)]).filter(([, rows]) => rows!.length > 0));
  }

  /** As `rows()` gave them, into the tables that there are. */
  insert(tables: Tables): void {
    for (const [table, rows] of Object.entries(tables))
      for (const row of rows) {
        const names = Object.keys(row);
        const places = names.map(() => '?').join(', ');
        this.#database
          .prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`)
          .run(...Object.values(row));
      }
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
    if (bound.length === 0 && /;\s*\S/.test(query)) {
      this.#database.exec(query);
      return { toArray: () => [], one: () => undefined, rowsWritten: 0 };
    }
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
