/** The tables of a ConversationObject. Append only. */
import type { ObjectMigration } from '../runtime/migrate.ts';

export const conversationMigrations: readonly ObjectMigration[] = [
  {
    id: '0001_init',
    sql: `
      CREATE TABLE conversation (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        id TEXT NOT NULL,
        owner_kind TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        agent_id TEXT,
        created_at INTEGER NOT NULL,
        metadata TEXT NOT NULL,
        listed INTEGER NOT NULL
      );

      CREATE TABLE items (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        response_id TEXT,
        direction TEXT NOT NULL,
        in_thread INTEGER NOT NULL,
        item TEXT NOT NULL
      );
      CREATE INDEX items_by_response ON items (response_id, position);

      CREATE TABLE responses (
        id TEXT PRIMARY KEY,
        previous_id TEXT,
        status TEXT NOT NULL,
        response TEXT NOT NULL,
        start TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX responses_by_status ON responses (status);

      CREATE TABLE events (
        response_id TEXT NOT NULL,
        first INTEGER NOT NULL,
        frames TEXT NOT NULL,
        PRIMARY KEY (response_id, first)
      ) WITHOUT ROWID;
    `,
  },
];
