/**
 * Budgets and limits under fire: isolates that draw on leases and die, receipts that come late, twice or never, bridges
 * that cannot be reached, clocks that jump and months that end, over 100,000 random steps. The seed is printed;
 * FREEHOLD_SEED draws others.
 */
import { expect, it } from 'vitest';
import { mintId, type LeaseId } from '../../../shared/core/ids.ts';
import type { Principal } from '../../../shared/core/principal.ts';
import type { AdmissionRequest } from '../../../shared/contracts/admission.ts';
import { createBudget, type BudgetScope, type BudgetWindow } from '../../../shared/contracts/budgets.ts';
import type { RateLimit } from '../../../shared/contracts/keys.ts';
import { MaxRunMs } from '../../../shared/inference/reservation.ts';
import type { Ticket } from '../../../shared/inference/ticket.ts';
import { windowStart } from '../../../durable-objects/tenant/budget-window.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';
import { Treasury } from '../../../durable-objects/tenant/treasury.ts';
import { GrantLeases } from '../../../workers/edge/grant-leases.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';
import { randomFrom, seed } from '../../support/seeded-random.ts';

const Steps = Number(process.env['BUDGET_STEPS'] ?? 100_000);
const tenant = mintId('tenant', 1);
const HourMs = 3_600_000;

/** A receipt that has not come by then never comes; a lease is forgotten after a day. */
const LastReceiptMs = 18 * HourMs;

/** What the whole tenant may use, and its first key. */
const tenantLimits: RateLimit = { requests_per_minute: 60, tokens_per_minute: 12_000, concurrent_runs: 16 };
const keyLimits: RateLimit = { requests_per_minute: 20, tokens_per_minute: 3_600, concurrent_runs: 4 };

type Run = {
  readonly ticket: Ticket;
  readonly at: number;
  /** By a clock that only goes forward. */
  readonly trueAt: number;
  settled: number;
  usedTokens: number;
  isLost: boolean;
  /** Settled, lost, or older than any run can be. */
  inFlight: boolean;
};

