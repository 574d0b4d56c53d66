/** A conversation in its object: what it holds survives releases and evictions, its alarm ends what was left and clears up. */
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ConversationObject } from '../../durable-objects/conversation/conversation-object.ts';
import { ConversationSockets } from '../../durable-objects/conversation/conversation-sockets.ts';
import { conversationMigrations } from '../../durable-objects/conversation/conversation-migrations.ts';
import { migrate } from '../../durable-objects/runtime/migrate.ts';
import type { Platform } from '../../durable-objects/stubs.ts';
import type { MeterReading } from '../../shared/contracts/billing.ts';
import { createResponse, terminalStatuses } from '../../shared/contracts/responses.ts';
import { mintId, mintResponseId, type ConversationId, type ResponseId, type TenantId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { ok, type Result } from '../../shared/core/result.ts';
import { continueTrace } from '../../shared/core/trace.ts';
import { startResponseTurn } from '../../shared/inference/start-turn.ts';
import { conversationObjectName } from '../../shared/tenancy/object-name.ts';
import { migrateDatabase } from './vectors-env.ts';

/** Far ahead, so that no alarm rings by itself. */
const Start = Date.UTC(2100, 0, 1);
const MinuteMs = 60_000;
const namespace = (env as unknown as Platform).CONVERSATION as DurableObjectNamespace<ConversationObject>;
const principal: Principal = {
  kind: 'key',
  id: mintId('key', 0),
  permissions: ['inference:invoke'],
  scope: { project: null, environment: null, agent: null },
};

beforeAll(migrateDatabase);

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result.value;
}

function openConversation(
  tenantId: TenantId = mintId('tenant', 0),
  id: ConversationId = mintId('conversation', Start),
) {
  const clock = { at: Start, now: () => clock.at };
  const stub = namespace.getByName(conversationObjectName(tenantId, id));
  const run = <T>(work: (object: ConversationObject, state: DurableObjectState) => Promise<T> | T): Promise<T> =>
    runInDurableObject<ConversationObject, T>(stub, (object, state) => {
      object.clock = clock;
      return work(object, state);
    });
  const create = async (...texts: string[]) => {
    const items = texts.map((content) => ({ role: 'user' as const, content }));
    must(await run((object) => object.create(principal, { id, agentId: null, metadata: { topic: 'x' }, items })));
  };
  /** There is no node, so every turn that somebody waits for fails as soon as it asks for a model. */
  const start = (partial: object = {}, responseId: ResponseId = mintResponseId(id, Start)) => {
    const requestId = mintId('request', Start);
    const caller = { tenantId, principal, agent: null, clock, requestId, traceparent: continueTrace(null) };
    const body = {
      ...createResponse.parse({ model: 'default', input: '', background: true, ...partial }),
      input: 'Hello.',
    };
    return startResponseTurn(caller, body, responseId, { kind: 'none' });
  };
  const read = (responseId: ResponseId) =>
    run(async (object) => must(await object.awaitResponse(principal, responseId)));
  const terminalEvents = (responseId: ResponseId) =>
    run((_, { storage }) =>
      storage.sql
        .exec<{ frames: string }>('SELECT frames FROM events WHERE response_id = ? ORDER BY first', responseId)
        .toArray()
        .flatMap(({ frames }) => (JSON.parse(frames) as string[]).map((frame) => JSON.parse(frame) as { type: string }))
        .filter(({ type }) => /^response\.(completed|incomplete|failed|cancelled)$/.test(type)),
    );
  const reopen = () => openConversation(tenantId, id);
  return { id, clock, stub, run, reopen, create, start, read, terminalEvents };
}

describe('a conversation', () => {
  test('of an earlier release is there after the migrations, with its items and responses', async () => {
    const { id, stub, run } = openConversation();
    const item = { id: 'msg_1', type: 'message', status: 'completed', role: 'user', content: [] };
    await run((_, { storage }) => {
      const { sql } = storage;
      const tables = sql.exec<{ name: string }>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).toArray();
      for (const { name } of tables) if (!/^(sqlite_|_cf_)/.test(name)) sql.exec(`DROP TABLE ${name}`);
      migrate(storage, conversationMigrations.slice(0, 1));
      storage.sql.exec(
        `INSERT INTO conversation VALUES (1, ?, 'key', ?, NULL, ?, '{"topic":"x"}', 1)`,
        id,
        principal.id,
        Start,
      );
      storage.sql.exec(`INSERT INTO items VALUES (1, 'msg_1', NULL, 'input', 1, ?)`, JSON.stringify(item));
    });
    await evictDurableObject(stub);
    const applied = await run((_, { storage }) => storage.sql.exec('SELECT id FROM migrations').toArray().length);
    expect(applied).toBe(conversationMigrations.length);
    expect(must(await run((object) => object.read(principal)))).toMatchObject({ id, metadata: { topic: 'x' } });
    const listed = must(await run((object) => object.listItems(principal, { limit: 10, order: 'asc' })));
    expect(listed.data.map((each) => each.id)).toEqual(['msg_1']);
  });

  test('that was ended in the middle is as it was, and what comes after stands behind it', async () => {
    const { reopen, create } = openConversation();
    await create('one', 'two');
    await abortAllDurableObjects();
    const { run } = reopen();
    must(await run((object) => object.addItems(principal, [{ role: 'user', content: 'three' }])));
    const listed = must(await run((object) => object.listItems(principal, { limit: 10, order: 'asc' })));
    const texts = listed.data.map((item) => JSON.stringify('content' in item ? item.content : null));
    expect(['one', 'two', 'three'].map((text, at) => texts[at]!.includes(text))).toEqual([true, true, true]);
  });
});

