/** The tables of a WebhookEndpointObject. Append only. */
import type { ObjectMigration } from '../runtime/migrate.ts';
import { outboxMigration } from '../runtime/outbox-store.ts';

export const webhookEndpointMigrations: readonly ObjectMigration[] = [
  {
    id: '0001_init',
    sql: `
      CREATE TABLE queue (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        body TEXT NOT NULL,
        due INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0
      );
      CREATE INDEX queue_by_due ON queue (due, sequence);

      CREATE TABLE attempts (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        event TEXT NOT NULL,
        type TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        duration_ms INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        next_at INTEGER,
        url TEXT NOT NULL,
        headers TEXT NOT NULL,
        body TEXT NOT NULL,
        status INTEGER,
        answer TEXT,
        fault TEXT
      );

      CREATE TABLE state (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        health TEXT NOT NULL,
        given_up_revision INTEGER NOT NULL
      );
    `,
  },
  outboxMigration,
  {
    id: '0039_traces',
    sql: 'ALTER TABLE queue ADD COLUMN traceparent TEXT',
  },
];
