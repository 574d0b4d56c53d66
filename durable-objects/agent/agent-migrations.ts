/** The tables of an AgentObject, every one keyed by agent: an object may host a bucket of them. Append only. */
import type { ObjectMigration } from '../runtime/migrate.ts';

export const agentMigrations: readonly ObjectMigration[] = [
  {
    id: '0001_init',
    sql: `
      CREATE TABLE chain_heads (
        agent_id TEXT PRIMARY KEY,
        sequence INTEGER NOT NULL,
        hash TEXT NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE pending_memories (
        agent_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        id TEXT NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (agent_id, sequence)
      ) WITHOUT ROWID;

      CREATE TABLE pending_deletions (
        agent_id TEXT NOT NULL,
        id TEXT NOT NULL,
        embedding_space TEXT NOT NULL,
        PRIMARY KEY (agent_id, id)
      ) WITHOUT ROWID;
    `,
  },
];
