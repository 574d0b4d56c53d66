/** The tables of a NodePoolObject. Append only. */
import type { ObjectMigration } from '../runtime/migrate.ts';

export const nodePoolMigrations: readonly ObjectMigration[] = [
  {
    id: '0001_init',
    sql: `
      CREATE TABLE bridges (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        url TEXT NOT NULL,
        public_key TEXT NOT NULL,
        registered_at INTEGER NOT NULL,
        seen_at INTEGER,
        models TEXT NOT NULL DEFAULT '[]',
        default_model TEXT
      ) WITHOUT ROWID;
    `,
  },
  {
    id: '0002_recent_models',
    sql: `ALTER TABLE bridges ADD COLUMN recent_models TEXT NOT NULL DEFAULT '{}';`,
  },
];
