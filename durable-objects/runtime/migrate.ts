/**
 * Append-only migrations inside an object: each id runs once, in order, in one transaction with its record.
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
  migrations.slice(applied.length).forEach((migration, offset) => {
    storage.transactionSync(() => {
      sql.exec(migration.sql);
      sql.exec(
        'INSERT INTO migrations (position, id, sql) VALUES (?, ?, ?)',
        applied.length + offset,
        migration.id,
        migration.sql,
      );
    });
  });
}
