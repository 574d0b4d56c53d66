/** The desk of a tenant's budgets: what is asked and done over RPC. Each change and its entry in the audit trail are one. */
import { RpcTarget } from 'cloudflare:workers';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { BudgetId } from '../../shared/core/ids.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import { isWholeBreach, type Budget, type CreateBudget, type UpdateBudget } from '../../shared/contracts/budgets.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { AgentStore } from './agent-store.ts';
import type { AuditNote, AuditTrail } from './audit-trail.ts';
import type { BudgetStore } from './budget-store.ts';
import type { KeyStore } from './key-store.ts';

const noBudget = () => err('not_found', 'There is no such budget.');

export class BudgetDesk extends RpcTarget {
  readonly #budgets: BudgetStore;
  readonly #agents: AgentStore;
  readonly #keys: KeyStore;
  readonly #trail: AuditTrail;
  readonly #now: () => number;

  constructor(budgets: BudgetStore, agents: AgentStore, keys: KeyStore, trail: AuditTrail, now: () => number) {
    super();
    this.#budgets = budgets;
    this.#agents = agents;
    this.#keys = keys;
    this.#trail = trail;
    this.#now = now;
  }

  find(id: string): Result<Budget> {
    const found = this.#budgets.find(id, this.#now());
    return found ? ok(found) : noBudget();
  }

  list(limit: number, cursor: string | undefined): List<Budget> {
    return this.#budgets.list(limit, cursor, this.#now());
  }

  /** A repeated run of the same request finds the budget, and enters nothing. */
  create(id: BudgetId, budget: CreateBudget, actor: AuditActor): Result<Budget> {
    const { agent, key } = budget.scope;
    if (agent !== undefined && !this.#agents.find(agent).ok) {
      return err('invalid_request', 'scope.agent names no agent of this tenant.', { param: 'scope.agent' });
    }
    if (key !== undefined && !this.#keys.exists(key)) {
      return err('invalid_request', 'scope.key names no key of this tenant.', { param: 'scope.key' });
    }
    const now = this.#now();
    const isNew = this.#budgets.find(id, now) === undefined;
    return this.#trail.change(
      actor,
      'budget.created',
      () => ok(this.#budgets.create(id, budget, now)),
      (made) => (isNew ? noteBudget(made) : undefined),
    );
  }

  update(id: string, change: UpdateBudget, actor: AuditActor): Result<Budget> {
    return this.#trail.change(
      actor,
      'budget.updated',
      () => {
        const before = this.#budgets.find(id, this.#now());
        if (!before) return noBudget();
        const onBreach = change.on_breach ?? before.on_breach;
        const after = {
          name: change.name ?? before.name,
          limit_micros: change.limit_micros ?? before.limit_micros,
          thresholds: change.thresholds ?? before.thresholds,
          on_breach: onBreach,
          // Who turns to refusing need not name that no model is wanted any more.
          degrade_to:
            change.degrade_to === undefined && onBreach === 'refuse' ? null : (change.degrade_to ?? before.degrade_to),
        };
        if (!isWholeBreach(after)) {
          return err('invalid_request', '"degrade_to": "degrade" needs a model here, "refuse" takes none.', {
            param: 'degrade_to',
          });
        }
        this.#budgets.update(id, after);
        return ok(this.#budgets.find(id, this.#now())!);
      },
      noteBudget,
    );
  }

  delete(id: string, actor: AuditActor): Result<undefined> {
    return this.#trail.change(
      actor,
      'budget.deleted',
      () => (this.#budgets.delete(id) ? ok() : noBudget()),
      () => ({ target: id }),
    );
  }
}

function noteBudget({ id, limit_micros, window }: Budget): AuditNote {
  return { target: id, details: { limit_micros, window } };
}
