/**
 * A tenant's rows in every table of D1 that has a `tenant_id`, read from the database's own schema: a table that a later
 * migration adds is covered by having the column. What a tenant has without one (its directory entry) is not in here.
 */
import type { D1Database } from '@cloudflare/workers-types';
import { ok, type Result } from '../core/result.ts';
import type { TenantScope } from '../tenancy/tenant-scope.ts';
import { attempt } from './attempt.ts';

export type D1Cell = string | number | null;
export type D1Page = {
  readonly columns: readonly string[];
  readonly rows: D1Cell[][];
  readonly next: number | null;
};

/** The operator's books, kept after a tenant's deletion because the law asks for them; the certificate names them. */
export const retainedTables: readonly string[] = ['invoices', 'usage_daily'];

const PageRows = 500;

export class TenantRows {
  readonly #db: D1Database;

  constructor(database: D1Database) {
    this.#db = database;
  }

  async tables(): Promise<Result<string[]>> {
    return attempt(async () => {
      const { results } = await this.#db
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        .all<{ name: string }>();
      // D1's own tables may not even be looked at.
      const names = results.map(({ name }) => name).filter((name) => !/^(_cf_|sqlite_|d1_)/.test(name));
      const columns = this.#db.prepare("SELECT COUNT(*) AS n FROM pragma_table_info(?) WHERE name = 'tenant_id'");
      const counts = await this.#db.batch<{ n: number }>(names.map((name) => columns.bind(name)));
      return names.filter((_, at) => (counts[at]?.results[0]?.n ?? 0) > 0);
    });
  }

  async count(scope: TenantScope, table: string): Promise<Result<number>> {
    const found = await attempt(() =>
      this.#db
        .prepare(`SELECT COUNT(*) AS n FROM ${quote(table)} WHERE tenant_id = ?`)
        .bind(scope.tenantId)
        .first<{ n: number }>(),
    );
    return found.ok ? ok(found.value?.n ?? 0) : found;
  }

  /** In the order of the rowid. The tenant itself is left out: a row goes back under whichever tenant restores it. */
  async page(scope: TenantScope, table: string, after: number): Promise<Result<D1Page>> {
    const found = await attempt(() =>
      this.#db
        .prepare(
          `SELECT rowid AS "rowid of page", * FROM ${quote(table)}
           WHERE tenant_id = ? AND rowid > ? ORDER BY rowid LIMIT ${PageRows}`,
        )
        .bind(scope.tenantId, after)
        .all<Record<string, D1Cell>>(),
    );
    if (!found.ok) return found;
    const { results } = found.value;
    const columns = Object.keys(results[0] ?? {}).filter((name) => name !== RowId && name !== 'tenant_id');
    const last = results.at(-1)?.[RowId] as number | undefined;
    return ok({
      columns,
      rows: results.map((row) => columns.map((name) => row[name] ?? null)),
      next: results.length < PageRows ? null : (last ?? null),
    });
  }

  /** A row that is there already stays as it is. */
  async restore(
    scope: TenantScope,
    table: string,
    columns: readonly string[],
    rows: readonly (readonly D1Cell[])[],
  ): Promise<Result<undefined>> {
    const names = ['tenant_id', ...columns];
    const insert = this.#db.prepare(
      `INSERT OR IGNORE INTO ${quote(table)} (${names.map(quote).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    );
    const done = await attempt(() => this.#db.batch(rows.map((row) => insert.bind(scope.tenantId, ...row))));
    return done.ok ? ok() : done;
  }

  /**
   * One bounded stretch; says how many rows went. Texts are overwritten first, in as many bytes, which SQLite does in
   * place: a deleted row's bytes stay in its page until they are used again, and D1 takes no `secure_delete`.
   */
  async erase(scope: TenantScope, table: string): Promise<Result<number>> {
    const name = quote(table);
    const stretch = `rowid IN (SELECT rowid FROM ${name} WHERE tenant_id = ? LIMIT ${PageRows})`;
    return attempt(async () => {
      const { results } = await this.#db
        .prepare("SELECT name FROM pragma_table_info(?) WHERE pk = 0 AND upper(type) = 'TEXT' AND name <> 'tenant_id'")
        .bind(table)
        .all<{ name: string }>();
      const blank = results.map((column) => {
        const text = quote(column.name);
        return `${text} = substr(hex(zeroblob(length(CAST(${text} AS BLOB)))), 1, length(CAST(${text} AS BLOB)))`;
      });
      const overwrite = `UPDATE OR IGNORE ${name} SET ${blank.join(', ')} WHERE ${stretch}`;
      const remove = `DELETE FROM ${name} WHERE ${stretch} RETURNING 1`;
      const statements = [...(blank.length > 0 ? [overwrite] : []), remove];
      const answers = await this.#db.batch(
        statements.map((statement) => this.#db.prepare(statement).bind(scope.tenantId)),
      );
      return answers.at(-1)!.results.length;
    });
  }
}

const RowId = 'rowid of page';

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
