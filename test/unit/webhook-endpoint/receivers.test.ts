/** What receivers do to one attempt, over real connections, and that the event outlives every one of them. (O-6) */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import type { DeliveryPlan, WebhookAttempt } from '../../../shared/contracts/webhooks.ts';
import { Allowlist } from '../../../shared/egress/allowlist.ts';
import { Egress } from '../../../shared/egress/egress.ts';
import { Deliverer } from '../../../durable-objects/webhook-endpoint/deliverer.ts';
import { sendWebhook } from '../../../durable-objects/webhook-endpoint/send-webhook.ts';
import { webhookEndpointMigrations } from '../../../durable-objects/webhook-endpoint/webhook-endpoint-migrations.ts';
import { WebhookEndpointStore } from '../../../durable-objects/webhook-endpoint/webhook-endpoint-store.ts';
import { CrashingStorage } from '../../support/crashing-storage.ts';
import { EgressTarget } from '../../support/egress-target.ts';

const start = Date.UTC(2026, 5, 1);
const hookId = mintId('webhook', start);
let target: EgressTarget;
let egress: Egress;

beforeAll(async () => {
  target = await EgressTarget.start();
  const allowlist = Allowlist.parse('127.0.0.1');
  egress = new Egress(allowlist.ok ? allowlist.value : Allowlist.none);
});
afterAll(() => target.stop());

function makeEndpoint() {
  const storage = new CrashingStorage(webhookEndpointMigrations.map(({ sql }) => sql));
  const store = new WebhookEndpointStore(storage.sql);
  const clock = { at: start, now: () => clock.at };
  const deliverer = new Deliverer({
    webhook: hookId,
    store,
    clock: () => clock,
    transaction: (work) => storage.transaction(work),
    send: (plan, message, at) => sendWebhook(egress, plan, message, at, clock),
    notify: () => {},
    random: () => 0,
  });
  const attempts = () => store.listAttempts(hookId, { limit: 10 }).data.toReversed();
  return { store, clock, deliverer, attempts };
}

const planFor = (path: string, timeoutMs: number): DeliveryPlan => ({
  revision: 1,
  enabled: true,
  paused: false,
  url: `${target.url}${path}`,
  secrets: [],
  timeoutMs,
  ordered: false,
});

test.concurrent.each([
  ['hangs', '/hang', { fault: 'timeout', response: null }],
  ['answers and says no more', '/slow-body', { fault: 'timeout', response: { status: 200, body: '' } }],
  ['sends a byte at a time for ever', '/trickle', { fault: 'timeout', response: { status: 200, body: '' } }],
  ['closes in the middle of the body', '/cut', { fault: 'cut', response: { status: 200, body: '' } }],
  ['closes without an answer', '/reset', { fault: 'lost', response: null }],
] satisfies [string, string, Partial<WebhookAttempt>][])(
  'a receiver that %s is an attempt that says so, and the same event is delivered when it is well again',
  async (_, path, expected) => {
    const { store, clock, deliverer, attempts } = makeEndpoint();
    const event = { id: mintId('event', start), type: 'webhook.test', body: '{"a":1}', traceparent: null };
    store.add([event], clock.at);
    await deliverer.run(async () => planFor(path, expected.fault === 'timeout' ? 2_000 : 30_000));
    expect(attempts()).toMatchObject([{ event: event.id, number: 1, outcome: 'retried', ...expected }]);
    expect(store.count()).toBe(1);
    clock.at = deliverer.dueAt(false)!;
    expect(clock.at).toBe(start + 5_000);
    await deliverer.run(async () => planFor('/well', 30_000));
    expect(attempts().slice(1)).toMatchObject([{ event: event.id, number: 2, outcome: 'delivered', fault: null }]);
    expect(store.count()).toBe(0);
    const seen = target.seen.filter(({ headers }) => headers['webhook-id'] === event.id);
    expect(seen.map(({ url, body }) => [url, body])).toEqual([
      [path, event.body],
      ['/well', event.body],
    ]);
  },
);

test('a receiver whose answer has no end has taken the event, and no more of the answer is kept than its beginning', async () => {
  const { store, clock, deliverer, attempts } = makeEndpoint();
  store.add([{ id: mintId('event', start), type: 'webhook.test', body: '{}', traceparent: null }], clock.at);
  await deliverer.run(async () => planFor('/endless', 30_000));
  const body = ' '.repeat(1_024);
  expect(attempts()).toMatchObject([{ outcome: 'delivered', response: { status: 200, body }, fault: null }]);
  expect(store.count()).toBe(0);
});
