/** Which approvals a tenant has, newest first, and how each stands. What they are about, their conversations know. */
import { RpcTarget } from 'cloudflare:workers';
import type { Principal } from '../../shared/core/principal.ts';
import type { ApprovalsQuery, ApprovalStatus, IndexedApproval } from '../../shared/contracts/approvals.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { AuditTrail } from './audit-trail.ts';
import { ApprovalStore } from './approval-store.ts';

export type NotedApproval = IndexedApproval & {
  readonly tool: string;
  readonly createdAt: number;
  readonly decidedBy: AuditActor | null;
};

const settledByPeople: Partial<Record<ApprovalStatus, 'approval.approved' | 'approval.denied'>> = {
  approved: 'approval.approved',
  denied: 'approval.denied',
};

export class ApprovalListDesk extends RpcTarget {
  readonly #store: ApprovalStore;
  readonly #trail: AuditTrail;

  constructor(sql: SqlStorage, trail: AuditTrail) {
    super();
    this.#store = new ApprovalStore(sql);
    this.#trail = trail;
  }

  /** Idempotent. A decision is entered into the audit trail, once. */
  note(approval: NotedApproval): void {
    if (!this.#store.put(approval)) return;
    const action = settledByPeople[approval.status];
    if (action && approval.decidedBy)
      this.#trail.enter(approval.decidedBy, action, { target: approval.id, details: { tool: approval.tool } });
  }

  list(principal: Principal, query: ApprovalsQuery): IndexedApproval[] {
    return this.#store.list(principal.scope.agent, query.status ?? null, query.limit + 1, query.cursor);
  }
}
