/** What a tenant tells the operator: nothing is lost by an outage, and nothing is told twice as more. */
import { expect, test } from 'vitest';
import { Telemetry } from '../../../durable-objects/tenant/telemetry.ts';
import { telemetryPush } from '../../../durable-objects/tenant/telemetry-push.ts';
import { TelemetryStore } from '../../../durable-objects/tenant/telemetry-store.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';
import { err, ok } from '../../../shared/core/result.ts';
import type { TelemetryArchive } from '../../../shared/store/telemetry-archive.ts';
import { emptyTally } from '../../../shared/telemetry/tally.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';

const HourMs = 3_600_000;
const start = Date.UTC(2096, 5, 1);

test('what could not be told is told later, from where it began, however long the outage was', async () => {
  const store = new TelemetryStore(sqliteStorage(tenantMigrations.map(({ sql }) => sql)));
  const telemetry = new Telemetry(store);
  const told = new Map<string, number>();
  let isDown = true;
  const archive = {
    put: async (_tenant: string, rows: Parameters<TelemetryArchive['put']>[1]) => {
      if (isDown) return err('service_unavailable');
      for (const { tier, at, tally } of rows) told.set(`${tier} ${at}`, tally.requests);
      return ok();
    },
  } as unknown as TelemetryArchive;
  const push = telemetryPush('tnt_1', store, archive);
  const count = (at: number) =>
    telemetry.record(
      { at, series: [{ kind: 'api', agent: '', model: '', tally: { ...emptyTally(), requests: 1 } }], callers: [] },
      at,
    );

  expect(push.dueAt()).toBeUndefined();
  count(start);
  expect(push.dueAt()).toBe(start + 60_000);
  await expect(push.run(start + 60_000)).rejects.toThrow();
  expect(push.dueAt()).toBe(start + 60_000);
  count(start + 5 * HourMs);
  await expect(push.run(start + 5 * HourMs)).rejects.toThrow();
  isDown = false;
  await push.run(start + 5 * HourMs + 60_000);
  const hours = [...told].filter(([key]) => key.startsWith('hour '));
  expect(hours).toEqual([
    [`hour ${start}`, 1],
    [`hour ${start + 5 * HourMs}`, 1],
  ]);
  expect(push.dueAt()).toBeUndefined();
});
