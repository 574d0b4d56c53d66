/** The event log inside workerd: one with the fact, in order, once, resumed without gap or repeat, and gone when its time is over. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { createAgent } from '../../shared/contracts/agents.ts';
import { operatorActor } from '../../shared/contracts/audit.ts';
import { eventCatalogue, eventQuery, isEventType, type CarriedEvent } from '../../shared/contracts/events.ts';
import { noLimits } from '../../shared/contracts/plans.ts';
import { mintId } from '../../shared/core/ids.ts';
import { SseParser } from '../../shared/core/sse.ts';
import { DefaultRetentionDays } from '../../durable-objects/tenant/event-log.ts';
import { admin, must, newKey, openTenant, start } from './tenant-env.ts';

type Opened = Awaited<ReturnType<typeof openTenant>>;

const list = (opened: Opened, query: object = {}) =>
  opened.run((object) => object.events.list(eventQuery.parse({ limit: 100, ...query })));
const typesOf = async (opened: Opened, query: object = {}) => (await list(opened, query)).data.map(({ type }) => type);
const makeAgent = (opened: Opened, slug: string) =>
  opened.run((object) =>
    must(object.agents.create(mintId('agent', start), createAgent.parse({ slug, name: slug }), admin)),
  );

function forgotten(id: string, at = start): CarriedEvent {
  return { id, at, type: 'memory.forgotten', data: { id: 'mem_1' }, agent: 'agt_1' };
}

/** Reads a stream until it has shown so many events. */
async function readEvents(opened: Opened, count: number, filter: object = {}, lastEventId?: string) {
  return opened.run(async (object) => {
    const reader = must(object.events.stream({ ...admin, id: opened.adminKey.id }, filter, lastEventId)).getReader();
    const parser = new SseParser();
    const decoder = new TextDecoder();
    const events: { event?: string; data: string; id?: string }[] = [];
    while (events.length < count) {
      const { value, done } = await reader.read();
      if (done) break;
      events.push(...parser.push(decoder.decode(value)));
    }
    await reader.cancel();
    return events;
  });
}

describe('an event', () => {
  test('is entered by the same call as its audit entry, and by a refusal neither is', async () => {
    const opened = await openTenant();
    await makeAgent(opened, 'one');
    const again = await opened.run((object) =>
      object.agents.create(mintId('agent', start + 1), createAgent.parse({ slug: 'one', name: 'x' }), admin),
    );
    expect(again.ok).toBe(false);
    expect(await typesOf(opened)).toEqual(['agent.created', 'key.created', 'tenant.created']);
    expect((await opened.trail()).map(({ action }) => action).reverse()).toEqual(await typesOf(opened));
  });

  test('is never there without the fact: a transaction that fails takes both back', async () => {
    const opened = await openTenant();
    const before = await typesOf(opened);
    await opened.run((object, state) => {
      state.storage.sql.exec("CREATE TRIGGER no_more BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END");
      expect(() =>
        object.agents.create(mintId('agent', start), createAgent.parse({ slug: 'a', name: 'a' }), admin),
      ).toThrow();
      state.storage.sql.exec('DROP TRIGGER no_more');
      expect(object.agents.list(10, undefined).data).toEqual([]);
    });
    expect(await typesOf(opened)).toEqual(before);
  });

  test('has data as the catalogue says', async () => {
    const opened = await openTenant();
    const agent = await makeAgent(opened, 'one');
    await opened.run((object) => {
      must(object.agents.publish(agent.id, 1, 'staging', admin));
      must(object.agents.delete(agent.id, admin));
      const key = newKey();
      must(object.keys.create(key, admin));
      must(object.keys.rotate(key.id, 'x'.repeat(64), 60, admin));
      must(object.keys.revoke(key.id, admin));
      must(object.vault.create({ name: 's', value: 'v' }, admin));
      must(object.vault.rotate('s', 'w', admin));
      must(object.vault.delete('s', admin));
      must(object.tenancy.setStatus('suspended', operatorActor));
      must(object.tenancy.setStatus('active', operatorActor));
    });
    const events = (await list(opened)).data;
    expect(events.length).toBeGreaterThan(10);
    for (const { type, data, id } of events) {
      expect(id).toMatch(/^evt_/);
      const schema = isEventType(type) ? eventCatalogue[type].strict() : undefined;
      expect(schema?.safeParse(data).error?.issues ?? [], type).toEqual([]);
    }
    expect(events.find(({ type }) => type === 'agent.published')).toMatchObject({
      agent: agent.id,
      environment: 'staging',
    });
    expect(JSON.stringify(events)).not.toContain('"v"');
  });

  test('of another object is in once, however often it is carried, and survives an eviction', async () => {
    const opened = await openTenant();
    const events = [forgotten(mintId('event', start)), forgotten(mintId('event', start - 1))];
    await opened.run((object) => object.events.carry(events));
    await evictDurableObject(opened.stub);
    await opened.run((object) => object.events.carry(events));
    const found = (await list(opened, { type: 'memory.*' })).data;
    expect(found.map(({ id }) => id)).toEqual([events[1]!.id, events[0]!.id]);
  });
});

