/** Deliveries on their way to an agent: at least once, the same task each time, and never in vain without a word. */
import { beforeEach, describe, expect, test } from 'vitest';
import { HookHandOver, MaxHandOvers } from '../../../durable-objects/tenant/hook-hand-over.ts';
import type { NewTask } from '../../../durable-objects/agent/task-store.ts';
import { HookStore } from '../../../durable-objects/tenant/hook-store.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';
import { agentDefinition } from '../../../shared/contracts/agents.ts';
import { DeliveryRetentionMs, MaxDeliveriesKept, type HookDelivery } from '../../../shared/contracts/hooks.ts';
import { isId, mintId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';

const start = Date.UTC(2026, 5, 1);
const hook = mintId('hook', start);
const agent = mintId('agent', start);
let sql: SqlStorage;
let store: HookStore;
let clock: number;
let isSuspended: boolean;
let given: NewTask[];
let answer: (task: NewTask) => Result<unknown>;
let duty: ReturnType<HookHandOver['duty']>;

beforeEach(() => {
  sql = sqliteStorage(tenantMigrations.map((migration) => migration.sql));
  store = new HookStore(sql);
  clock = start;
  isSuspended = false;
  given = [];
  answer = () => ok({});
  store.put({
    id: hook,
    name: 'h',
    agent,
    verification: { scheme: 'github' },
    template: 't',
    lane: 'batch',
    maxAttempts: 7,
    enabled: true,
    principal: {
      kind: 'key',
      id: mintId('key', start),
      permissions: [],
      scope: { project: null, environment: null, agent },
    },
    createdAt: start,
    updatedAt: start,
  });
  const live = { id: agent, slug: 'helper', name: 'Helper', version: 1, definition: agentDefinition.parse({}) };
  duty = new HookHandOver({
    store,
    agents: { findLive: () => live },
    isSuspended: () => isSuspended,
    stands: () => true,
    createTask: (task) => {
      given.push(task);
      return Promise.resolve(answer(task));
    },
    now: () => clock,
    random: () => 0,
  }).duty();
});

function receive(name: string): void {
  const delivery = {
    id: mintId('delivery', clock),
    hook,
    deliveryId: name,
    event: null,
    keys: [name],
    input: `task ${name}`,
    origin: { requestId: `req_${name}`, traceparent: `trace of ${name}` },
  };
  store.addDelivery(delivery, clock);
}
const all = () => store.deliveries(hook, 100, undefined).data;
/** Lets time go on to what is due next. */
async function next(): Promise<boolean> {
  const due = duty.dueAt();
  if (due === undefined) return false;
  clock = Math.max(clock, due);
  await duty.run(clock);
  return true;
}

test('what cannot be handed over is tried as the same task, ever later, and fails in the end with its reason', async () => {
  receive('one');
  answer = () => err('service_unavailable', 'The conversation does not answer.');
  const at: number[] = [];
  while (await next()) at.push(clock);
  expect(at).toHaveLength(MaxHandOvers);
  expect(new Set(given.map(({ id, conversationId }) => `${id} ${conversationId}`)).size).toBe(1);
  const gaps = at.slice(1).map((time, index) => time - at[index]!);
  expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
  expect(gaps[0]).toBeGreaterThanOrEqual(500);
  expect(at.at(-1)! - start).toBeGreaterThan(3 * 60 * 60 * 1000);
  expect(all()).toMatchObject([
    { status: 'failed', attempts: MaxHandOvers, error: 'The conversation does not answer.', handed_over_at: null },
  ]);
});

test('what comes through at a later try is handed over, and one that fails holds up no other', async () => {
  receive('one');
  receive('two');
  answer = ({ input }) =>
    JSON.stringify(input).includes('one') && given.length < 4 ? err('service_unavailable') : ok({});
  while (await next());
  expect(all().map(({ status }) => status)).toEqual(['handed_over', 'handed_over']);
  expect(
    all()
      .map(({ attempts }) => attempts)
      .sort(),
  ).toEqual([1, 3]);
});

test('what will never come through fails at once', async () => {
  receive('one');
  answer = () => err('payload_too_large', 'Too large.');
  while (await next());
  expect(all()).toMatchObject([{ status: 'failed', attempts: 1, error: 'Too large.' }]);
});

test('what comes before a suspension waits for its end, and uses up no try', async () => {
  receive('one');
  isSuspended = true;
  for (let round = 0; round < 2 * MaxHandOvers; round++) await next();
  expect(all()).toMatchObject([{ status: 'received', attempts: 0, error: 'This tenant is suspended.' }]);
  expect(given).toEqual([]);
  isSuspended = false;
  while (await next());
  expect(all()).toMatchObject([{ status: 'handed_over', attempts: 1, error: null }]);
});

test('more than fit into one round are all handed over, each once, and what they said is kept no longer', async () => {
  for (let at = 0; at < 55; at++) receive(`d-${at}`);
  while (await next());
  expect(given).toHaveLength(55);
  for (const name of ['id', 'conversationId'] as const) expect(new Set(given.map((task) => task[name])).size).toBe(55);
  expect(all().every(({ status }) => status === 'handed_over')).toBe(true);
  expect(sql.exec("SELECT COUNT(*) AS n FROM hook_deliveries WHERE input <> ''").one()).toEqual({ n: 0 });
});

test('what the queue has no room for waits for room, however long, and uses up no try', async () => {
  receive('one');
  answer = () => err('rate_limit_exceeded', 'Too many tasks are waiting.', { retryAfterMs: 5_000 });
  for (let round = 0; round < 2 * MaxHandOvers; round++) await next();
  expect(all()).toMatchObject([{ status: 'received', attempts: 0, error: 'Too many tasks are waiting.', task: null }]);
  expect(clock - start).toBeGreaterThan(MaxHandOvers * 60_000);
  answer = () => ok({});
  while (await next());
  expect(all()).toMatchObject([{ status: 'handed_over', attempts: 1, error: null }]);
});

test("the task has the hook's lane and attempts, its ids come from the delivery, and it says where it comes from", async () => {
  receive('one');
  await next();
  const [{ id: delivery, task, conversation }] = all() as [HookDelivery];
  expect(given).toMatchObject([
    {
      id: `task_${agent.slice(4)}${delivery.slice(4)}`,
      conversationId: `conv_${delivery.slice(4)}`,
      agentId: agent,
      input: 'task one',
      lane: 'batch',
      maxAttempts: 7,
      agentLimit: 4,
      principal: { scope: { agent } },
      metadata: { hook, delivery },
      dueAt: start,
      request: { requestId: 'req_one', traceparent: 'trace of one' },
    },
  ]);
  expect([task, conversation]).toEqual([given[0]!.id, given[0]!.conversationId]);
  expect([isId('task', task), isId('conversation', conversation)]).toEqual([true, true]);
});

describe('deliveries are forgotten', () => {
  const prune = () => {
    for (let round = 0; round < 5; round++) store.prune(clock);
    return all().map(({ delivery_id }) => delivery_id);
  };
  test('after thirty days, with what they are known by, and never one that waits', async () => {
    receive('done');
    await next();
    receive('waits');
    clock = start + DeliveryRetentionMs;
    expect(prune().sort()).toEqual(['done', 'waits']);
    expect(store.findKnown(hook, ['done'])).toBeDefined();
    clock++;
    expect(prune()).toEqual(['waits']);
    expect(store.findKnown(hook, ['done'])).toBeUndefined();
    expect(store.findKnown(hook, ['waits'])).toBeDefined();
  });
  test('before that where there are too many', async () => {
    receive('old');
    receive('newer');
    while (await next());
    sql.exec('UPDATE sqlite_sequence SET seq = ? WHERE name = ?', MaxDeliveriesKept, 'hook_deliveries');
    receive('newest');
    expect(prune().sort()).toEqual(['newer', 'newest']);
  });
});
