import { describe, expect, it } from 'vitest';
import { budgetScope, createBudget } from '../../../shared/contracts/budgets.ts';
import { mintId } from '../../../shared/core/ids.ts';
import type { Principal } from '../../../shared/core/principal.ts';
import type { Ticket } from '../../../shared/inference/ticket.ts';
import { windowEnd, windowStart } from '../../../durable-objects/tenant/budget-window.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';
import { Treasury } from '../../../durable-objects/tenant/treasury.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';

const Now = Date.UTC(2026, 10, 20, 12);
const principal: Principal = {
  kind: 'key',
  id: mintId('key', 1),
  permissions: [],
  scope: { project: null, environment: null, agent: null },
};

function setUp(limit: number, scope = {}) {
  const treasury = new Treasury(sqliteStorage(tenantMigrations.map(({ sql }) => sql)));
  const id = mintId('budget', 1);
  treasury.budgets.create(id, createBudget.parse({ name: 'b', limit_micros: limit, window: 'month', scope }), Now);
  const budget = (now = Now) => treasury.budgets.find(id, now)!;
  const lease = (needMicros: number, more = false, now = Now) => {
    const need = { micros: needMicros, tokens: 0 };
    const granted = treasury.grant({ principal, agentId: null, isRequest: false, need, more }, now);
    return granted.ok ? { ok: true as const, value: granted.value.lease } : granted;
  };
  const ticket = (run: string, leaseId: string, maxMicros: number) =>
    ({
      run,
      lease: leaseId,
      maxMicros,
      maxTokens: 0,
      project: null,
      environment: null,
      agent: null,
      payer: principal,
    }) as unknown as Ticket;
  return { treasury, budget, lease, ticket };
}

