/**
 * What a tenant may still use: grants leases and requests, takes back what was not used, and turns receipts into
 * spending. One place knows how budgets, rate limits, leases and lost runs belong together. A grant is decided over all
 * limits before any of it is written, so a refusal uses nothing up.
 */
import { mintId, type LeaseId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { decideRate, RateWindowSeconds, type RateDecision, type RateStates } from '../../shared/core/rate-window.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { Lease, Leftover, Need, RateGrant } from '../../shared/contracts/admission.ts';
import type { RateLimit } from '../../shared/contracts/keys.ts';
import type { Ticket } from '../../shared/inference/ticket.ts';
import { BudgetStore, type ReachedThreshold } from './budget-store.ts';
import { LeaseStore } from './lease-store.ts';
import { RateStore, WholeTenant, type LimitedSubject, type Measure } from './rate-store.ts';
import { decideLease, decideRuns, type BudgetState, type Spender } from './spending.ts';

/** What somebody asks to be granted. */
export type Asked = {
  readonly principal: Principal;
  readonly agentId: string | null;
  /** Whether this is a request that counts as one; a further run of a turn is none. */
  readonly isRequest: boolean;
  /** Where it is a run: what it may use at most. */
  readonly need?: Need;
  /** The holder may admit further runs of its own out of what is left. */
  readonly more: boolean;
};
export type Granted = { readonly lease: Lease | null; readonly rate: RateGrant | null };

/** What a run's receipt says of it. */
export type Use = { readonly ticket: Ticket; readonly usedTokens: number; readonly costMicros: number };

type Limited = { readonly subject: LimitedSubject; readonly limits: RateLimit };

/** Runs end at any time: soon is as good as later. */
const BusyRetryMs = 500;

export class Treasury {
  readonly leases: LeaseStore;
  readonly budgets: BudgetStore;
  readonly rates: RateStore;
  readonly #wholeTenant: () => RateLimit | undefined;
  readonly #reached: (threshold: ReachedThreshold) => void;

  /** `wholeTenant`: the limits of all its callers together. `reached` is told of thresholds, in the settling's transaction. */
  constructor(
    sql: SqlStorage,
    wholeTenant: () => RateLimit | undefined = () => undefined,
    reached: (threshold: ReachedThreshold) => void = () => {},
  ) {
    this.leases = new LeaseStore(sql);
    this.budgets = new BudgetStore(sql, this.leases);
    this.rates = new RateStore(sql);
    this.#wholeTenant = wholeTenant;
    this.#reached = reached;
  }

  grant({ principal, agentId, isRequest, need, more }: Asked, now: number): Result<Granted> {
    this.leases.releaseLost(now);
    const spender = spenderOf(principal, agentId);
    const limited = this.#limited(principal);
    const requests = isRequest ? this.#decide(limited, 'requests', 1, more && need !== undefined, now) : undefined;
    if (requests?.kind === 'refused') return refuseRate('requests', requests, 1);
    const tokens = need && this.#decide(limited, 'tokens', need.tokens, more, now);
    const states: RateStates = {
      ...(requests ? { requests: requests.state } : {}),
      ...(tokens ? { tokens: tokens.state } : {}),
    };
    if (need && tokens?.kind === 'refused') return refuseRate('tokens', tokens, need.tokens, states);
    const runs = need && this.#decideRuns(limited, more, now);
    if (runs === 0) return refuseRuns(limited, states);
    const money = need && decideLease(this.budgets.applying(spender, now), need.micros, more);
    if (need && money?.kind === 'refuse') {
      const { budget } = money;
      const { degradeTo } = budget;
      return err('insufficient_quota', describeRefusal(budget, need.micros), degradeTo === null ? {} : { degradeTo });
    }
    const held = {
      micros: money?.kind === 'hold' ? money.micros : null,
      tokens: tokens?.kind === 'granted' ? tokens.amount : null,
      runs: runs ?? null,
    };
    this.#take(limited, 'requests', requests);
    this.#take(limited, 'tokens', tokens);
    const rate =
      requests || tokens ? { requests: requests?.amount ?? null, second: Math.floor(now / 1000), states } : null;
    if (held.micros === null && held.tokens === null && held.runs === null) return ok({ lease: null, rate });
    const id = mintId('lease', now);
    const amounts = { micros: held.micros ?? 0, tokens: held.tokens ?? 0, runs: held.runs ?? 0 };
    this.leases.hold(id, spender, amounts, tokens?.kind === 'granted' ? tokens.second : null, now);
    return ok({ lease: { id, ...held }, rate });
  }

  /** Takes back what a lease and a grant have left when their holder is done with them: once, whatever arrives twice. */
  takeBack({ lease, rate }: Leftover): void {
    if (lease && this.leases.markReturned(lease.id)) {
      this.#returnTokens(lease.id, lease.tokens);
      this.leases.release(lease.id, lease);
    }
    if (!rate) return;
    for (const subject of [rate.key, WholeTenant]) {
      this.rates.giveBack(subject, 'requests', rate.second, rate.requests);
    }
  }

  /** The bridge could not be reached, so nobody knows whether the run began. It is in flight no longer: its caller is told. */
  noteLost(run: string, lease: LeaseId, need: Need, releaseAt: number): void {
    if (this.leases.noteLost(run, lease, need, releaseAt))
      this.leases.release(lease, { micros: 0, tokens: 0, runs: 1 });
  }

  /** The receipts of runs: what was held for them becomes what they cost and used. Each lease and budget is written once. */
  settle(uses: readonly Use[], now: number): void {
    const lost = this.leases.takeLost(uses.map(({ ticket }) => ticket.run));
    const byLease = Map.groupBy(uses, ({ ticket }) => ticket.lease);
    byLease.delete(null);
    for (const [lease, drawn] of byLease as Map<LeaseId, Use[]>) {
      this.#returnTokens(
        lease,
        sum(drawn, ({ ticket, usedTokens }) => ticket.maxTokens - usedTokens),
      );
      const held = drawn.filter(({ ticket }) => !lost.get(ticket.run)?.released);
      this.leases.release(lease, {
        micros: sum(held, ({ ticket }) => ticket.maxMicros),
        tokens: sum(held, ({ ticket }) => ticket.maxTokens),
        runs: sum(held, ({ ticket }) => (lost.has(ticket.run) ? 0 : 1)),
      });
    }
    for (const spent of Map.groupBy(uses, ({ ticket }) => JSON.stringify(payerOf(ticket))).values()) {
      const micros = sum(spent, ({ costMicros }) => costMicros);
      for (const threshold of this.budgets.spend(payerOf(spent[0]!.ticket), micros, now)) this.#reached(threshold);
    }
  }

  #limited({ kind, id }: Principal): Limited[] {
    const own = kind === 'key' ? this.rates.findLimits(id) : undefined;
    const all = this.#wholeTenant();
    return [...(own ? [{ subject: id, limits: own }] : []), ...(all ? [{ subject: WholeTenant, limits: all }] : [])];
  }

  #decide(
    limited: readonly Limited[],
    measure: Measure,
    need: number,
    more: boolean,
    now: number,
  ): RateDecision | undefined {
    const meters = limited.flatMap(({ subject, limits }) => {
      const limit = limits[`${measure}_per_minute`];
      return limit === undefined ? [] : [this.rates.meter(subject, measure, limit)];
    });
    return meters.length > 0 ? decideRate(meters, need, more, now) : undefined;
  }

  /** Undefined where nothing limits them. */
  #decideRuns(limited: readonly Limited[], more: boolean, now: number): number | undefined {
    const meters = limited.flatMap(({ subject, limits: { concurrent_runs: limit } }) =>
      limit === undefined
        ? []
        : [{ limit, inFlight: this.leases.heldRuns(subject === WholeTenant ? null : subject, now) }],
    );
    return meters.length > 0 ? decideRuns(meters, more) : undefined;
  }

  #take(limited: readonly Limited[], measure: Measure, decision: RateDecision | undefined): void {
    if (decision?.kind !== 'granted') return;
    for (const { subject, limits } of limited) {
      if (limits[`${measure}_per_minute`] === undefined) continue;
      this.rates.add(subject, measure, decision.second, decision.amount);
    }
  }

  #returnTokens(lease: LeaseId, tokens: number): void {
    const counted = tokens === 0 ? undefined : this.leases.findTokens(lease);
    if (!counted) return;
    for (const subject of [counted.key, WholeTenant]) {
      if (subject !== null) this.rates.giveBack(subject, 'tokens', counted.second, tokens);
    }
  }
}

