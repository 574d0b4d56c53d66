/**
 * What a tenant may still spend: grants leases, takes them back, and turns receipts into spending. One place knows how
 * budgets, leases and lost runs belong together; the object only passes calls on.
 */
import { mintId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { Lease } from '../../shared/contracts/admission.ts';
import type { Ticket } from '../../shared/inference/ticket.ts';
import { BudgetStore } from './budget-store.ts';
import { decideLease, type BudgetState, type Spender } from './spending.ts';

export class Treasury {
  readonly budgets: BudgetStore;

  constructor(sql: SqlStorage) {
    this.budgets = new BudgetStore(sql);
  }

  /** `more`: the holder may admit further runs of its own out of what is left. */
  lease(
    principal: Principal,
    agentId: string | null,
    needMicros: number,
    more: boolean,
    now: number,
  ): Result<Lease | null> {
    this.budgets.releaseLost(now);
    const spender = spenderOf(principal, agentId);
    const decision = decideLease(this.budgets.applying(spender, now), needMicros, more);
    switch (decision.kind) {
      case 'free':
        return ok(null);
      case 'refuse':
        return err('insufficient_quota', describeRefusal(decision.budget, needMicros));
      case 'hold': {
        const id = mintId('lease', now);
        this.budgets.hold(id, spender, decision.micros, now);
        return ok({ id, micros: decision.micros });
      }
    }
  }

  /** The run's receipt: what was held for it becomes what it cost. */
  settle(ticket: Ticket, costMicros: number, now: number): void {
    if (ticket.lease !== null && this.budgets.findLost(ticket.run)) {
      this.budgets.release(ticket.lease, ticket.maxMicros);
    }
    const { project, environment, agent, payer } = ticket;
    this.budgets.spend({ project, environment, agent, key: payer.kind === 'key' ? payer.id : null }, costMicros, now);
  }
}

function spenderOf({ kind, id, scope }: Principal, agent: string | null): Spender {
  return { project: scope.project, environment: scope.environment, agent, key: kind === 'key' ? id : null };
}

function describeRefusal(budget: BudgetState, needMicros: number): string {
  const left = Math.max(0, budget.limitMicros - budget.spentMicros - budget.heldMicros);
  return (
    `The budget "${budget.name}" does not allow this: the request may cost up to ${needMicros} micro-USD, ` +
    `${budget.scope.run ? `a single run may cost ${budget.limitMicros}` : `${left} are left`}. ` +
    'Lower max_output_tokens, or raise the budget.'
  );
}