describe('a turn', () => {
  test('that fails has one terminal event, and is found again under its id, not begun anew', async () => {
    const { run, start, read, terminalEvents } = openConversation();
    const turn = start({ background: false });
    must(await run((object) => object.startResponse(turn)));
    expect(await read(turn.responseId)).toMatchObject({ status: 'failed' });
    must(await run((object) => object.startResponse(turn)));
    expect(await terminalEvents(turn.responseId)).toHaveLength(1);
  });

  test('that its isolate left unfinished is ended by the alarm, once', async () => {
    const { stub, run, create, start, read, terminalEvents } = openConversation();
    await create('one');
    const turn = start();
    // As an isolate leaves it that dies with the turn's first row on disk, and none of its events.
    await run((_, { storage }) => {
      storage.sql.exec(
        `INSERT INTO responses VALUES (?, NULL, 'queued', ?, ?, ?)`,
        turn.responseId,
        JSON.stringify(turn.response),
        JSON.stringify(turn),
        Start,
      );
      return storage.setAlarm(Start);
    });
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    const ended = await read(turn.responseId);
    expect(terminalStatuses.has(ended.status)).toBe(true);
    expect(await terminalEvents(turn.responseId)).toHaveLength(1);
  });
});

describe('the alarm', () => {
  test('never throws for a turn that cannot be read, and rings again while one is unfinished', async () => {
    const { run, create } = openConversation();
    await create('one');
    await run((_, { storage }) =>
      storage.sql.exec(
        `INSERT INTO responses VALUES ('resp_broken', NULL, 'in_progress', '{"status":"in_progress"}', '{}', ?)`,
        Start,
      ),
    );
    const armed = await run(async (object, { storage }) => {
      await object.alarm();
      return storage.getAlarm();
    });
    expect(armed).not.toBeNull();
  });

  test('rings again while somebody has still to be told, in an isolate that knows of nothing', async () => {
    const { create, reopen } = openConversation();
    await create('one');
    await abortAllDurableObjects();
    const armed = await reopen().run(async (object, { storage }) => {
      // As the runtime has it when it rings: what it rang for is set no longer.
      await storage.deleteAlarm();
      await object.alarm();
      return storage.getAlarm();
    });
    expect(armed).not.toBeNull();
  });

  test('clears what nobody asked to store, five minutes after, and leaves a stored conversation alone', async () => {
    const unstored = openConversation();
    const turn = unstored.start({ store: false });
    must(await unstored.run((object) => object.startResponse(turn)));
    await unstored.read(turn.responseId);
    await unstored.run((_, { storage }) => storage.sql.exec('DELETE FROM outbox'));
    const left = (at: number) =>
      unstored.run(async (object, { storage }) => {
        unstored.clock.at = at;
        await object.alarm();
        return storage.sql.exec('SELECT id FROM responses').toArray().length;
      });
    expect(await left(Start + 5 * MinuteMs - 1)).toBe(1);
    expect(await left(Start + 5 * MinuteMs)).toBe(0);

    const stored = openConversation();
    await stored.create('one');
    await stored.run(async (object) => {
      stored.clock.at = Start + 60 * MinuteMs;
      await object.alarm();
    });
    expect(must(await stored.run((object) => object.read(principal))).id).toBe(stored.id);
  });
});

test('what goes to a socket of a conversation is egress, told when the socket ends', async () => {
  const { run } = openConversation();
  const id = mintResponseId(mintId('conversation', Start), Start);
  const frames = [`{"type":"response.created","text":"é"}`];
  const readings: MeterReading[] = [];
  const received: string[] = [];
  const collect = ({ data }: MessageEvent) => void received.push(String(data));
  const sockets = await run((_, state) => {
    const made = new ConversationSockets(state, {
      responses: () => [{ id, isOver: false }],
      frames: () => ({ isOver: false, read: (from) => frames.slice(from) }),
      stands: () => Promise.resolve(ok(undefined)),
      meter: (reading) => void readings.push(reading),
      now: () => Start,
    });
    const { webSocket } = made.open({ reader: principal, after: {} });
    webSocket!.accept();
    webSocket!.addEventListener('message', collect);
    return made;
  });
  await expect.poll(() => received).toEqual([`{"type":"response.created","text":"é","response_id":"${id}"}`]);
  expect(readings).toEqual([]);
  await run(() => sockets.closeAll());
  expect(readings).toMatchObject([
    { sku: 'egress_bytes', quantity: Buffer.byteLength(received[0]!), occurredAt: Start },
  ]);
});
