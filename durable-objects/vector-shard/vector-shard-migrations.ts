/**
 * The schema of a vector shard. `vectors` is the truth, one row a vector, float32 as it was given, the blob last so that
 * reading the other columns does not touch it; `rid` only grows, so pages of any other encoding can be built along it.
 * `passages` shares the rid and holds the text of the full-text lane; a deleted text leaves its index at once.
 */
import type { ObjectMigration } from '../runtime/migrate.ts';

export const vectorShardMigrations: readonly ObjectMigration[] = [
  {
    id: '0001-vectors',
    sql: `
      CREATE TABLE settings (key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE vectors (
        rid INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        namespace TEXT NOT NULL,
        metadata TEXT,
        v BLOB NOT NULL
      );
      CREATE VIRTUAL TABLE passages USING fts5(text, tokenize = 'porter unicode61');
      INSERT INTO passages (passages, rank) VALUES ('secure-delete', 1);
    `,
  },
];
