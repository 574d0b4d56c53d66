/** Telemetry in workerd: what a tenant has counted reaches the operator once, also after an outage, and stops with the tenant. */
import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import type { Platform } from '../../durable-objects/platform.ts';
import { createAlert } from '../../shared/contracts/alerts.ts';
import { mintId } from '../../shared/core/ids.ts';
import { TelemetryArchive } from '../../shared/store/telemetry-archive.ts';
import { TenantDirectory } from '../../shared/store/tenant-directory.ts';
import { emptyTally, type TelemetryBatch } from '../../shared/telemetry/tally.ts';
import { admin, must, openTenant, start } from './tenant-env.ts';
import { migrateDatabase } from './vectors-env.ts';

const { DB } = env as unknown as Platform;
const archive = new TelemetryArchive(DB);

beforeAll(migrateDatabase);

const batchAt = (at: number, agent: string): TelemetryBatch => ({
  at,
  series: [{ kind: 'inference', agent, model: '', tally: { ...emptyTally(), requests: 2 } }],
  callers: [],
});

async function open(slug: string) {
  const opened = await openTenant();
  const record = { id: opened.tenant, slug, name: slug, plan: 'free', region: null, status: 'active' } as const;
  const overrides = { features: {}, limits: {} };
  must(await new TenantDirectory(DB).create({ ...record, overrides, createdAt: start }));
  const told = async (tier: string) =>
    must(await archive.since(tier, 0, null)).filter(({ tenant }) => tenant === opened.tenant);
  const ring = () => opened.run((object) => object.alarm());
  return { ...opened, told, ring };
}

test('what was counted reaches the operator after a minute, summed up over agents, and again changes nothing', async () => {
  const { clock, run, told, ring } = await open('pushed');
  await run((object) => object.telemetry.record(batchAt(clock.at, 'agt_a')));
  await run((object) => object.telemetry.record(batchAt(clock.at, 'agt_b')));
  await ring();
  expect(await told('hour')).toEqual([]);
  clock.at += 60_000;
  await ring();
  expect(await told('hour')).toMatchObject([{ slug: 'pushed', at: start, kind: 'inference', tally: { requests: 4 } }]);
  await run((object) => object.telemetry.record(batchAt(clock.at, 'agt_a')));
  clock.at += 60_000;
  await ring();
  for (const tier of ['hour', 'day', 'ever']) expect(await told(tier)).toMatchObject([{ tally: { requests: 6 } }]);
  expect(await told('minute')).toEqual([]);
});

test('steps whose time is over go from the operator as well', async () => {
  const { clock, run, told, ring } = await open('pruned');
  const count = async () => {
    await run((object) => object.telemetry.record(batchAt(clock.at, '')));
    clock.at += 60_000;
    await ring();
  };
  await count();
  clock.at += 9 * 24 * 60 * 60_000;
  await count();
  expect(await told('hour')).toHaveLength(1);
  expect(await told('day')).toHaveLength(2);
  expect(await told('ever')).toMatchObject([{ tally: { requests: 4 } }]);
});

test('a tenant that was deleted counts nothing more', async () => {
  const { clock, run } = await open('gone');
  await run((object) => object.holding.erase());
  await run((object) => object.telemetry.record(batchAt(clock.at, '')));
  expect(await run((object) => object.holding.census())).toMatchObject({ telemetry: 0, telemetry_push: 0 });
});

test('an alert fires when its metric has held, is told by the event log once, and is resolved when it is over', async () => {
  const { clock, run } = await open('alerted');
  const id = mintId('alert', start);
  const wanted = createAlert.parse({ name: 'too much', metric: 'requests_per_minute', threshold: 1, for_minutes: 1 });
  must(await run((object) => object.alerts.create(id, { ...wanted, window_minutes: 1 }, admin)));
  // In one step: the object's own alarm, whose time is long past by the machine's clock, finds nothing due in between.
  const busyMinute = (requests: number) =>
    run(async (object) => {
      clock.at += 60_000;
      const batch = batchAt(clock.at, '');
      batch.series[0]!.tally.requests = requests;
      if (requests > 0) await object.telemetry.record(batch);
      await object.alarm();
      return must(object.alerts.find(id)).state;
    });
  const states = [];
  for (const requests of [1, 5, 5, 5, 0, 0, 0]) states.push(await busyMinute(requests));
  expect(states).toEqual(['ok', 'pending', 'firing', 'firing', 'firing', 'ok', 'ok']);
  const told = await run((object) => object.events.list({ limit: 10, type: ['alert.*'] }));
  expect(told.data.map(({ type, data }) => [type, data['name'], data['value']])).toEqual([
    ['alert.resolved', 'too much', 0],
    ['alert.fired', 'too much', 10],
  ]);
  const { data } = must(await run((object) => object.alerts.incidents(id, 10, undefined)));
  expect(data).toMatchObject([{ alert: id, value: 10, threshold: 1 }]);
  expect(Date.parse(data[0]!.fired_at) - Date.parse(data[0]!.began_at)).toBe(60_000);
  expect(data[0]!.resolved_at).not.toBeNull();
});

test('an alert that is switched off while it fires is over, and an alert that names strangers is refused', async () => {
  const { clock, run, ring } = await open('switched');
  const id = mintId('alert', start);
  const wanted = createAlert.parse({ name: 'any', metric: 'requests_per_minute', threshold: 0 });
  must(await run((object) => object.alerts.create(id, wanted, admin)));
  await run((object) => object.telemetry.record(batchAt(clock.at, '')));
  clock.at += 30_000;
  await ring();
  expect(must(await run((object) => object.alerts.find(id)))).toMatchObject({ state: 'firing' });
  must(await run((object) => object.alerts.update(id, { enabled: false }, admin)));
  expect(must(await run((object) => object.alerts.find(id)))).toMatchObject({ state: 'ok', enabled: false });
  for (const stranger of [{ webhooks: [mintId('webhook', 0)] }, { agent: mintId('agent', 0) }]) {
    const refused = await run((object) => object.alerts.update(id, stranger, admin));
    expect(refused).toMatchObject({ ok: false, failure: { code: 'invalid_request' } });
  }
});
