/** The tables of a TenantObject. Append only. */
import { auditFloodsTable, auditTables } from '../runtime/audit-tables.ts';
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
${auditTables}      CREATE TABLE audit_flood (
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
  {
    id: '0006_events',
    sql: `
      CREATE TABLE events (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        agent TEXT,
        environment TEXT,
        at INTEGER NOT NULL,
        data TEXT NOT NULL
      );
    `,
  },
  {
    id: '0006_limits_and_switches',
    sql: `
      CREATE TABLE key_limits (
        key_id TEXT PRIMARY KEY,
        requests_per_minute INTEGER,
        tokens_per_minute INTEGER,
        concurrent_runs INTEGER
      ) WITHOUT ROWID;
      INSERT INTO key_limits (key_id, requests_per_minute) SELECT key_id, requests_per_minute FROM rate_limits;
      DROP TABLE rate_limits;
      CREATE TABLE rate_uses (
        subject TEXT NOT NULL,
        measure TEXT NOT NULL,
        second INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (subject, measure, second)
      ) WITHOUT ROWID;
      INSERT INTO rate_uses SELECT key_id, 'requests', second, count FROM rate_windows;
      DROP TABLE rate_windows;

      ALTER TABLE leases ADD COLUMN held_tokens INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE leases ADD COLUMN held_runs INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE leases ADD COLUMN token_second INTEGER;
      ALTER TABLE lost_runs ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;

      ALTER TABLE budgets ADD COLUMN thresholds TEXT NOT NULL DEFAULT '[]';
      ALTER TABLE budgets ADD COLUMN on_breach TEXT NOT NULL DEFAULT 'refuse';
      ALTER TABLE budgets ADD COLUMN degrade_to TEXT;
      ALTER TABLE budgets ADD COLUMN told_percent INTEGER NOT NULL DEFAULT 0;

      ALTER TABLE agents ADD COLUMN suspended_at INTEGER;
      CREATE TABLE turn_runs (
        conversation TEXT PRIMARY KEY,
        agent TEXT,
        run TEXT,
        admitted_at INTEGER NOT NULL,
        stopping INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
      CREATE INDEX turn_runs_by_run ON turn_runs (run);

      CREATE TABLE revoked_tokens (
        issuer TEXT NOT NULL,
        jti TEXT NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (issuer, jti)
      ) WITHOUT ROWID;
    `,
  },
  {
    // Receipts that were settled before have no split by kind of token: their whole cost stands on the input.
    id: '0007_billing',
    sql: `
      ALTER TABLE ledger ADD COLUMN project TEXT;
      ALTER TABLE ledger ADD COLUMN environment TEXT;
      ALTER TABLE ledger ADD COLUMN operation TEXT NOT NULL DEFAULT 'chat';
      ALTER TABLE ledger ADD COLUMN input_price INTEGER;
      ALTER TABLE ledger ADD COLUMN cached_price INTEGER;
      ALTER TABLE ledger ADD COLUMN output_price INTEGER;
      ALTER TABLE ledger ADD COLUMN input_micros INTEGER;
      ALTER TABLE ledger ADD COLUMN cached_micros INTEGER;
      ALTER TABLE ledger ADD COLUMN billed_month TEXT;
      UPDATE ledger SET billed_month = strftime('%Y-%m', finished_at / 1000, 'unixepoch');
      CREATE INDEX ledger_by_month ON ledger (billed_month);
      CREATE TRIGGER ledger_is_never_changed BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
      CREATE TRIGGER ledger_is_never_deleted BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

      CREATE TABLE meter_entries (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        corrects TEXT,
        reason TEXT,
        sku TEXT NOT NULL,
        quantity INTEGER NOT NULL,
        unit_micros INTEGER,
        per INTEGER NOT NULL,
        price_id TEXT,
        cost_micros INTEGER,
        billed_month TEXT NOT NULL,
        period TEXT NOT NULL,
        key_id TEXT,
        user_id TEXT,
        agent_id TEXT,
        project TEXT,
        environment TEXT,
        model TEXT,
        node TEXT,
        occurred_at INTEGER NOT NULL,
        entered_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX meter_entries_by_month ON meter_entries (billed_month);
      CREATE INDEX meter_entries_by_time ON meter_entries (occurred_at);
      CREATE INDEX meter_entries_corrected ON meter_entries (corrects) WHERE corrects IS NOT NULL;
      CREATE INDEX meter_entries_unrated ON meter_entries (entered_at) WHERE cost_micros IS NULL;
      CREATE TRIGGER meter_entries_are_rated_once BEFORE UPDATE ON meter_entries
        WHEN OLD.cost_micros IS NOT NULL OR NEW.quantity <> OLD.quantity OR NEW.billed_month <> OLD.billed_month
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
      CREATE TRIGGER meter_entries_are_never_deleted BEFORE DELETE ON meter_entries
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

      CREATE VIEW entries AS
        SELECT id AS source, id || '.input' AS id, 'receipt' AS kind, 1 AS requests, NULL AS corrects, NULL AS reason,
          CASE operation WHEN 'embeddings' THEN 'embedding_tokens' ELSE 'input_tokens' END AS sku,
          MAX(0, input_tokens - cached_input_tokens) AS quantity, input_price AS unit_micros, 1000000 AS per, price_id,
          COALESCE(input_micros, cost_micros) AS cost_micros, billed_month,
          strftime('%Y-%m', finished_at / 1000, 'unixepoch') AS period, key_id, COALESCE(user_id, visitor_id) AS user_id,
          agent_id, project, environment, model, node, finished_at AS occurred_at, settled_at AS entered_at
        FROM ledger
        UNION ALL
        SELECT id, id || '.cached', 'receipt', 0, NULL, NULL, 'cached_input_tokens', MIN(cached_input_tokens, input_tokens),
          cached_price, 1000000, price_id, COALESCE(cached_micros, 0), billed_month,
          strftime('%Y-%m', finished_at / 1000, 'unixepoch'), key_id, COALESCE(user_id, visitor_id), agent_id, project,
          environment, model, node, finished_at, settled_at
        FROM ledger WHERE cached_input_tokens > 0
        UNION ALL
        SELECT id, id || '.output', 'receipt', 0, NULL, NULL, 'output_tokens', output_tokens, output_price, 1000000, price_id,
          CASE WHEN input_micros IS NULL THEN 0 ELSE cost_micros - input_micros - cached_micros END, billed_month,
          strftime('%Y-%m', finished_at / 1000, 'unixepoch'), key_id, COALESCE(user_id, visitor_id), agent_id, project,
          environment, model, node, finished_at, settled_at
        FROM ledger WHERE output_tokens > 0
        UNION ALL
        SELECT id, id, kind, 0, corrects, reason, sku, quantity, unit_micros, per, price_id, cost_micros, billed_month, period,
          key_id, user_id, agent_id, project, environment, model, node, occurred_at, entered_at
        FROM meter_entries WHERE cost_micros IS NOT NULL;

      CREATE TABLE invoices (
        month TEXT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        document TEXT NOT NULL,
        credit_micros INTEGER NOT NULL,
        closed_at INTEGER NOT NULL,
        archived INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
      CREATE TRIGGER invoices_are_never_changed BEFORE UPDATE OF month, id, document, credit_micros, closed_at ON invoices
        BEGIN SELECT RAISE(ABORT, 'a closed invoice is never changed'); END;
      CREATE TRIGGER invoices_are_never_deleted BEFORE DELETE ON invoices
        BEGIN SELECT RAISE(ABORT, 'a closed invoice is never deleted'); END;
      CREATE TABLE credits (
        reference TEXT PRIMARY KEY,
        id TEXT NOT NULL,
        amount_micros INTEGER NOT NULL,
        reason TEXT NOT NULL,
        granted_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE TABLE billing_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    `,
  },
  {
    id: '0008_webhooks',
    sql: `
      CREATE TABLE webhooks (
        id TEXT PRIMARY KEY,
        settings TEXT NOT NULL,
        signature TEXT NOT NULL,
        public_key TEXT,
        status TEXT NOT NULL,
        disabled_reason TEXT,
        secret_version INTEGER NOT NULL,
        previous_until INTEGER,
        revision INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE TABLE webhook_cursors (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        webhook TEXT NOT NULL,
        position INTEGER NOT NULL,
        until INTEGER
      );
      CREATE TABLE webhook_removals (id TEXT PRIMARY KEY) WITHOUT ROWID;
    `,
  },
  {
    id: '0009_hooks',
    sql: `
      CREATE TABLE hooks (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        agent TEXT NOT NULL,
        verification TEXT NOT NULL,
        template TEXT NOT NULL,
        lane TEXT NOT NULL,
        max_attempts INTEGER NOT NULL,
        enabled INTEGER NOT NULL,
        principal TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        refused_at INTEGER,
        refusal TEXT
      ) WITHOUT ROWID;
      CREATE TABLE hook_deliveries (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        hook TEXT NOT NULL,
        delivery_id TEXT,
        event TEXT,
        status TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        error TEXT,
        input TEXT NOT NULL,
        task TEXT,
        received_at INTEGER NOT NULL,
        due_at INTEGER,
        handed_over_at INTEGER
      );
      CREATE INDEX hook_deliveries_by_hook ON hook_deliveries (hook, id);
      CREATE INDEX hook_deliveries_waiting ON hook_deliveries (due_at) WHERE status = 'received';
      CREATE TABLE hook_delivery_keys (
        hook TEXT NOT NULL,
        key TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (hook, key)
      ) WITHOUT ROWID;
      CREATE INDEX hook_delivery_keys_by_position ON hook_delivery_keys (position);
    `,
  },
  {
    id: '0011_approvals_tool_pins',
    sql: `
      CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        agent_id TEXT,
        status TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX approvals_by_time ON approvals (created_at, id);

      CREATE TABLE tool_pins (
        id TEXT PRIMARY KEY,
        server TEXT NOT NULL,
        name TEXT NOT NULL,
        pinned_hash TEXT,
        pinned_definition TEXT,
        offered_hash TEXT NOT NULL,
        offered_definition TEXT NOT NULL,
        status TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        UNIQUE (server, name)
      ) WITHOUT ROWID;
    `,
  },
  {
    id: '0012_lifecycle',
    sql: `
      ALTER TABLE conversations ADD COLUMN listed INTEGER NOT NULL DEFAULT 1;

      CREATE TABLE domains (
        id TEXT PRIMARY KEY,
        hostname TEXT NOT NULL UNIQUE,
        status TEXT NOT NULL,
        token TEXT NOT NULL,
        provider_ref TEXT,
        attempts INTEGER NOT NULL,
        since INTEGER NOT NULL,
        next_check_at INTEGER,
        checked_at INTEGER,
        verified_at INTEGER,
        method TEXT,
        reason TEXT,
        created_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX domains_by_time ON domains (next_check_at);

${auditFloodsTable}      INSERT INTO audit_floods SELECT 'auth', since, recorded, counted FROM audit_flood;
      DROP TABLE audit_flood;
    `,
  },
  {
    id: '0013_greeting_counts',
    sql: `
      CREATE TABLE greeting_counts (
        agent_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        variant TEXT NOT NULL,
        shown INTEGER NOT NULL,
        PRIMARY KEY (agent_id, version, variant)
      ) WITHOUT ROWID;
    `,
  },
  {
    id: '0014_telemetry',
    sql: `
      CREATE TABLE telemetry (
        tier TEXT NOT NULL,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        agent TEXT NOT NULL,
        model TEXT NOT NULL,
        tally TEXT NOT NULL,
        PRIMARY KEY (tier, at, kind, agent, model)
      ) WITHOUT ROWID;
      CREATE TABLE telemetry_callers (
        caller TEXT NOT NULL,
        agent TEXT NOT NULL,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (caller, agent)
      ) WITHOUT ROWID;
      CREATE INDEX telemetry_callers_by_time ON telemetry_callers (seen_at);
    `,
  },
  {
    id: '0014_telemetry_alerts',
    sql: `
      CREATE TABLE telemetry_push (id INTEGER PRIMARY KEY CHECK (id = 1), changed_at INTEGER NOT NULL);
      CREATE TABLE alerts (
        id TEXT PRIMARY KEY,
        settings TEXT NOT NULL,
        state TEXT NOT NULL,
        since INTEGER NOT NULL,
        value REAL,
        checked_at INTEGER,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE TABLE alert_incidents (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        alert TEXT NOT NULL,
        began_at INTEGER NOT NULL,
        fired_at INTEGER NOT NULL,
        resolved_at INTEGER,
        value REAL NOT NULL,
        threshold REAL NOT NULL
      );
      CREATE INDEX alert_incidents_by_alert ON alert_incidents (alert, position);
    `,
  },
  {
    // What a transcription or speech is counted in is not tokens.
    id: '0016_audio',
    sql: `
      DROP VIEW entries;
      CREATE VIEW entries AS
        SELECT id AS source, id || '.input' AS id, 'receipt' AS kind, 1 AS requests, NULL AS corrects, NULL AS reason,
          CASE operation WHEN 'embeddings' THEN 'embedding_tokens' WHEN 'transcription' THEN 'audio_seconds'
            WHEN 'speech' THEN 'speech_characters' ELSE 'input_tokens' END AS sku,
          MAX(0, input_tokens - cached_input_tokens) AS quantity, input_price AS unit_micros, 1000000 AS per, price_id,
          COALESCE(input_micros, cost_micros) AS cost_micros, billed_month,
          strftime('%Y-%m', finished_at / 1000, 'unixepoch') AS period, key_id, COALESCE(user_id, visitor_id) AS user_id,
          agent_id, project, environment, model, node, finished_at AS occurred_at, settled_at AS entered_at
        FROM ledger
        UNION ALL
        SELECT id, id || '.cached', 'receipt', 0, NULL, NULL, 'cached_input_tokens', MIN(cached_input_tokens, input_tokens),
          cached_price, 1000000, price_id, COALESCE(cached_micros, 0), billed_month,
          strftime('%Y-%m', finished_at / 1000, 'unixepoch'), key_id, COALESCE(user_id, visitor_id), agent_id, project,
          environment, model, node, finished_at, settled_at
        FROM ledger WHERE cached_input_tokens > 0
        UNION ALL
        SELECT id, id || '.output', 'receipt', 0, NULL, NULL, 'output_tokens', output_tokens, output_price, 1000000, price_id,
          CASE WHEN input_micros IS NULL THEN 0 ELSE cost_micros - input_micros - cached_micros END, billed_month,
          strftime('%Y-%m', finished_at / 1000, 'unixepoch'), key_id, COALESCE(user_id, visitor_id), agent_id, project,
          environment, model, node, finished_at, settled_at
        FROM ledger WHERE output_tokens > 0
        UNION ALL
        SELECT id, id, kind, 0, corrects, reason, sku, quantity, unit_micros, per, price_id, cost_micros, billed_month, period,
          key_id, user_id, agent_id, project, environment, model, node, occurred_at, entered_at
        FROM meter_entries WHERE cost_micros IS NOT NULL;
    `,
  },
  {
    id: '0017_conversation_search',
    sql: `
      ALTER TABLE conversations ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
      ALTER TABLE conversations ADD COLUMN answered_by TEXT;
      CREATE TABLE conversation_items (
        rid INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation_id TEXT NOT NULL,
        item_id TEXT NOT NULL,
        UNIQUE (conversation_id, item_id)
      );
      CREATE VIRTUAL TABLE conversation_texts USING fts5(text, tokenize = 'porter unicode61');
      INSERT INTO conversation_texts (conversation_texts, rank) VALUES ('secure-delete', 1);
    `,
  },
  {
    id: '0019_object_sizes',
    sql: `
      ALTER TABLE conversations ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE agent_objects (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
    `,
  },
  {
    id: '0019_delivery_origins',
    sql: 'ALTER TABLE hook_deliveries ADD COLUMN origin TEXT',
  },
  {
    id: '0021_issuer_client',
    sql: `
      ALTER TABLE issuers ADD COLUMN client_id TEXT;
      ALTER TABLE issuers ADD COLUMN authorization_endpoint TEXT;
      ALTER TABLE issuers ADD COLUMN token_endpoint TEXT;
    `,
  },
  {
    id: '0039_event_traces',
    sql: 'ALTER TABLE events ADD COLUMN traceparent TEXT',
  },
];
