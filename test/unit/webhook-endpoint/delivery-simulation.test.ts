/**
 * Five days of deliveries on a virtual clock: the log, the fan-out, the queue and the attempts as they are, over a real
 * SQLite, with the process killed at every kind of statement. `SIM_SEEDS` sets how many seeds (1,000 in the full run),
 * `FREEHOLD_SEED` where they begin.
 */
import { describe, expect, test } from 'vitest';
import { mintId, type WebhookId } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import { createWebhook } from '../../../shared/contracts/webhooks.ts';
import type { EventDraft } from '../../../shared/contracts/events.ts';
import { EventLog } from '../../../durable-objects/tenant/event-log.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';
import { WebhookFanOut } from '../../../durable-objects/tenant/webhook-fan-out.ts';
import { WebhookStore } from '../../../durable-objects/tenant/webhook-store.ts';
import { Deliverer, type Sent } from '../../../durable-objects/webhook-endpoint/deliverer.ts';
import { attemptDelaysMs, Jitter } from '../../../durable-objects/webhook-endpoint/delivery-rules.ts';
import { webhookEndpointMigrations } from '../../../durable-objects/webhook-endpoint/webhook-endpoint-migrations.ts';
import { WebhookEndpointStore, type Queued } from '../../../durable-objects/webhook-endpoint/webhook-endpoint-store.ts';
import { Crash, CrashingStorage } from '../../support/crashing-storage.ts';
import { randomFrom, seed as firstSeed } from '../../support/seeded-random.ts';

const Seeds = Number(process.env['SIM_SEEDS'] ?? 25);
const Messages = 60;
const hour = 3_600_000;
const start = Date.UTC(2026, 5, 1);
const hookId: WebhookId = mintId('webhook', start);
const plan = {
  revision: 1,
  enabled: true,
  paused: false,
  url: 'https://x.example.com',
  secrets: [],
  timeoutMs: 20_000,
  ordered: false,
};

/** Svix: eight attempts in 27 hours. */
const svixDelays = [0, 5_000, 300_000, 1_800_000, 2 * hour, 5 * hour, 10 * hour, 10 * hour];

type Outcome = {
  readonly entered: readonly string[];
  readonly delivered: ReadonlyMap<string, number>;
  readonly notices: readonly EventDraft[];
  readonly crashes: number;
  readonly sends: number;
};

type Scenario = {
  readonly downMs: number;
  readonly failureRate: number;
  readonly crashes: boolean;
  readonly delays?: readonly number[];
  readonly horizonMs?: number;
};

