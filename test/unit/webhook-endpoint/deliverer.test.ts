/** A run of deliveries while receivers hang: what goes out beside them, and what does not. */
import { expect, test, vi } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import type { EventDraft } from '../../../shared/contracts/events.ts';
import type { DeliveryPlan } from '../../../shared/contracts/webhooks.ts';
import { Deliverer, type Sent } from '../../../durable-objects/webhook-endpoint/deliverer.ts';
import { attemptDelaysMs, goodHealth } from '../../../durable-objects/webhook-endpoint/delivery-rules.ts';
import { webhookEndpointMigrations } from '../../../durable-objects/webhook-endpoint/webhook-endpoint-migrations.ts';
import { WebhookEndpointStore } from '../../../durable-objects/webhook-endpoint/webhook-endpoint-store.ts';
import { CrashingStorage } from '../../support/crashing-storage.ts';

const start = Date.UTC(2096, 5, 1);
const plan: DeliveryPlan = {
  revision: 1,
  enabled: true,
  paused: false,
  url: 'https://x.example.com',
  secrets: [],
  timeoutMs: 30_000,
  ordered: false,
};

type Request = { readonly id: string; readonly url: string; readonly answer: (status: number) => void };

/** An endpoint whose every request hangs until it is answered. */
function makeEndpoint(delays = attemptDelaysMs) {
  const storage = new CrashingStorage(webhookEndpointMigrations.map(({ sql }) => sql));
  const store = new WebhookEndpointStore(storage.sql);
  const clock = { at: start, now: () => clock.at };
  const requests: Request[] = [];
  const notices: EventDraft[] = [];
  const deliverer = new Deliverer({
    webhook: mintId('webhook', start),
    store,
    clock: () => clock,
    transaction: (work) => storage.transaction(work),
    send: ({ url }, { id }) =>
      new Promise<Sent>((resolve) => {
        const answer = (status: number) =>
          resolve({
            headers: {},
            status,
            answer: '',
            fault: null,
            result: { kind: 'answered', status, retryAfterMs: undefined },
          });
        requests.push({ id, url, answer });
      }),
    notify: (draft) => notices.push(draft),
    random: () => 0,
    delays,
  });
  const add = (...ids: string[]) => {
    store.add(
      ids.map((id) => ({ id, type: 'webhook.test', body: '{}', traceparent: null })),
      clock.at,
    );
    deliverer.ring();
  };
  const asked = (...ids: string[]) =>
    vi.waitFor(() => expect(requests.map(({ id }) => id)).toEqual(ids), { timeout: 20_000 });
  const answer = (id: string, status = 204) => requests.findLast((request) => request.id === id)!.answer(status);
  return { store, clock, deliverer, requests, notices, add, asked, answer };
}

