/** All SQL of a tenant's list of approvals. */
import type { ApprovalStatus, IndexedApproval } from '../../shared/contracts/approvals.ts';

type Row = { id: string; agent_id: string | null; status: ApprovalStatus; created_at: number };

export class ApprovalStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Whether it changed anything. What is settled stays settled. */
  put(approval: IndexedApproval & { readonly createdAt: number }): boolean {
    const before = this.#sql.exec<Row>('SELECT * FROM approvals WHERE id = ?', approval.id).toArray()[0];
    if (before && (before.status === approval.status || before.status !== 'pending')) return false;
    this.#sql.exec(
      `INSERT INTO approvals VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET status = ?3`,
      approval.id,
      approval.agent,
      approval.status,
      approval.createdAt,
    );
    return true;
  }

  /** Newest first. The cursor is the last one's time and id. */
  list(
    agent: string | null,
    status: ApprovalStatus | null,
    limit: number,
    cursor: string | undefined,
  ): IndexedApproval[] {
    const at =
      cursor === undefined
        ? undefined
        : this.#sql.exec<Row>('SELECT * FROM approvals WHERE id = ?', cursor).toArray()[0];
    if (cursor !== undefined && !at) return [];
    return this.#sql
      .exec<Row>(
        `SELECT * FROM approvals WHERE (?1 IS NULL OR agent_id = ?1) AND (?2 IS NULL OR status = ?2)
           AND (?3 IS NULL OR created_at < ?3 OR (created_at = ?3 AND id < ?4))
         ORDER BY created_at DESC, id DESC LIMIT ?5`,
        agent,
        status,
        at?.created_at ?? null,
        at?.id ?? null,
        limit,
      )
      .toArray()
      .map((row) => ({ id: row.id, agent: row.agent_id, status: row.status }));
  }
}
