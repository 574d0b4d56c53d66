/**
 * Append-only migrations inside an object: each id runs once, in order; those that are new run together, in one
 * transaction with their record.
 * A past that differs from the code (an id missing, moved or with other SQL) refuses the boot.
 * Idea: tldraw's sync worker. `PRAGMA user_version` is not available in Durable Object SQLite.
 */
import { invariant } from '../../shared/core/invariant.ts';

export type ObjectMigration = { readonly id: string; readonly sql: string };

export function migrate(storage: DurableObjectStorage, migrations: readonly ObjectMigration[]): void {
  const { sql } = storage;
  sql.exec('CREATE TABLE IF NOT EXISTS migrations (position INTEGER PRIMARY KEY, id TEXT NOT NULL, sql TEXT NOT NULL)');
  const applied = sql.exec<{ id: string; sql: string }>('SELECT id, sql FROM migrations ORDER BY position').toArray();
  invariant(applied.length <= migrations.length, 'the stored schema is newer than this code');
  applied.forEach((past, position) => {
    const known = migrations[position];
    invariant(known?.id === past.id && known.sql === past.sql, `migration ${past.id} was changed after it was applied`);
  });
  const fresh = migrations.slice(applied.length);
  if (fresh.length === 0) return;
  storage.transactionSync(() => {
    for (const { sql: statements } of fresh) sql.exec(statements);
    sql.exec(
      `INSERT INTO migrations (position, id, sql)
       SELECT ? + key, value ->> 'id', value ->> 'sql' FROM json_each(?)`,
      applied.length,
      JSON.stringify(fresh),
    );
  });
}
