/// <reference types="@cloudflare/vitest-pool-workers/types" />
/** What is metered beside runs: tool calls and tasks, by the events that tell of them, storage, and what goes to sockets. */
import { beforeAll, expect, test } from 'vitest';
import type { AdmissionRequest } from '../../shared/contracts/admission.ts';
import type { CarriedEvent } from '../../shared/contracts/events.ts';
import { mintId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { admin, must, openTenant, start } from './tenant-env.ts';
import { migrateDatabase } from './vectors-env.ts';

const HourMs = 3_600_000;
beforeAll(migrateDatabase);

const agent = mintId('agent', start);
const common = { agent, environment: 'prod' as const, at: start };
const task = (id: string, type: 'task.started' | 'task.retrying' | 'task.succeeded', ranMs: number | null) =>
  ({
    ...common,
    id,
    type,
    data: {
      id: 'task_1',
      status: 'running',
      lane: 'batch',
      attempts: 1,
      conversation: 'conv_1',
      response: null,
      schedule: null,
      error: null,
      ran_ms: ranMs,
    },
  }) as CarriedEvent;
const call = (id: string) =>
  ({
    ...common,
    id,
    type: 'tool.called',
    data: { id: 'eff_1', conversation: 'conv_1', response: 'resp_1', tool: 'refund', outcome: 'confirmed' },
  }) as CarriedEvent;

test('an hour of storage has what conversations and agents said last, and no conversation that is gone', async () => {
  const { run, clock, tenant, adminKey } = await openTenant();
  const conversation = mintId('conversation', start);
  const begin: AdmissionRequest = {
    credential: { kind: 'key', keyId: adminKey.id, secretHash: adminKey.secretHash },
    permission: null,
    agentRef: null,
    reach: 'own',
    conversation: { id: conversation, listed: true },
  };
  must(await run((object) => object.admit(begin)));
  const say = (name: string, bytes: number) =>
    run((object) => object.events.carry([], { name: `${tenant}/${name}`, bytes }));
  /** What an hour has beside the tenant's own database, to the nearest 100 KB. */
  const storage = async () => {
    clock.at += 2 * HourMs;
    return run(async (object, state) => {
      await object.alarm();
      const { quantity } = state.storage.sql
        .exec<{ quantity: number }>(
          "SELECT quantity FROM meter_entries WHERE sku = 'storage_gb_hours' ORDER BY occurred_at DESC LIMIT 1",
        )
        .one();
      return Math.round((quantity - state.storage.sql.databaseSize) / 100_000) / 10;
    });
  };
  await say(conversation, 1_000_000);
  await say(conversation, 3_000_000);
  await say('agents-1', 500_000);
  await say(mintId('conversation', start + 1), 9_000_000);
  expect(await storage()).toBe(3.5);
  await run((object) => object.conversations.remove(conversation));
  await say(conversation, 3_000_000);
  expect(await storage()).toBe(0.5);
});

test('each call and each attempt of a task is entered once, with what it took', async () => {
  const { run } = await openTenant();
  const events = [
    task('evt_1', 'task.started', null),
    task('evt_2', 'task.retrying', 1_500),
    task('evt_3', 'task.succeeded', 60_000),
    call('evt_4'),
    call('evt_5'),
  ];
  await run((object) => object.events.carry(events.slice(0, 4)));
  await run((object) => object.events.carry(events));
  const entered = await run((_, state) =>
    state.storage.sql
      .exec('SELECT sku, SUM(quantity) AS quantity, COUNT(*) AS entries, agent_id FROM meter_entries GROUP BY sku')
      .toArray(),
  );
  expect(entered).toEqual([
    { sku: 'job_minutes', quantity: 61_500, entries: 2, agent_id: agent },
    { sku: 'tool_calls', quantity: 2, entries: 2, agent_id: agent },
  ]);
});

test('what goes to a socket of the event log is egress, told once an hour and when the socket ends', async () => {
  const { run, clock, adminKey } = await openTenant();
  const reader: Principal = { ...admin, id: adminKey.id };
  const opening = JSON.stringify({ reader, filter: {}, lastEventId: undefined });
  const metered = () =>
    run((_, state) =>
      state.storage.sql
        .exec<{ quantity: number }>("SELECT quantity FROM meter_entries WHERE sku = 'egress_bytes' ORDER BY id")
        .toArray()
        .map(({ quantity }) => quantity),
    );
  const received: string[] = [];
  const socket = await run((object) => {
    const { webSocket } = object.fetch(new Request(`https://tenant/?opening=${encodeURIComponent(opening)}`));
    webSocket!.accept();
    webSocket!.addEventListener('message', ({ data }) => void received.push(String(data)));
    return webSocket!;
  });
  const bytes = (messages: readonly string[]) => messages.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const enter = async (id: string, count: number) => {
    await run((object) => object.events.carry([call(id)]));
    await expect.poll(() => received.length).toBe(count);
  };
  await enter('evt_1', 1);
  expect(await metered()).toEqual([]);
  clock.at += HourMs;
  await enter('evt_2', 2);
  const first = bytes(received);
  await expect.poll(metered).toEqual([first]);
  await enter('evt_3', 3);
  clock.at += 1;
  await run(() => socket.close());
  await expect.poll(metered).toEqual([first, bytes(received.slice(2))]);
});
