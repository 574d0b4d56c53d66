/** All SQL of the audit trail. Rows are added and never touched again; the database itself refuses to. */
import { canonicalJson } from '../../shared/core/canonical-json.ts';
import type { AuditDetails, AuditEntry, AuditPage, AuditQuery } from '../../shared/contracts/audit.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import { appendToAudit, emptyAudit, type AuditDraft, type AuditLink } from '../../shared/store/audit-chain.ts';
import type { Flood, FloodKind } from './auth-failures.ts';

/** The columns hold exactly what the hash covers, so that there is nothing in a row that could be changed unseen. */
type AuditRow = {
  sequence: number;
  time: string;
  actor_kind: string;
  actor_id: string;
  action: string;
  target: string | null;
  outcome: AuditEntry['outcome'];
  details: string;
  previous_hash: string;
  hash: string;
};

export class AuditStore {
  readonly #sql: SqlStorage;
  readonly #tenant: string;

  constructor(sql: SqlStorage, tenant: string) {
    this.#sql = sql;
    this.#tenant = tenant;
  }

  /** The head is read each time: a transaction that is rolled back takes it back as well. */
  append(draft: AuditDraft): AuditEntry {
    const entry = appendToAudit(this.#tenant, this.#head(), draft);
    this.#sql.exec(
      'INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      entry.sequence,
      entry.time,
      entry.actor.kind,
      entry.actor.id,
      entry.action,
      entry.target,
      entry.outcome,
      canonicalJson(entry.details),
      entry.previous_hash,
      entry.hash,
    );
    this.#sql.exec('INSERT OR REPLACE INTO audit_head VALUES (1, ?, ?)', entry.sequence, entry.hash);
    return entry;
  }

  page(after: number, limit: number): AuditPage {
    const entries = this.#sql
      .exec<AuditRow>('SELECT * FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?', after, limit)
      .toArray()
      .map((row) => this.#toEntry(row));
    return { entries, head: { object: 'audit.head', tenant: this.#tenant, ...this.#head() } };
  }

  /** Newest first. `from` and `to` have the form of the time column, so that texts compare as times do. */
  list(query: AuditQuery): List<AuditEntry> {
    const before = Number.parseInt(query.cursor ?? '', 10);
    const kind = query.action?.endsWith('.*') ? query.action.slice(0, -1) : null;
    const rows = this.#sql
      .exec<AuditRow>(
        `SELECT * FROM audit
         WHERE sequence < ?1 AND (?2 IS NULL OR action = ?2) AND (?3 IS NULL OR substr(action, 1, length(?3)) = ?3)
           AND (?4 IS NULL OR actor_id = ?4) AND (?5 IS NULL OR time >= ?5) AND (?6 IS NULL OR time < ?6)
         ORDER BY sequence DESC LIMIT ?7`,
        query.cursor === undefined ? Number.MAX_SAFE_INTEGER : Number.isSafeInteger(before) ? before : 0,
        kind === null ? (query.action ?? null) : null,
        kind,
        query.actor ?? null,
        query.from ?? null,
        query.to ?? null,
        query.limit + 1,
      )
      .toArray();
    return toList(
      rows.map((row) => this.#toEntry(row)),
      query.limit,
      (entry) => String(entry.sequence),
    );
  }

  floods(): Map<FloodKind, Flood> {
    const rows = this.#sql
      .exec<Flood & { kind: FloodKind }>('SELECT kind, since, recorded, counted FROM audit_floods')
      .toArray();
    return new Map(rows.map(({ kind, ...flood }) => [kind, flood]));
  }

  keepFlood(kind: FloodKind, flood: Flood): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO audit_floods VALUES (?, ?, ?, ?)',
      kind,
      flood.since,
      flood.recorded,
      flood.counted,
    );
  }

  #head(): AuditLink {
    return this.#sql.exec<AuditLink>('SELECT sequence, hash FROM audit_head').toArray()[0] ?? emptyAudit;
  }

  #toEntry(row: AuditRow): AuditEntry {
    return {
      object: 'audit.entry',
      tenant: this.#tenant,
      sequence: row.sequence,
      time: row.time,
      actor: { kind: row.actor_kind, id: row.actor_id },
      action: row.action,
      target: row.target,
      outcome: row.outcome,
      details: toDetails(row.details),
      previous_hash: row.previous_hash,
      hash: row.hash,
    };
  }
}

/** What was not written by this store reads as something whose hash cannot match. */
function toDetails(text: string): AuditDetails {
  try {
    const details = JSON.parse(text) as AuditDetails;
    if (canonicalJson(details) === text) return details;
  } catch {
    // Not JSON: as below.
  }
  return { unreadable: String(text) };
}