test('the list is filtered by type, family, topic, agent, environment and time, and paged without loss', async () => {
  const opened = await openTenant();
  opened.clock.at = start + 60_000;
  const [one] = [await makeAgent(opened, 'one'), await makeAgent(opened, 'two')];
  await opened.run((object) => must(object.agents.publish(one!.id, 1, 'dev', admin)));
  expect(await typesOf(opened, { type: 'agent.created,key.*' })).toEqual([
    'agent.created',
    'agent.created',
    'key.created',
  ]);
  expect(await typesOf(opened, { type: 'mcp.update.context' })).toHaveLength(3);
  expect(await typesOf(opened, { type: 'task.*' })).toEqual([]);
  expect(await typesOf(opened, { agent: one!.id })).toEqual(['agent.published', 'agent.created']);
  expect(await typesOf(opened, { environment: 'dev' })).toEqual(['agent.published']);
  expect(await typesOf(opened, { since: new Date(start + 1).toISOString() })).toHaveLength(3);
  const paged: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await list(opened, { limit: 2, ...(cursor ? { cursor } : {}) });
    paged.push(...page.data.map(({ id }) => id));
    if (!page.has_more) break;
    cursor = page.next_cursor!;
  }
  expect(paged).toEqual((await list(opened)).data.map(({ id }) => id));
});

describe('a stream', () => {
  test('goes on after any event that was seen, without gap or repeat', async () => {
    const opened = await openTenant();
    const carried = Array.from({ length: 250 }, (_, at) => forgotten(mintId('event', start + at)));
    await opened.run((object) => object.events.carry(carried));
    for (const at of [0, 1, 99, 100, 101, 248]) {
      const read = await readEvents(opened, 249 - at, {}, carried[at]!.id);
      expect(read.map(({ id }) => id)).toEqual(carried.slice(at + 1).map(({ id }) => id));
    }
  });

  test('shows what comes while it listens, and of that only what it asked for', async () => {
    const opened = await openTenant();
    const reading = readEvents(opened, 2, { type: ['memory.*'] });
    await makeAgent(opened, 'one');
    const [first, second] = [forgotten(mintId('event', start)), forgotten(mintId('event', start))];
    await opened.run((object) => object.events.carry([first]));
    await opened.run((object) => object.events.carry([second]));
    expect((await reading).map(({ event, id }) => [event, id])).toEqual([
      ['memory.forgotten', first.id],
      ['memory.forgotten', second.id],
    ]);
  });

  test('says so where the event to go on after is not kept any more, and begins with the oldest', async () => {
    const opened = await openTenant();
    const read = await readEvents(opened, 3, {}, mintId('event', 0));
    expect(read.map(({ event }) => event)).toEqual(['gap', 'tenant.created', 'key.created']);
  });

  test('ends for a credential that is revoked, before it shows another event', async () => {
    const opened = await openTenant();
    const key = newKey();
    await opened.run((object) => must(object.keys.create(key, admin)));
    const shown = opened.run(async (object) => {
      const reader = must(object.events.stream({ ...admin, id: key.id }, {}, undefined)).getReader();
      let text = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return text;
        text += new TextDecoder().decode(value);
      }
    });
    await opened.run((object) => must(object.keys.revoke(key.id, admin)));
    expect(await shown).not.toContain('event:');
  });
});

test.each([2, 90])('an event is kept for the %s days that the plan says', async (days) => {
  const opened = await openTenant();
  const profile = {
    slug: 'acme',
    name: 'Acme',
    region: null,
    createdAt: start,
    plan: { id: 'long', name: 'Long' },
    features: {},
    limits: { ...noLimits, event_retention_days: days },
  };
  must(await opened.run((object) => object.tenancy.setProfile(profile, operatorActor)));
  opened.clock.at = start + days * 24 * 60 * 60 * 1000;
  await opened.run((object) => object.alarm());
  expect(await typesOf(opened)).toEqual(['key.created', 'tenant.created']);
  opened.clock.at += 1;
  await opened.run((object) => object.alarm());
  expect(await typesOf(opened)).toEqual([]);
});

test('an event goes when its time is over, and not before', async () => {
  const opened = await openTenant();
  const days = DefaultRetentionDays * 24 * 60 * 60 * 1000;
  opened.clock.at = start + 1_000;
  await makeAgent(opened, 'late');
  opened.clock.at = start + days;
  await runDurableObjectAlarm(opened.stub);
  expect(await typesOf(opened)).toEqual(['agent.created', 'key.created', 'tenant.created']);
  opened.clock.at = start + days + 1;
  await opened.run((object) => object.alarm());
  expect(await typesOf(opened)).toEqual(['agent.created']);
});
