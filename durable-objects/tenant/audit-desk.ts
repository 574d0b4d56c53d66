/** The desk of a tenant's audit trail: it is read over RPC, and never written. */
import { RpcTarget } from 'cloudflare:workers';
import type { AuditActor, AuditEntry, AuditPage, AuditQuery, MemoryAccess } from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { AuditTrail } from './audit-trail.ts';

export class AuditDesk extends RpcTarget {
  readonly #trail: AuditTrail;

  constructor(trail: AuditTrail) {
    super();
    this.#trail = trail;
  }

  list(query: AuditQuery): List<AuditEntry> {
    return this.#trail.list(query);
  }

  /** To be called by whatever opens an agent's memory to the outside. */
  enterMemoryAccess(actor: AuditActor, access: MemoryAccess): void {
    this.#trail.enterMemoryAccess(actor, access);
  }

  page(after: number, limit: number): AuditPage {
    return this.#trail.page(after, limit);
  }
}
