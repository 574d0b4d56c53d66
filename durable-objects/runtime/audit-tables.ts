/**
 * The tables of an audit trail, for the migrations of every object that keeps one. An object remembers the text of its
 * migrations and refuses to start with another: not a character of this may change, the spaces among them.
 */
export const auditTables = `      CREATE TABLE audit (
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
`;

export const auditFloodsTable = `      CREATE TABLE audit_floods (
        kind TEXT PRIMARY KEY,
        since INTEGER NOT NULL,
        recorded INTEGER NOT NULL,
        counted INTEGER NOT NULL
      ) WITHOUT ROWID;
`;