function spenderOf({ kind, id, scope }: Principal, agent: string | null): Spender {
  return { project: scope.project, environment: scope.environment, agent, key: kind === 'key' ? id : null };
}

function payerOf({ project, environment, agent, payer }: Ticket): Spender {
  return { project, environment, agent, key: payer.kind === 'key' ? payer.id : null };
}

function sum<T>(items: readonly T[], amountOf: (item: T) => number): number {
  return items.reduce((total, item) => total + amountOf(item), 0);
}

function refuseRate(
  measure: Measure,
  { retryAfterMs, state }: Extract<RateDecision, { kind: 'refused' }>,
  need: number,
  states: RateStates = { [measure]: state },
): Result<never> {
  const allowed = `No more than ${state.limit} ${measure} may be used in ${RateWindowSeconds} seconds`;
  if (retryAfterMs === undefined) {
    const message = `${allowed}, and this request alone may use ${need}. Lower max_tokens, or shorten the input.`;
    return err('invalid_request', message, { param: 'max_tokens', rate: states });
  }
  return err('rate_limit_exceeded', `${allowed}.`, { retryAfterMs, rate: states });
}

function refuseRuns(limited: readonly Limited[], rate: RateStates): Result<never> {
  const limit = Math.min(...limited.flatMap(({ limits }) => limits.concurrent_runs ?? []));
  const message = `No more than ${limit} runs may be under way at once. Wait until one of them has ended.`;
  return err('rate_limit_exceeded', message, { retryAfterMs: BusyRetryMs, rate });
}

function describeRefusal(budget: BudgetState, needMicros: number): string {
  const left = Math.max(0, budget.limitMicros - budget.spentMicros - budget.heldMicros);
  return (
    `The budget "${budget.name}" does not allow this: the request may cost up to ${needMicros} micro-USD, ` +
    `${budget.scope.run ? `a single run may cost ${budget.limitMicros}` : `${left} are left`}. ` +
    'Lower max_output_tokens, or raise the budget.'
  );
}
