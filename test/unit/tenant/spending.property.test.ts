/**
 * Budgets under fire: isolates that draw on leases and die, receipts that come late, twice or never, clocks that jump
 * and months that end, over 100,000 random steps. The seed is printed; BUDGET_SEED repeats a run.
 */
import { expect, it } from 'vitest';
import { mintId, type LeaseId } from '../../../shared/core/ids.ts';
import type { Principal } from '../../../shared/core/principal.ts';
import type { AdmissionRequest } from '../../../shared/contracts/admission.ts';
import type { BudgetScope, BudgetWindow } from '../../../shared/contracts/budgets.ts';
import type { Ticket } from '../../../shared/inference/ticket.ts';
import { windowStart } from '../../../durable-objects/tenant/budget-window.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';
import { Treasury } from '../../../durable-objects/tenant/treasury.ts';
import { GrantLeases } from '../../../workers/edge/grant-leases.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';

const Steps = Number(process.env['BUDGET_STEPS'] ?? 100_000);
const seed = Number(process.env['BUDGET_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const tenant = mintId('tenant', 1);
const HourMs = 3_600_000;

/** A receipt that has not come by then never comes; a lease is forgotten after a day. */
const LastReceiptMs = 18 * HourMs;

type Run = { readonly ticket: Ticket; readonly at: number; settled: number };

function randomFrom(start: number): () => number {
  let state = start | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

it(`no budget is overdrawn at any of ${Steps} random steps (seed ${seed})`, { timeout: 120_000 }, () => {
  const random = randomFrom(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  let now = Date.UTC(2026, 0, 30);
  const clock = { now: () => now };
  const treasury = new Treasury(sqliteStorage(tenantMigrations.map(({ sql }) => sql)));
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
    const limit = scope.run ? 900 : 20_000 + Math.floor(random() * 60_000);
    treasury.budgets.create(
      mintId('budget', at + 1),
      { name: `b${at}`, limit_micros: limit, window: windows[at % 4]!, scope },
      now,
    );
  }
  let isolates = Array.from({ length: 4 }, () => new GrantLeases(clock));
  const runs: Run[] = [];
  let open: Run[] = [];
  let admitted = 0;
  let refused = 0;

  const admit = () => {
    const isolate = pick(isolates);
    const principal = pick(principals);
    const needMicros = 1 + Math.floor(random() * 1_000);
    const request = {
      credential: { kind: 'key', keyId: principal.id, secretHash: 'x' },
      permission: 'inference:invoke',
      agentRef: null,
      reach: 'agent',
    } as unknown as AdmissionRequest;
    const drawn = isolate.draw(tenant, request, needMicros);
    let lease: LeaseId | null;
    if (drawn.kind === 'drawn') lease = drawn.held.grant.lease?.id ?? null;
    else {
      if (drawn.left?.lease) treasury.budgets.giveBack(drawn.left.lease.id, drawn.left.lease.micros);
      const granted = treasury.lease(principal, null, needMicros, random() < 0.8, now);
      if (!granted.ok) {
        refused++;
        return;
      }
      const held = isolate.keep(
        tenant,
        request,
        { principal, agent: null, lease: granted.value, rate: null },
        needMicros,
      );
      // Some isolates give back in time, some twice, some never.
      if (random() < 0.3) {
        const left = isolate.giveUp(held)?.lease;
        for (let times = random() < 0.2 ? 2 : 1; left && times > 0; times--) {
          treasury.budgets.giveBack(left.id, left.micros);
        }
      }
      lease = granted.value?.id ?? null;
    }
    admitted++;
    const { project, environment } = principal.scope;
    const run: Run = {
      settled: 0,
      at: now,
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
        maxMicros: needMicros,
      },
    };
    runs.push(run);
    open.push(run);
  };
  /** What each budget must have spent in its window, kept apart; windows only move forward. */
  const expected = scopes.map((scope, at) => ({ scope, window: windows[at % 4]!, start: 0, spent: 0 }));
  const rollExpected = () => {
    for (const each of expected) {
      const start = windowStart(each.window, now);
      if (start > each.start) Object.assign(each, { start, spent: 0 });
    }
  };
  const settle = (run: Run) => {
    if (run.settled++ > 0) return; // The ledger takes a run once; what comes again does not reach the treasury.
    const cost = Math.floor(random() * (run.ticket.maxMicros + 1));
    treasury.settle(run.ticket, cost, now);
    rollExpected();
    for (const each of expected) if (covered(each.scope, run.ticket)) each.spent += cost;
    open = open.filter((each) => each !== run);
  };

  for (let step = 0; step < Steps; step++) {
    const dice = random();
    if (dice < 0.5) admit();
    else if (dice < 0.86) {
      if (open.length > 0) settle(pick(open));
    } else if (dice < 0.88) {
      const again = runs.filter((run) => now - run.at < LastReceiptMs);
      if (again.length > 0) settle(pick(again)); // late or a duplicate
    } else if (dice < 0.885) isolates = isolates.map((isolate) => (random() < 0.25 ? new GrantLeases(clock) : isolate));
    else if (dice < 0.89) now -= Math.floor(random() * HourMs); // a clock that is set back
    else if (dice < 0.9) now += Math.floor(random() * 5 * HourMs);
    else now += Math.floor(random() * 2_000);
    if (dice >= 0.885) {
      // Both books look at the clock whenever it has moved.
      treasury.budgets.list(1, undefined, now);
      rollExpected();
    }
    const alive = (run: Run) => now - run.at < LastReceiptMs;
    open = open.filter(alive);
    if (runs.length > 500) runs.splice(0, runs.length, ...runs.filter(alive).slice(-250));

    if (step % 7 === 0 || step > Steps - 100) {
      rollExpected();
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
  expect(refused).toBeGreaterThan(0);
});

function covered(scope: BudgetScope, { project, environment, payer }: Ticket): boolean {
  return (
    (scope.project === undefined || scope.project === project) &&
    (scope.environment === undefined || scope.environment === environment) &&
    (scope.key === undefined || scope.key === payer.id)
  );
}
