/**
 * The schema of a vector shard. `vectors` is the truth, one row a vector; its values are float16 times 2^exponent, and
 * float32 where there is no exponent (rows of the first schema, until the upkeep has converted them). `rid` only grows:
 * `pages` hold the codes of all rows up to the last page's end, `dead` what was deleted from them, `fields` what filters ask
 * for, `symbols` the numbers of namespaces and kinds. `passages` shares the rid; a deleted text leaves its index at once.
 * `placements` (shard 0 only) tells in which later shard an id lives.
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
  {
    id: '0002-codes',
    sql: `
      ALTER TABLE vectors ADD COLUMN exponent INTEGER;
      CREATE INDEX unconverted ON vectors (rid) WHERE exponent IS NULL;
      CREATE TABLE pages (
        first_rid INTEGER PRIMARY KEY NOT NULL,
        last_rid INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        codes BLOB NOT NULL
      );
      CREATE TABLE dead (rid INTEGER PRIMARY KEY NOT NULL);
      CREATE TABLE symbols (code INTEGER PRIMARY KEY NOT NULL, text TEXT NOT NULL UNIQUE);
      INSERT INTO symbols (text) SELECT DISTINCT 'namespace:' || namespace FROM vectors;
      INSERT INTO symbols (text) SELECT DISTINCT 'kind:' || (metadata -> '$.kind') FROM vectors
        WHERE metadata -> '$.kind' IS NOT NULL;
      CREATE TABLE fields (key TEXT NOT NULL, value NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY (key, value, rid)) WITHOUT ROWID;
      CREATE TABLE placements (id TEXT PRIMARY KEY NOT NULL, shard INTEGER NOT NULL) WITHOUT ROWID;
    `,
  },
];
