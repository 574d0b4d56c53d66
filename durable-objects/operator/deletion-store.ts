/** All SQL about deletions that are under way: how far each has come, so that a crash in between costs nothing. */
import type { TenantId } from '../../shared/core/ids.ts';
import type { AuditLink } from '../../shared/store/audit-chain.ts';
import type { ShardCounts } from '../estate.ts';

export const deletionPhases = ['closing', 'erasing', 'proving', 'certifying'] as const;
export type DeletionPhase = (typeof deletionPhases)[number];
/** Rows that were erased, by `holder.table`. */
export type Erased = Readonly<Record<string, number>>;

export type Deletion = {
  readonly tenant: TenantId;
  readonly slug: string;
  readonly phase: DeletionPhase;
  readonly startedAt: number;
  readonly dueAt: number;
  /** The part that was dealt with last in this phase, as JSON. */
  readonly cursor: string | null;
  readonly erased: Erased;
  /** Where the tenant's audit trail ended. */
  readonly auditHead: AuditLink | null;
  /** How many vector shards each space had: their first, which alone knows, is erased with the others. */
  readonly shards: ShardCounts;
};

type DeletionRow = {
  tenant: TenantId;
  slug: string;
  phase: DeletionPhase;
  started_at: number;
  due_at: number;
  cursor: string | null;
  erased: string;
  audit_head: string | null;
  shards: string;
};

export class DeletionStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A deletion that was begun before goes on as it is. */
  begin(tenant: TenantId, slug: string, now: number): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO deletions VALUES (?, ?, 'closing', ?, ?, NULL, '{}', NULL, '{}')`,
      tenant,
      slug,
      now,
      now,
    );
  }

  find(tenant: string): Deletion | undefined {
    return this.#sql.exec<DeletionRow>('SELECT * FROM deletions WHERE tenant = ?', tenant).toArray().map(toDeletion)[0];
  }

  dueAt(): number | undefined {
    return this.#sql.exec<{ due: number | null }>('SELECT MIN(due_at) AS due FROM deletions').one().due ?? undefined;
  }

  due(now: number): Deletion[] {
    return this.#sql
      .exec<DeletionRow>('SELECT * FROM deletions WHERE due_at <= ? ORDER BY due_at', now)
      .toArray()
      .map(toDeletion);
  }

  keep({ tenant, phase, dueAt, cursor, erased, auditHead, shards }: Deletion): void {
    this.#sql.exec(
      'UPDATE deletions SET phase = ?, due_at = ?, cursor = ?, erased = ?, audit_head = ?, shards = ? WHERE tenant = ?',
      phase,
      dueAt,
      cursor,
      JSON.stringify(erased),
      auditHead && JSON.stringify(auditHead),
      JSON.stringify(shards),
      tenant,
    );
  }

  end(tenant: string): void {
    this.#sql.exec('DELETE FROM deletions WHERE tenant = ?', tenant);
  }
}

function toDeletion(row: DeletionRow): Deletion {
  return {
    tenant: row.tenant,
    slug: row.slug,
    phase: row.phase,
    startedAt: row.started_at,
    dueAt: row.due_at,
    cursor: row.cursor,
    erased: JSON.parse(row.erased) as Erased,
    auditHead: row.audit_head === null ? null : (JSON.parse(row.audit_head) as AuditLink),
    shards: JSON.parse(row.shards) as ShardCounts,
  };
}