it(`no budget is overdrawn at any of ${Steps} random steps (seed ${seed})`, { timeout: 300_000 }, () => {
  const random = randomFrom(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  let now = Date.UTC(2026, 0, 30);
  let trueNow = 0;
  const clock = { now: () => now };
  const treasury = new Treasury(sqliteStorage(tenantMigrations.map(({ sql }) => sql)), () => tenantLimits);
  const principals: Principal[] = ['alpha', 'beta', null].map((project, at) => ({
    kind: 'key',
    id: mintId('key', at + 1),
    permissions: [],
    scope: { project, environment: at === 0 ? 'prod' : null, agent: null },
  }));
  const scopes: BudgetScope[] = [
    {},
    { project: 'alpha' },
    { environment: 'prod' },
    { key: principals[1]!.id },
    { run: true },
  ];
  const windows: BudgetWindow[] = ['day', 'week', 'month', 'total'];
  for (const [at, scope] of scopes.entries()) {
    const limit = scope.run ? 900 : 60_000 + Math.floor(random() * 60_000);
    treasury.budgets.create(
      mintId('budget', at + 1),
      createBudget.parse({
        name: `b${at}`,
        limit_micros: limit,
        window: windows[at % 4]!,
        scope,
        ...(at % 2 === 0 ? { on_breach: 'degrade', degrade_to: 'cheaper' } : {}),
      }),
      now,
    );
  }
  treasury.rates.setLimits(principals[0]!.id, keyLimits);
  let isolates = Array.from({ length: 4 }, () => new GrantLeases(clock));
  const runs: Run[] = [];
  let open: Run[] = [];
  let admitted = 0;
  const refused = new Map<string, number>();
  let degraded = 0;

  const admit = () => {
    const isolate = pick(isolates);
    const principal = pick(principals);
    // Now and then a run that may use nearly all that a key may, so that tokens run out before requests do.
    const mostTokens = random() < 0.05 ? keyLimits.tokens_per_minute! : 300;
    let need = { micros: 1 + Math.floor(random() * 1_000), tokens: 1 + Math.floor(random() * mostTokens) };
    const request = {
      credential: { kind: 'key', keyId: principal.id, secretHash: 'x' },
      permission: 'inference:invoke',
      agentRef: null,
      reach: 'agent',
    } as unknown as AdmissionRequest;
    const drawn = isolate.draw(tenant, request, need);
    let lease: LeaseId | null;
    if (drawn.kind === 'drawn') lease = drawn.held.grant.lease?.id ?? null;
    else {
      if (drawn.left) treasury.takeBack(drawn.left);
      const more = random() < 0.8;
      const ask = () => treasury.grant({ principal, agentId: null, isRequest: true, need, more }, now);
      let granted = ask();
      if (!granted.ok && granted.failure.degradeTo !== undefined) {
        need = { ...need, micros: Math.ceil(need.micros / 10) };
        granted = ask();
        if (granted.ok) degraded++;
      }
      if (!granted.ok) {
        const kind = /budget|requests|tokens|runs/.exec(granted.failure.message)![0];
        refused.set(kind, (refused.get(kind) ?? 0) + 1);
        return;
      }
      const held = isolate.keep(tenant, request, { principal, agent: null, ...granted.value }, need, now);
      // Some isolates give back in time, some twice, some never.
      if (random() < 0.3) {
        const left = isolate.giveUp(held);
        if (left) treasury.takeBack(left);
        // What was granted as requests is named by its second alone, and its isolate gives it back once.
        if (left?.lease && random() < 0.2) treasury.takeBack({ lease: left.lease });
      }
      lease = granted.value.lease?.id ?? null;
    }
    admitted++;
    const { project, environment } = principal.scope;
    const run: Run = {
      settled: 0,
      usedTokens: need.tokens,
      isLost: false,
      inFlight: true,
      at: now,
      trueAt: trueNow,
      ticket: {
        run: mintId('run', now),
        tenant,
        payer: { kind: 'key', id: principal.id },
        agent: null,
        project,
        environment,
        lease,
        bridge: 'brg',
        model: 'm',
        priceId: 'p',
        price: { input_micros_per_mtok: 0, cached_input_micros_per_mtok: 0, output_micros_per_mtok: 0 },
        maxMicros: need.micros,
        maxTokens: need.tokens,
      },
    };
    runs.push(run);
    open.push(run);
  };
  /** What each budget must have spent in its window, kept apart; windows only move forward. */
  const expected = scopes.map((scope, at) => ({
    scope,
    window: windows[at % 4]!,
    start: windowStart(windows[at % 4]!, now),
    spent: 0,
  }));
  const rollExpected = () => {
    for (const each of expected) {
      const start = windowStart(each.window, now);
      if (start > each.start) Object.assign(each, { start, spent: 0 });
    }
  };
  /** One batch. The ledger takes a run once; what comes again does not reach the treasury. */
  const settle = (batch: Iterable<Run>) => {
    const uses = [...batch]
      .filter((run) => run.settled++ === 0)
      .map((run) => {
        const costMicros = Math.floor(random() * (run.ticket.maxMicros + 1));
        const usedTokens = Math.floor(random() * (run.ticket.maxTokens + 1));
        Object.assign(run, { usedTokens, inFlight: false });
        return { run, use: { ticket: run.ticket, usedTokens, costMicros } };
      });
    treasury.settle(
      uses.map(({ use }) => use),
      now,
    );
    rollExpected();
    for (const { use } of uses) {
      for (const each of expected) if (covered(each.scope, use.ticket)) each.spent += use.costMicros;
    }
    const settled = new Set(uses.map(({ run }) => run));
    open = open.filter((each) => !settled.has(each));
  };

  /** The bridge was not reached, or only seemed so: the receipt comes all the same, or never. */
  const lose = (run: Run) => {
    if (run.ticket.lease === null || run.settled > 0) return;
    for (let times = random() < 0.2 ? 2 : 1; times > 0; times--) {
      const need = { micros: run.ticket.maxMicros, tokens: run.ticket.maxTokens };
      treasury.noteLost(run.ticket.run, run.ticket.lease, need, now + LastReceiptMs);
    }
    Object.assign(run, { isLost: true, inFlight: false });
  };
  const forward = (ms: number) => {
    now += ms;
    trueNow += ms;
  };
  const ofFirstKey = ({ ticket }: Run) => ticket.payer.id === principals[0]!.id;
  const checkLimits = (step: number) => {
    const held = treasury.leases.heldRuns(null, now);
    const underWay = runs.filter((run) => run.inFlight && run.ticket.lease !== null).length;
    if (underWay > held) throw new Error(`step ${step}: ${underWay} runs are under way, and ${held} are held`);
    for (const [limits, those] of [
      [tenantLimits, () => true],
      [keyLimits, ofFirstKey],
    ] as const) {
      const mine = runs.filter(those);
      const minute = mine.filter((run) => run.trueAt > trueNow - 60_000);
      const tokens = minute.reduce((sum, { usedTokens }) => sum + usedTokens, 0);
      const inFlight = mine.filter((run) => run.inFlight).length;
      const used = { requests_per_minute: minute.length, tokens_per_minute: tokens, concurrent_runs: inFlight };
      for (const [name, count] of Object.entries(used)) {
        if (count > limits[name as keyof RateLimit]!) throw new Error(`step ${step}: ${count} ${name}`);
      }
    }
  };

  for (let step = 0; step < Steps; step++) {
    const dice = random();
    if (dice < 0.66) admit();
    else if (dice < 0.86) {
      if (open.length > 0) settle(new Set(Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(open))));
    } else if (dice < 0.88) {
      const again = runs.filter((run) => now - run.at < LastReceiptMs);
      if (again.length > 0) settle([pick(again)]); // late or a duplicate
    } else if (dice < 0.885) isolates = isolates.map((isolate) => (random() < 0.25 ? new GrantLeases(clock) : isolate));
    else if (dice < 0.888) {
      if (open.length > 0) lose(pick(open));
    } else if (dice < 0.89) now -= Math.floor(random() * HourMs); // a clock that is set back
    else if (dice < 0.9) forward(Math.floor(random() * 5 * HourMs));
    else forward(Math.floor(random() * 2_000));
    if (dice >= 0.885) {
      // Both books look at the clock whenever it has moved.
      treasury.budgets.list(1, undefined, now);
      rollExpected();
    }
    const alive = (run: Run) => now - run.at < LastReceiptMs;
    open = open.filter(alive);
    for (const run of open) if (now - run.at >= MaxRunMs - 1_000) run.inFlight = false;
    const isRecent = (run: Run) => run.inFlight || run.trueAt > trueNow - 60_000;
    if (runs.length > 800) {
      const kept = new Set(runs.slice(-250));
      runs.splice(0, runs.length, ...runs.filter((run) => isRecent(run) || (kept.has(run) && alive(run))));
    }

    if (step % 7 === 0 || step > Steps - 100) {
      rollExpected();
      checkLimits(step);
      for (const [at, budget] of treasury.budgets.list(100, undefined, now).data.entries()) {
        if (budget.spent_micros !== expected[at]!.spent) {
          throw new Error(
            `step ${step}: ${budget.name} says ${budget.spent_micros}, but ${expected[at]!.spent} were spent`,
          );
        }
        if (budget.scope.run) continue;
        const total = budget.spent_micros + budget.held_micros;
        if (total > budget.limit_micros)
          throw new Error(`step ${step}: ${budget.name} has ${total} of ${budget.limit_micros}`);
        const inFlight = open
          .filter(({ ticket }) => covered(budget.scope, ticket))
          .reduce((sum, { ticket }) => sum + ticket.maxMicros, 0);
        if (inFlight > budget.held_micros) throw new Error(`step ${step}: ${budget.name} holds less than is under way`);
      }
    }
  }
  expect(admitted).toBeGreaterThan(Steps / 50);
  expect(degraded).toBeGreaterThan(0);
  // Every kind of limit has refused somebody.
  expect([...refused.keys()].toSorted()).toEqual(['budget', 'requests', 'runs', 'tokens']);
});

function covered(scope: BudgetScope, { project, environment, payer }: Ticket): boolean {
  return (
    (scope.project === undefined || scope.project === project) &&
    (scope.environment === undefined || scope.environment === environment) &&
    (scope.key === undefined || scope.key === payer.id)
  );
}