describe('a window', () => {
  it.each([
    ['day', '2026-11-20T12:00:00Z', '2026-11-20T00:00:00Z', '2026-11-21T00:00:00Z'],
    ['week', '2026-11-20T12:00:00Z', '2026-11-16T00:00:00Z', '2026-11-23T00:00:00Z'],
    ['week', '2026-11-16T00:00:00Z', '2026-11-16T00:00:00Z', '2026-11-23T00:00:00Z'],
    ['month', '2026-02-28T23:59:59Z', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'],
    ['month', '2026-12-31T23:59:59Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
  ] as const)('of a %s that holds %s begins at %s', (window, at, start, end) => {
    expect(windowStart(window, Date.parse(at))).toBe(Date.parse(start));
    expect(windowEnd(window, Date.parse(start))).toBe(Date.parse(end));
  });

  it('of the whole time never ends', () => {
    expect(windowStart('total', Now)).toBe(0);
    expect(windowEnd('total', 0)).toBeUndefined();
  });
});

describe('a budget', () => {
  it('refuses what it cannot hold, names itself and says what to do', () => {
    const { lease } = setUp(100);
    expect(lease(100).ok).toBe(true);
    expect(lease(1)).toMatchObject({
      ok: false,
      failure: { code: 'insufficient_quota', message: expect.stringContaining('"b"') as string },
    });
  });

  it('counts what is held as spent, and gives back what a run did not cost', () => {
    const { treasury, budget, lease, ticket } = setUp(100);
    const held = lease(60);
    if (!held.ok || !held.value) throw new Error('no lease');
    expect(budget()).toMatchObject({ spent_micros: 0, held_micros: 60 });
    treasury.settle([{ ticket: ticket('run_1', held.value.id, 60), usedTokens: 0, costMicros: 10 }], Now);
    expect(budget()).toMatchObject({ spent_micros: 10, held_micros: 0 });
  });

  it('keeps the holds of runs under way when a new month begins', () => {
    const { budget, lease } = setUp(100);
    expect(lease(60).ok).toBe(true);
    const december = Date.UTC(2026, 11, 1);
    expect(budget(december)).toMatchObject({ spent_micros: 0, held_micros: 60 });
  });

  it('binds nobody outside its scope', () => {
    const { lease } = setUp(0, { project: 'other' });
    expect(lease(1_000)).toEqual({ ok: true, value: null });
  });

  it('for single runs refuses the run that may cost more, and no other', () => {
    const { lease } = setUp(50, { run: true });
    expect(lease(51)).toMatchObject({ ok: false, failure: { code: 'insufficient_quota' } });
    for (let run = 0; run < 10; run++) expect(lease(50)).toEqual({ ok: true, value: null });
  });

  it('gets back what a run held that never reached its bridge, when it can no longer come back', () => {
    const { treasury, budget, lease } = setUp(100);
    const held = lease(100);
    if (!held.ok || !held.value) throw new Error('no lease');
    treasury.noteLost('run_1', held.value.id, { micros: 100, tokens: 0 }, Now + 1_000);
    expect(lease(100, false, Now + 999).ok).toBe(false);
    expect(lease(100, false, Now + 1_000).ok).toBe(true);
    expect(budget(Now + 1_000).held_micros).toBe(100);
  });

  it('gets back what a lost run held once, however often it is asked afterwards, and none of what the others hold', () => {
    const { treasury, budget, lease } = setUp(1_000);
    const held = lease(40, true);
    if (!held.ok || !held.value) throw new Error('no lease');
    expect(budget().held_micros).toBe(125);
    for (let again = 0; again < 2; again++)
      treasury.noteLost('run_1', held.value.id, { micros: 40, tokens: 0 }, Now + 1_000);
    for (let asked = 0; asked < 3; asked++) expect(lease(1, false, Now + 1_000).ok).toBe(true);
    expect(budget(Now + 1_000).held_micros).toBe(125 - 40 + 3);
  });

  it('charges a lost run that comes back, once, whether its hold is gone or not', () => {
    for (const later of [0, 2_000]) {
      const { treasury, budget, lease, ticket } = setUp(100);
      const held = lease(40);
      if (!held.ok || !held.value) throw new Error('no lease');
      treasury.noteLost('run_1', held.value.id, { micros: 40, tokens: 0 }, Now + 1_000);
      expect(lease(10, false, Now + later).ok).toBe(true);
      treasury.settle([{ ticket: ticket('run_1', held.value.id, 40), usedTokens: 0, costMicros: 30 }], Now + later);
      expect(budget(Now + later)).toMatchObject({ spent_micros: 30, held_micros: 10 });
    }
  });

  it('keeps what other runs of the lease hold when a lost run comes back after its time, in a batch with one of them', () => {
    const { treasury, budget, lease, ticket } = setUp(1_000);
    const held = lease(40, true);
    if (!held.ok || !held.value) throw new Error('no lease');
    const id = held.value.id;
    expect(budget().held_micros).toBe(125);
    treasury.noteLost('run_1', id, { micros: 40, tokens: 0 }, Now + 1_000);
    expect(lease(1, false, Now + 1_000).ok).toBe(true);
    expect(budget(Now + 1_000).held_micros).toBe(86);
    const uses = ['run_1', 'run_2'].map((run) => ({ ticket: ticket(run, id, 40), usedTokens: 0, costMicros: 30 }));
    treasury.settle(uses, Now + 1_000);
    expect(budget(Now + 1_000)).toMatchObject({ spent_micros: 60, held_micros: 46 });
  });

  it('lends one isolate no more than a share of what is left, and never less than a run needs', () => {
    const { budget, lease } = setUp(1_000);
    expect(lease(10, true)).toMatchObject({ value: { micros: 125 } });
    expect(budget().held_micros).toBe(125);
    expect(lease(500, true)).toMatchObject({ value: { micros: 500 } });
  });
});

describe('a budget that is asked for', () => {
  it.each([
    ['a negative limit', { limit_micros: -1 }],
    ['a fraction', { limit_micros: 1.5 }],
    ['more than can be counted', { limit_micros: 2 ** 60 }],
    ['an unknown window', { window: 'year' }],
    ['an unknown scope', { scope: { planet: 'earth' } }],
    ['two scopes at once', { scope: { project: 'a', key: 'key_1' } }],
    ['an unknown member', { tenant_id: 'tnt_1' }],
  ])('is refused with %s', (_, change) => {
    expect(createBudget.safeParse({ name: 'b', limit_micros: 1, window: 'day', ...change }).success).toBe(false);
  });

  it('may cover everything, or one thing', () => {
    for (const scope of [
      {},
      { project: 'a' },
      { environment: 'prod' },
      { agent: 'agt' },
      { key: 'key' },
      { run: true },
    ]) {
      expect(budgetScope.safeParse(scope).success).toBe(true);
    }
  });
});