test('what comes while an attempt hangs goes out beside it, as many at once as an endpoint may have', async () => {
  const { store, deliverer, add, asked, answer } = makeEndpoint();
  add('a');
  const run = deliverer.run(async () => plan);
  await asked('a');
  add('b');
  await asked('a', 'b');
  answer('b');
  await vi.waitFor(() => expect(store.count()).toBe(1), { timeout: 20_000 });
  add('c', 'd', 'e', 'f', 'g', 'h');
  await asked('a', 'b', 'c', 'd', 'e', 'f', 'g');
  answer('c');
  await asked('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  for (const id of ['a', 'd', 'e', 'f', 'g', 'h']) answer(id);
  await run;
  expect(store.count()).toBe(0);
});

test('a retry that becomes due while another attempt hangs goes out beside it', async () => {
  const { clock, deliverer, add, asked, answer, store } = makeEndpoint();
  add('a', 'b');
  const run = deliverer.run(async () => plan);
  await asked('a', 'b');
  answer('a', 500);
  await vi.waitFor(() => expect(store.first(1)).toMatchObject([{ id: 'a', attempts: 1, due: start + 5_000 }]), {
    timeout: 20_000,
  });
  clock.at = start + 5_000;
  deliverer.ring();
  await asked('a', 'b', 'a');
  answer('a');
  answer('b');
  await run;
  expect(store.count()).toBe(0);
});

test('a run wakes by itself when something becomes due beside an attempt that hangs', async () => {
  const { clock, deliverer, add, asked, answer } = makeEndpoint([0, 20]);
  add('a', 'b');
  const begun = performance.now();
  clock.now = () => start + Math.ceil(performance.now() - begun);
  const run = deliverer.run(async () => plan);
  await asked('a', 'b');
  answer('a', 500);
  await asked('a', 'b', 'a');
  answer('a');
  answer('b');
  await run;
});

test('an ordered endpoint sends nothing beside an attempt that hangs, nor before one that failed', async () => {
  const { clock, deliverer, add, asked, answer, requests, store } = makeEndpoint();
  add('a', 'b');
  const first = deliverer.run(async () => ({ ...plan, ordered: true }));
  await asked('a');
  add('c');
  deliverer.ring();
  answer('a', 500);
  await first;
  expect(requests).toHaveLength(1);
  clock.at = deliverer.dueAt(true)!;
  expect(clock.at).toBe(start + 5_000);
  const second = deliverer.run(async () => ({ ...plan, ordered: true }));
  for (const sent of [
    ['a', 'a'],
    ['a', 'a', 'b'],
    ['a', 'a', 'b', 'c'],
  ]) {
    await asked(...sent);
    answer(sent.at(-1)!);
  }
  await second;
  expect(requests).toHaveLength(4);
  expect(store.count()).toBe(0);
});

test.each([
  ['that is suspended', { ...plan, paused: true }],
  ['that is disabled', { ...plan, enabled: false }],
  ['that is gone', null],
])('a webhook %s while an attempt hangs is sent nothing more', async (_, after) => {
  const { deliverer, add, asked, answer, requests, store } = makeEndpoint();
  let present: DeliveryPlan | null = plan;
  add('a');
  const run = deliverer.run(async () => present);
  await asked('a');
  present = after;
  add('b');
  answer('a');
  await run;
  expect(requests).toHaveLength(1);
  expect(store.first(2)).toMatchObject([{ id: 'b' }]);
});

test('new settings hold for what comes while an attempt by the old ones hangs; its 410 gives up nothing, and its event is sent anew', async () => {
  const { deliverer, add, asked, answer, requests, notices, store } = makeEndpoint();
  let present = plan;
  add('a');
  const run = deliverer.run(async () => present);
  await asked('a');
  present = { ...plan, revision: 2, url: 'https://new.example.com' };
  add('b');
  await asked('a', 'b');
  answer('a', 410);
  await asked('a', 'b', 'a');
  expect(requests.map(({ url }) => url)).toEqual([plan.url, present.url, present.url]);
  answer('b');
  answer('a');
  await run;
  expect([notices, store.count(), store.state().givenUpRevision]).toEqual([[], 0, 0]);
});

test('what is told of an event that is given up, and of its receiver, comes in its trace', async () => {
  const { clock, deliverer, store, asked, answer, notices } = makeEndpoint([0]);
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  store.add([{ id: 'a', type: 'webhook.test', body: '{}', traceparent }], clock.at);
  store.keep({
    health: { ...goodHealth, failures: 4, failingSince: clock.at - attemptDelaysMs.reduce((sum, each) => sum + each) },
    givenUpRevision: 0,
  });
  const run = deliverer.run(async () => plan);
  await asked('a');
  answer('a', 500);
  await run;
  expect(notices.map(({ type, traceparent: told }) => [type, told])).toEqual([
    ['webhook.endpoint_failing', traceparent],
    ['webhook.exhausted', traceparent],
    ['webhook.endpoint_disabled', traceparent],
  ]);
});

test('settings that cannot be had begin nothing, let what is under way end, and are told of', async () => {
  const { deliverer, add, asked, answer, store } = makeEndpoint();
  let isThere = true;
  add('a');
  const run = deliverer.run(async () => {
    if (!isThere) throw new Error('not now');
    return plan;
  });
  await asked('a');
  isThere = false;
  add('b');
  answer('a');
  await expect(run).rejects.toThrow('not now');
  expect(store.first(2)).toMatchObject([{ id: 'b' }]);
});
