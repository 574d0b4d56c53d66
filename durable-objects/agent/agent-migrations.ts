/** The tables of an AgentObject, every one keyed by agent: an object may host a bucket of them. Append only. */
import type { ObjectMigration } from '../runtime/migrate.ts';
import { outboxMigration } from '../runtime/outbox-store.ts';

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
  outboxMigration,
  {
    id: '0003_tasks',
    sql: `
      CREATE TABLE tasks (
        id TEXT PRIMARY KEY,
        agent_id TEXT NOT NULL,
        status TEXT NOT NULL,
        lane TEXT NOT NULL,
        priority INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        deadline_at INTEGER,
        attempts INTEGER NOT NULL,
        max_attempts INTEGER NOT NULL,
        agent_limit INTEGER NOT NULL,
        conversation_id TEXT NOT NULL,
        response_id TEXT,
        schedule_id TEXT,
        principal TEXT NOT NULL,
        input TEXT NOT NULL,
        output TEXT,
        error TEXT,
        metadata TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        assigned_at INTEGER,
        finished_at INTEGER
      ) WITHOUT ROWID;
      CREATE INDEX tasks_by_agent ON tasks (agent_id, id);
      CREATE INDEX tasks_queued ON tasks (lane, priority DESC, due_at, id) WHERE status = 'queued';
      CREATE INDEX tasks_scheduled ON tasks (due_at) WHERE status = 'scheduled';
      CREATE INDEX tasks_running ON tasks (id) WHERE status IN ('running', 'waiting_approval');
      CREATE INDEX tasks_by_deadline ON tasks (deadline_at) WHERE deadline_at IS NOT NULL AND finished_at IS NULL;
      CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL;

      CREATE TABLE schedules (
        id TEXT PRIMARY KEY,
        agent_id TEXT NOT NULL,
        name TEXT NOT NULL,
        cron TEXT NOT NULL,
        timezone TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        task TEXT NOT NULL,
        agent_limit INTEGER NOT NULL,
        principal TEXT NOT NULL,
        next_at INTEGER,
        last_at INTEGER,
        last_task TEXT,
        created_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX schedules_by_agent ON schedules (agent_id, id);
      CREATE INDEX schedules_due ON schedules (next_at) WHERE enabled = 1 AND next_at IS NOT NULL;
    `,
  },
  {
    id: '0004_memory',
    sql: `
      ALTER TABLE chain_heads ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE chain_heads ADD COLUMN leaves INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE chain_heads ADD COLUMN frontier TEXT NOT NULL DEFAULT '[]';
      ALTER TABLE chain_heads ADD COLUMN verified_sequence INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE chain_heads ADD COLUMN verified_hash TEXT;

      CREATE TABLE memory_gists (
        agent_id TEXT NOT NULL,
        gist TEXT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (agent_id, gist)
      ) WITHOUT ROWID;
      CREATE INDEX memory_gists_by_id ON memory_gists (agent_id, id);

      CREATE TABLE supersessions (
        agent_id TEXT NOT NULL,
        id TEXT NOT NULL,
        closed_by TEXT NOT NULL,
        PRIMARY KEY (agent_id, id)
      ) WITHOUT ROWID;

      CREATE TABLE memory_counts (
        agent_id TEXT PRIMARY KEY,
        live INTEGER NOT NULL,
        written INTEGER NOT NULL DEFAULT 0,
        refused INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;

      CREATE TABLE ended_agents (agent_id TEXT PRIMARY KEY, ended_at INTEGER NOT NULL) WITHOUT ROWID;
    `,
  },
  {
    id: '0015_memory',
    sql: `
      CREATE TABLE consolidations (
        agent_id TEXT NOT NULL,
        id TEXT NOT NULL,
        author TEXT NOT NULL,
        near_duplicates INTEGER NOT NULL,
        episodes INTEGER NOT NULL,
        decayed INTEGER NOT NULL,
        closed INTEGER NOT NULL,
        whole INTEGER NOT NULL,
        made_at INTEGER NOT NULL,
        undone_at INTEGER,
        PRIMARY KEY (agent_id, id)
      ) WITHOUT ROWID;

      CREATE TABLE consolidated_memories (
        agent_id TEXT NOT NULL,
        memory TEXT NOT NULL,
        consolidation TEXT NOT NULL,
        PRIMARY KEY (agent_id, memory)
      ) WITHOUT ROWID;
      CREATE INDEX consolidated_memories_by_run ON consolidated_memories (agent_id, consolidation);
      CREATE INDEX supersessions_by_closer ON supersessions (agent_id, closed_by);

      CREATE TABLE memory_policies (
        agent_id TEXT PRIMARY KEY,
        max INTEGER NOT NULL,
        consolidate TEXT NOT NULL,
        next_at INTEGER NOT NULL
      ) WITHOUT ROWID;
    `,
  },
  {
    id: '0018_state',
    sql: `
      CREATE TABLE goals (
        id TEXT PRIMARY KEY,
        agent_id TEXT NOT NULL,
        text TEXT NOT NULL,
        note TEXT NOT NULL,
        status TEXT NOT NULL,
        created_kind TEXT NOT NULL,
        created_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX goals_by_agent ON goals (agent_id, id);

      CREATE TABLE personas (
        agent_id TEXT PRIMARY KEY,
        persona TEXT NOT NULL,
        updated_at INTEGER NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE protocol_hooks (
        id TEXT PRIMARY KEY,
        agent_id TEXT NOT NULL,
        moment TEXT NOT NULL,
        hook TEXT NOT NULL,
        agent_limit INTEGER NOT NULL,
        principal TEXT NOT NULL,
        hour_began_at INTEGER NOT NULL DEFAULT 0,
        fired_this_hour INTEGER NOT NULL DEFAULT 0,
        fired INTEGER NOT NULL DEFAULT 0,
        held_back INTEGER NOT NULL DEFAULT 0,
        last_fired_at INTEGER,
        created_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX protocol_hooks_by_agent ON protocol_hooks (agent_id, id);

      CREATE TABLE hook_firings (
        hook_id TEXT NOT NULL,
        event_id TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (hook_id, event_id)
      ) WITHOUT ROWID;

      CREATE TABLE state_changes (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        agent_id TEXT NOT NULL,
        id TEXT NOT NULL,
        part TEXT NOT NULL,
        item TEXT,
        actor_kind TEXT NOT NULL,
        actor_id TEXT NOT NULL,
        response_id TEXT,
        changes TEXT NOT NULL,
        created_at INTEGER NOT NULL
      );
      CREATE INDEX state_changes_by_agent ON state_changes (agent_id, position);

      CREATE TABLE trace (
        agent_id TEXT NOT NULL,
        id TEXT NOT NULL,
        type TEXT NOT NULL,
        data TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (agent_id, id)
      ) WITHOUT ROWID;

      ALTER TABLE tasks ADD COLUMN origin TEXT;
      ALTER TABLE schedules ADD COLUMN origin TEXT;
      DROP INDEX tasks_queued;
      CREATE INDEX tasks_queued ON tasks (agent_id, lane, priority DESC, due_at, id) WHERE status = 'queued';
      CREATE INDEX tasks_by_origin ON tasks (agent_id, conversation_id) WHERE origin IS NOT NULL;
    `,
  },
  {
    id: '0019_task_requests',
    sql: 'ALTER TABLE tasks ADD COLUMN request TEXT',
  },
  {
    id: '0020_memory_spaces',
    sql: `
      CREATE TABLE memory_spaces (
        agent_id TEXT NOT NULL,
        space TEXT NOT NULL,
        model TEXT NOT NULL,
        dimensions INTEGER NOT NULL,
        semantic INTEGER NOT NULL,
        principal TEXT NOT NULL,
        role TEXT NOT NULL,
        reached INTEGER NOT NULL DEFAULT 0,
        refused INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        failure TEXT,
        due_at INTEGER NOT NULL,
        PRIMARY KEY (agent_id, space)
      ) WITHOUT ROWID;
      CREATE INDEX memory_spaces_due ON memory_spaces (due_at);
    `,
  },
  {
    id: '0044_traces_of_deletions',
    sql: 'ALTER TABLE pending_deletions ADD COLUMN traceparent TEXT',
  },
];