async function simulate(seed: number, scenario: Scenario): Promise<Outcome> {
  const random = randomFrom(seed);
  const { delays = attemptDelaysMs } = scenario;
  const tenant = new CrashingStorage(tenantMigrations.map(({ sql }) => sql));
  const endpoint = new CrashingStorage(webhookEndpointMigrations.map(({ sql }) => sql));
  const clock = { at: start, now: () => clock.at };
  const entries = Array.from({ length: Messages }, () => start + Math.floor(random() * scenario.downMs)).sort(
    (a, b) => a - b,
  );
  const entered: string[] = [];
  const delivered = new Map<string, number>();
  const bodies = new Map<string, string>();
  const notices: EventDraft[] = [];
  let crashes = 0;
  let sends = 0;

  const send = async (_: unknown, message: Queued): Promise<Sent> => {
    sends++;
    expect(clock.at, `seed ${seed}: attempt ${message.attempts + 1} came early`).toBeGreaterThanOrEqual(message.due);
    expect(bodies.get(message.id) ?? message.body).toBe(message.body);
    bodies.set(message.id, message.body);
    const fails = clock.at < start + scenario.downMs || random() < scenario.failureRate;
    if (!fails) delivered.set(message.id, (delivered.get(message.id) ?? 0) + 1);
    const status = fails ? 500 : 200;
    return {
      headers: {},
      status,
      answer: '',
      fault: null,
      result: { kind: 'answered', status, retryAfterMs: undefined },
    };
  };

  /** A new process over the same disks. */
  const boot = () => {
    tenant.fuse = undefined;
    endpoint.fuse = undefined;
    const log = new EventLog(tenant.sql, () => clock);
    const hooks = new WebhookStore(tenant.sql);
    const queue = new WebhookEndpointStore(endpoint.sql);
    const hand = async (_: WebhookId, __: number, messages: Parameters<WebhookEndpointStore['add']>[0]) => {
      queue.add(messages, clock.at);
      return ok('taken' as const);
    };
    const fanOut = new WebhookFanOut(hooks, log, hand, (work) => tenant.transaction(work), random);
    const deliverer = new Deliverer({
      webhook: hookId,
      store: queue,
      clock: () => clock,
      transaction: (work) => endpoint.transaction(work),
      send,
      notify: (draft) => notices.push(draft),
      random,
      delays,
    });
    return { log, hooks, queue, fanOut, deliverer };
  };

  let parts = boot();
  const settings = createWebhook.parse({ url: plan.url });
  const state = { status: 'active', disabledReason: null, secretVersion: 1, previousUntil: null, revision: 1 } as const;
  parts.hooks.create({ id: hookId, settings, signature: 'v1', publicKey: null, ...state }, 0, start);
  const end = start + (scenario.horizonMs ?? 14 * 24 * hour);
  for (let step = 0; clock.at < end; step++) {
    expect(step, 'the simulation does not end').toBeLessThan(100_000);
    const dues = [entries[0], parts.fanOut.dueAt(), parts.deliverer.dueAt(false)].filter((due) => due !== undefined);
    if (dues.length === 0) break;
    clock.at = Math.max(clock.at, Math.min(...dues));
    if (scenario.crashes && random() < 0.5) (random() < 0.3 ? tenant : endpoint).fuse = Math.floor(random() * 25);
    try {
      while (entries.length > 0 && entries[0]! <= clock.at) {
        let id = '';
        tenant.transaction(() => {
          id = parts.log.enter('tenant.reactivated', { id: 'tnt_1', actor: { kind: 'operator', id: 'operator' } });
        });
        entered.push(id);
        entries.shift();
      }
      await parts.fanOut.run(clock.at);
      await parts.deliverer.run(async () => plan);
      if (notices.some(({ type }) => type === 'webhook.endpoint_disabled')) {
        parts.hooks.put({ ...parts.hooks.find(hookId)!, status: 'disabled' }, clock.at);
      }
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      crashes++;
      parts = boot();
    }
    tenant.fuse = undefined;
    endpoint.fuse = undefined;
  }
  for (const attempt of parts.queue.listAttempts(hookId, { limit: 100 }).data) {
    if (attempt.outcome !== 'retried') continue;
    const waitMs = Date.parse(attempt.next_attempt_at!) - Date.parse(attempt.at) - attempt.duration_ms;
    const scheduled = delays[attempt.number]!;
    expect(waitMs).toBeGreaterThanOrEqual(scheduled);
    expect(waitMs).toBeLessThanOrEqual(scheduled * (1 + Jitter) + 1);
  }
  return { entered, delivered, notices, crashes, sends };
}

const lostOf = ({ entered, delivered }: Outcome) => entered.filter((id) => !delivered.has(id));

describe('a receiver that is down for three days', () => {
  test('gets every event, whatever is killed when, and one in twenty attempts failing for good measure', async () => {
    let crashes = 0;
    let sends = 0;
    let messages = 0;
    for (let seed = firstSeed; seed < firstSeed + Seeds; seed++) {
      const outcome = await simulate(seed, { downMs: 72 * hour, failureRate: 0.05, crashes: true });
      expect(outcome.entered, `seed ${seed}`).toHaveLength(Messages);
      expect(lostOf(outcome), `seed ${seed}`).toEqual([]);
      crashes += outcome.crashes;
      sends += outcome.sends;
      messages += outcome.entered.length;
    }
    expect(crashes).toBeGreaterThan(Seeds);
    console.log(
      `webhooks: seeds ${firstSeed}-${firstSeed + Seeds - 1}, ${messages} messages, ${sends} attempts, ${crashes} crashes, 0 lost`,
    );
  }, 600_000);

  test('loses events by the schedule of Svix, and by five attempts: so this test can tell', async () => {
    for (const delays of [svixDelays, attemptDelaysMs.slice(0, 5)]) {
      const outcome = await simulate(firstSeed, { downMs: 72 * hour, failureRate: 0.05, crashes: true, delays });
      expect(lostOf(outcome).length).toBeGreaterThan(0);
    }
  }, 60_000);
});

test('a receiver that never comes back is told of first, then an event is lost and told, then it is disabled, after five days', async () => {
  const outcome = await simulate(firstSeed, {
    downMs: 30 * 24 * hour,
    failureRate: 1,
    crashes: false,
    horizonMs: 8 * 24 * hour,
  });
  const types = outcome.notices.map(({ type }) => type);
  expect(types[0]).toBe('webhook.endpoint_failing');
  expect(types.slice(1, 3)).toEqual(['webhook.exhausted', 'webhook.endpoint_disabled']);
  expect(types.filter((type) => type === 'webhook.endpoint_disabled')).toHaveLength(1);
});
