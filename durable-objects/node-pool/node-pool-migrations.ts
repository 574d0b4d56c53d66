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
  {
    id: '0003_job_keys',
    sql: 'ALTER TABLE bridges ADD COLUMN job_key TEXT;',
  },
  {
    id: '0004_enrolment',
    sql: `
      ALTER TABLE bridges ADD COLUMN transport TEXT NOT NULL DEFAULT 'http';
      ALTER TABLE bridges ADD COLUMN revoked_at INTEGER;
      CREATE TABLE bridge_keys (
        bridge TEXT NOT NULL,
        x TEXT NOT NULL,
        accepted_at INTEGER NOT NULL,
        ends_at INTEGER,
        PRIMARY KEY (bridge, x)
      ) WITHOUT ROWID;
      INSERT INTO bridge_keys (bridge, x, accepted_at)
        SELECT id, json_extract(public_key, '$.x'), registered_at FROM bridges;
      ALTER TABLE bridges DROP COLUMN public_key;
      CREATE TABLE enrolments (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        transport TEXT NOT NULL,
        url TEXT,
        bridge TEXT,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        used_at INTEGER,
        refusals INTEGER NOT NULL DEFAULT 0,
        last_refusal TEXT
      ) WITHOUT ROWID;
      CREATE TABLE used_tokens (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
    `,
  },
  {
    id: '0005_nodes',
    sql: `
      ALTER TABLE bridges ADD COLUMN nodes TEXT NOT NULL DEFAULT '[]';
      CREATE TABLE node_changes (
        bridge TEXT NOT NULL,
        node TEXT NOT NULL,
        at INTEGER NOT NULL,
        id TEXT NOT NULL,
        state TEXT NOT NULL,
        before TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (bridge, id)
      ) WITHOUT ROWID;
      CREATE INDEX node_changes_by_node ON node_changes (bridge, node, at);
      CREATE TABLE drained_nodes (
        bridge TEXT NOT NULL,
        node TEXT NOT NULL,
        PRIMARY KEY (bridge, node)
      ) WITHOUT ROWID;
    `,
  },
];
