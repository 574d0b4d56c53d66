/**
 * Rate limits over a grid of limit, load and isolates that hold grants of the tenant's object: within any sixty seconds
 * never more than the limit, and nearly all of it where there is demand.
 */
import { describe, expect, it } from 'vitest';
import type { AdmissionRequest } from '../../../shared/contracts/admission.ts';
import { mintId } from '../../../shared/core/ids.ts';
import type { Principal } from '../../../shared/core/principal.ts';
import type { RateLimit } from '../../../shared/contracts/keys.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';
import { Treasury } from '../../../durable-objects/tenant/treasury.ts';
import { GrantLeases, LeaseMs } from '../../../workers/edge/grant-leases.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';

const Start = 1_800_000_000_000;
const Minutes = 4;
const tenant = mintId('tenant', 1);
const principal: Principal = {
  kind: 'key',
  id: mintId('key', 1),
  permissions: [],
  scope: { project: null, environment: null, agent: null },
};
const request = {
  credential: { kind: 'key', keyId: principal.id, secretHash: 'x' },
  permission: 'inference:invoke',
  agentRef: null,
  reach: 'agent',
} as unknown as AdmissionRequest;

/** Runs arrivals over isolates by turns, as the edge does it, and gives the times of those that passed. */
function pass(arrivals: readonly number[], limits: RateLimit, isolateCount: number, tokens = 1): number[] {
  const clock = { at: Start, now: () => clock.at };
  const treasury = new Treasury(sqliteStorage(tenantMigrations.map(({ sql }) => sql)));
  treasury.rates.setLimits(principal.id, limits);
  const isolates = Array.from({ length: isolateCount }, () => new GrantLeases(clock));
  const timers: { readonly at: number; readonly fire: () => void }[] = [];
  const need = { micros: 0, tokens };
  return arrivals.filter((arrival, at) => {
    while (timers[0] && timers[0].at <= arrival) {
      const timer = timers.shift()!;
      clock.at = Start + timer.at;
      timer.fire();
    }
    clock.at = Start + arrival;
    const isolate = isolates[at % isolateCount]!;
    const drawn = isolate.draw(tenant, request, need);
    if (drawn.kind === 'drawn') return true;
    if (drawn.left) treasury.takeBack(drawn.left);
    const granted = treasury.grant({ principal, agentId: null, isRequest: true, need, more: true }, clock.at);
    if (!granted.ok) return false;
    const held = isolate.keep(tenant, request, { principal, agent: null, ...granted.value }, need, clock.at);
    timers.push({
      at: arrival + LeaseMs,
      fire: () => {
        const left = isolate.giveUp(held);
        if (left) treasury.takeBack(left);
      },
    });
    return true;
  });
}

function busiestMinute(passed: readonly number[]): number {
  let first = 0;
  return passed.reduce((most, time, at) => {
    while (passed[first]! <= time - 60_000) first++;
    return Math.max(most, at - first + 1);
  }, 0);
}

const grid = [60, 600].flatMap((limit) =>
  [0.9, 1, 1.2, 1.5, 2].flatMap((load) => [1, 2, 4].map((isolates) => [limit, load, isolates] as const)),
);

describe('requests a minute', () => {
  it.each(grid)('of %i under %f times the load by %i isolates: never more, and nearly all', (limit, load, isolates) => {
    const perMinute = limit * load;
    const arrivals = Array.from({ length: Math.floor(perMinute * Minutes) }, (_, at) => (at * 60_000) / perMinute);
    const passed = pass(arrivals, { requests_per_minute: limit }, isolates);
    expect(busiestMinute(passed)).toBeLessThanOrEqual(limit);
    expect(passed.length).toBeGreaterThanOrEqual(0.95 * Math.min(arrivals.length, limit * Minutes));
  });

  it.each([1, 2, 4])('of a burst at the edge of every minute, by %i isolates, are not passed twice', (isolates) => {
    const arrivals = Array.from({ length: Minutes }, (_, minute) =>
      Array.from({ length: 240 }, (__, at) => (minute + 1) * 60_000 - 1_200 + at * 10),
    ).flat();
    const passed = pass(arrivals, { requests_per_minute: 100 }, isolates);
    expect(busiestMinute(passed)).toBeLessThanOrEqual(100);
    expect(passed.length).toBeGreaterThanOrEqual(150);
  });
});

describe('tokens a minute', () => {
  it.each([1, 4])('bind runs by %i isolates as requests are bound, each with what it may use at most', (isolates) => {
    const arrivals = Array.from({ length: 1_200 * Minutes }, (_, at) => at * 50);
    const passed = pass(arrivals, { tokens_per_minute: 60_000 }, isolates, 100);
    expect(busiestMinute(passed) * 100).toBeLessThanOrEqual(60_000);
    expect(passed.length).toBeGreaterThanOrEqual(0.95 * 600 * Minutes);
  });
});
