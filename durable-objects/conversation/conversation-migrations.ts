/** The tables of a ConversationObject. Append only. */
import type { ObjectMigration } from '../runtime/migrate.ts';
import { outboxMigration } from '../runtime/outbox-store.ts';

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
  outboxMigration,
  {
    id: '0002_turns_effects_approvals',
    sql: `
      CREATE TABLE turns (
        response_id TEXT PRIMARY KEY,
        state TEXT NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE effects (
        id TEXT PRIMARY KEY,
        response_id TEXT NOT NULL,
        call_id TEXT NOT NULL,
        tool TEXT NOT NULL,
        arguments TEXT NOT NULL,
        idempotent INTEGER NOT NULL,
        status TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        error TEXT,
        planned_at INTEGER NOT NULL,
        dispatched_at INTEGER,
        settled_at INTEGER,
        UNIQUE (response_id, call_id)
      ) WITHOUT ROWID;

      CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        response_id TEXT NOT NULL,
        call_id TEXT NOT NULL,
        tool TEXT NOT NULL,
        server_label TEXT NOT NULL,
        arguments TEXT NOT NULL,
        agent_id TEXT,
        agent_version INTEGER,
        requested_kind TEXT NOT NULL,
        requested_id TEXT NOT NULL,
        binding TEXT NOT NULL,
        status TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        decided_at INTEGER,
        decided_kind TEXT,
        decided_id TEXT,
        reason TEXT,
        used_at INTEGER,
        UNIQUE (response_id, call_id)
      ) WITHOUT ROWID;
      CREATE INDEX approvals_by_status ON approvals (status, expires_at);
    `,
  },
  {
    id: '0015_extractions',
    sql: `
      CREATE TABLE extractions (
        response_id TEXT PRIMARY KEY,
        due_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        found TEXT
      ) WITHOUT ROWID;
    `,
  },
  {
    id: '0017_line',
    sql: `
      CREATE TABLE line (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        response_id TEXT NOT NULL UNIQUE,
        interrupts INTEGER NOT NULL
      );
    `,
  },
  {
    // A row without an item is about the conversation itself.
    id: '0017_unindexed',
    sql: `
      CREATE TABLE unindexed (position INTEGER PRIMARY KEY AUTOINCREMENT, item_id TEXT);
      INSERT INTO unindexed (item_id) SELECT id FROM items WHERE in_thread = 1 ORDER BY position;
      INSERT INTO unindexed (item_id) SELECT NULL FROM conversation WHERE listed = 1;
    `,
  },
  {
    // Of the last row of a response: below this number events may have been shown, stored or not.
    id: '0048_reserved_numbers',
    sql: `ALTER TABLE events ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;`,
  },
];
