/** The tables of a TenantObject. Append only. */
import type { ObjectMigration } from '../runtime/migrate.ts';

export const tenantMigrations: readonly ObjectMigration[] = [
  {
    id: '0001_init',
    sql: `
      CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

      CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        prefix TEXT NOT NULL,
        secret_hash TEXT NOT NULL,
        project TEXT,
        environment TEXT,
        agent_id TEXT,
        permissions TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        revoked_at INTEGER,
        last_used_at INTEGER
      ) WITHOUT ROWID;

      CREATE TABLE agents (
        id TEXT PRIMARY KEY,
        slug TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE TABLE agent_versions (
        agent_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        definition TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (agent_id, version)
      ) WITHOUT ROWID;
      CREATE TABLE publications (
        position INTEGER PRIMARY KEY,
        agent_id TEXT NOT NULL,
        environment TEXT NOT NULL,
        version INTEGER NOT NULL,
        published_at INTEGER NOT NULL
      );
      CREATE INDEX publications_by_agent ON publications (agent_id, environment, position);

      CREATE TABLE ledger (
        id TEXT PRIMARY KEY,
        run TEXT NOT NULL UNIQUE,
        key_id TEXT,
        visitor_id TEXT,
        agent_id TEXT,
        bridge TEXT NOT NULL,
        node TEXT NOT NULL,
        node_kind TEXT NOT NULL,
        external INTEGER NOT NULL,
        model TEXT NOT NULL,
        input_tokens INTEGER NOT NULL,
        cached_input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        counted_by TEXT NOT NULL,
        outcome TEXT NOT NULL,
        price_id TEXT NOT NULL,
        cost_micros INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        finished_at INTEGER NOT NULL,
        settled_at INTEGER NOT NULL,
        batch INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX ledger_by_time ON ledger (finished_at);
      CREATE TABLE receipt_batches (id INTEGER PRIMARY KEY, bridge TEXT NOT NULL, jws TEXT NOT NULL);

      CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        agent_id TEXT,
        owner TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE idempotency (
        scope TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        state TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        status INTEGER,
        body TEXT
      ) WITHOUT ROWID;
      CREATE INDEX idempotency_by_time ON idempotency (created_at);
    `,
  },
  {
    id: '0004_budgets',
    sql: `
      CREATE TABLE budgets (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        limit_micros INTEGER NOT NULL,
        window TEXT NOT NULL,
        scope TEXT NOT NULL,
        window_start INTEGER NOT NULL,
        spent_micros INTEGER NOT NULL,
        created_at INTEGER NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE leases (
        id TEXT PRIMARY KEY,
        project TEXT,
        environment TEXT,
        agent TEXT,
        key TEXT,
        held_micros INTEGER NOT NULL,
        granted_at INTEGER NOT NULL,
        returned INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
      CREATE INDEX leases_by_time ON leases (granted_at);

      CREATE TABLE lost_runs (
        run TEXT PRIMARY KEY,
        lease TEXT NOT NULL,
        micros INTEGER NOT NULL,
        release_at INTEGER NOT NULL,
        released INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
    `,
  },
  {
    id: '0005_rate_limits',
    sql: `
      CREATE TABLE rate_limits (key_id TEXT PRIMARY KEY, requests_per_minute INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE rate_windows (
        key_id TEXT NOT NULL,
        second INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (key_id, second)
      ) WITHOUT ROWID;
    `,
  },
  {
    id: '0002_people',
    sql: `
      CREATE TABLE issuers (
        id TEXT PRIMARY KEY,
        issuer TEXT NOT NULL UNIQUE,
        audience TEXT NOT NULL,
        algorithms TEXT NOT NULL,
        role_mappings TEXT NOT NULL,
        jwks_uri TEXT,
        created_at INTEGER NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE members (
        id TEXT PRIMARY KEY,
        issuer_id TEXT NOT NULL,
        subject TEXT,
        email TEXT,
        role TEXT NOT NULL,
        status TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        UNIQUE (issuer_id, subject),
        UNIQUE (issuer_id, email)
      ) WITHOUT ROWID;

      CREATE TABLE users (
        id TEXT PRIMARY KEY,
        issuer_id TEXT NOT NULL,
        subject TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        UNIQUE (issuer_id, subject)
      ) WITHOUT ROWID;

      ALTER TABLE ledger ADD COLUMN user_id TEXT;
    `,
  },
  {
    id: '0003_vault',
    sql: `
      CREATE TABLE audit (
        sequence INTEGER PRIMARY KEY,
        time TEXT NOT NULL,
        actor_kind TEXT NOT NULL,
        actor_id TEXT NOT NULL,
        action TEXT NOT NULL,
        target TEXT,
        outcome TEXT NOT NULL,
        details TEXT NOT NULL,
        previous_hash TEXT NOT NULL,
        hash TEXT NOT NULL
      );
      CREATE INDEX audit_by_action ON audit (action, sequence);
      CREATE INDEX audit_by_actor ON audit (actor_id, sequence);
      CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
      CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
      CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL, hash TEXT NOT NULL);
      CREATE TABLE audit_flood (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        since INTEGER NOT NULL,
        recorded INTEGER NOT NULL,
        counted INTEGER NOT NULL
      );

      CREATE TABLE data_keys (
        generation INTEGER PRIMARY KEY,
        wrapped BLOB NOT NULL,
        wrapped_by TEXT NOT NULL,
        created_at INTEGER NOT NULL
      );
      CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        last_accessed_at INTEGER
      ) WITHOUT ROWID;
      CREATE TABLE secret_versions (
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        sealed BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (name, version)
      );

      ALTER TABLE keys ADD COLUMN rotated_at INTEGER;
      ALTER TABLE keys ADD COLUMN previous_secret_hash TEXT;
      ALTER TABLE keys ADD COLUMN previous_until INTEGER;
    `,
  },
];
