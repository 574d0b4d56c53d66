/** The desk of a conversation's approvals: what waits for a person, and what that person decides. A decision is made once. */
import { RpcTarget } from 'cloudflare:workers';
import type { ResponseId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { ApprovalObject } from '../../shared/contracts/approvals.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';
import type { Approval } from './effect.ts';
import { toApprovalObject, type TurnStore } from './turn-store.ts';

export type ApprovalDeskDeps = {
  readonly turns: TurnStore;
  readonly now: () => number;
  readonly findStart: (id: ResponseId) => TurnStart | undefined;
  readonly mayAct: (caller: Principal) => boolean;
  /** The turn goes on, wherever it is. */
  readonly decided: (id: ResponseId) => void;
  /** Tells the tenant's list. */
  readonly note: (start: TurnStart, approval: Approval, by?: Principal) => Promise<Result<unknown>>;
};

const noApproval = () => err('not_found', 'There is no such approval.');

export class ApprovalDesk extends RpcTarget {
  readonly #deps: ApprovalDeskDeps;

  constructor(deps: ApprovalDeskDeps) {
    super();
    this.#deps = deps;
  }

  find(caller: Principal, id: string): Result<ApprovalObject> {
    const found = this.#find(caller, id);
    return found ? ok(toApprovalObject(found.approval, found.start.conversationId)) : noApproval();
  }

  async decide(
    caller: Principal,
    id: string,
    decision: 'approved' | 'denied',
    reason: string | null,
  ): Promise<Result<ApprovalObject>> {
    const found = this.#find(caller, id);
    if (!found) return noApproval();
    const { approval, start } = found;
    const now = this.#deps.now();
    if (approval.status !== 'pending') {
      return approval.status === decision && approval.decidedBy?.id === caller.id
        ? this.find(caller, id)
        : err('conflict', `This approval is ${approval.status} already.`);
    }
    if (now >= approval.expiresAt) {
      await this.expire();
      return err('conflict', 'This approval has expired.');
    }
    this.#deps.turns.settleApproval(id, decision, { kind: caller.kind, id: caller.id }, reason, now);
    this.#deps.decided(start.responseId);
    await this.#deps.note(start, { ...approval, status: decision, decidedAt: now }, caller);
    return this.find(caller, id);
  }

  /** Ends what nobody has decided in time, and lets its turns go on. */
  async expire(): Promise<void> {
    const now = this.#deps.now();
    for (const approval of this.#deps.turns.expiredApprovals(now)) {
      this.#deps.turns.settleApproval(approval.id, 'expired', null, null, now);
      const start = this.#deps.findStart(approval.responseId as ResponseId);
      if (!start) continue;
      this.#deps.decided(start.responseId);
      await this.#deps.note(start, { ...approval, status: 'expired', decidedAt: now });
    }
  }

  #find(caller: Principal, id: string): { readonly approval: Approval; readonly start: TurnStart } | undefined {
    if (!this.#deps.mayAct(caller)) return undefined;
    const approval = this.#deps.turns.findApproval(id);
    const start = approval && this.#deps.findStart(approval.responseId as ResponseId);
    return approval && start && { approval, start };
  }
}
