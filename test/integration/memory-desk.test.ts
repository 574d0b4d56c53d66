/** The desk of memories in its object, with D1 and the vector index: what goes in, what is known, what is forgotten. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AgentObject } from '../../durable-objects/agent/agent-object.ts';
import type { MemoryDesk } from '../../durable-objects/agent/memory-desk.ts';
import { Objects, type Platform } from '../../durable-objects/stubs.ts';
import { createMemory, forgetRequest, recallRequest, type NewMemory } from '../../shared/contracts/memories.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { mintId, type AgentId, type MemoryId, type TenantId } from '../../shared/core/ids.ts';
import type { Result } from '../../shared/core/result.ts';
import { checkInclusion } from '../../shared/store/memory-proof.ts';
import { MemoryStore } from '../../shared/store/memory-store.ts';
import { hashEmbedder, recallMemories } from '../../shared/store/recall.ts';
import { isHybrid } from '../../shared/store/vector-index.ts';
import { tenantScope } from '../../shared/tenancy/tenant-scope.ts';
import { agentObjectName } from '../../shared/tenancy/object-name.ts';
import { randomFrom, seed } from '../support/seeded-random.ts';
import { database, migrateDatabase } from './vectors-env.ts';

const platform = env as unknown as Platform;
const objects = new Objects(platform);
const store = new MemoryStore(database);
/** Far off, so that the machine's clock rings no alarm of its own beside a test's. */
const now = Date.UTC(2096, 5, 1);
/** `MEMORY_CYCLES=10000` in the environment for the whole, or several runs with a `FREEHOLD_SEED` each. */
const cycles = Number((env as unknown as { readonly MEMORY_CYCLES: string }).MEMORY_CYCLES);

beforeAll(migrateDatabase);

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.reason ?? result.failure.message}`);
  return result.value;
}

function openAgent(tenant: TenantId = mintId('tenant', 0), agentId: AgentId = mintId('agent', 0)) {
  const scope = tenantScope(tenant);
  const clock = { at: now, now: () => clock.at };
  const stub = (platform.AGENT as DurableObjectNamespace<AgentObject>).getByName(agentObjectName(tenant, agentId, 0));
  const run = <T>(work: (desk: MemoryDesk, state: DurableObjectState) => Promise<T> | T): Promise<T> =>
    runInDurableObject<AgentObject, T>(stub, (object, state) => {
      object.clock = clock;
      return work(object.memories, state);
    });
  const entry = (text: string, partial: object = {}): NewMemory => ({
    ...createMemory.parse({ text, ...partial }),
    id: mintId('memory', clock.at),
    author: 'key_1',
  });
  const write = async (...entries: NewMemory[]) => must(await run((desk) => desk.write(agentId, entries)));
  const remember = async (text: string, partial: object = {}) => {
    const [written] = await write(entry(text, partial));
    if (!written!.accepted) throw new Error(written!.reason);
    return written!.memory;
  };
  const recall = async (query: string, options: object = {}) => {
    const index = objects.vectorIndex(tenant, HashEmbeddingModel);
    const deps = { store, index, embedder: hashEmbedder, clock };
    return must(await recallMemories(deps, scope, agentId, recallRequest.parse({ query, ...options })));
  };
  const texts = async (...args: Parameters<typeof recall>) => (await recall(...args)).hits.map(({ text }) => text);
  const forget = async (request: object) =>
    must(await run((desk) => desk.forget(agentId, forgetRequest.parse(request))));
  const verify = async (incremental = false) => must(await run((desk) => desk.verify(agentId, incremental)));
  const edit = (sql: string, ...values: unknown[]) =>
    database
      .prepare(sql)
      .bind(...values, scope.tenantId)
      .run();
  return { tenant, scope, agentId, clock, stub, run, entry, write, remember, recall, texts, forget, verify, edit };
}

describe('writing', () => {
  test('says of each of many whether it was accepted and why not, and the same words are known at once', async () => {
    const { agentId, write, entry, run, texts } = openAgent();
    const outcomes = await write(
      entry('Ada likes tea.'),
      entry('ok'),
      entry('Ada likes the tea!'),
      entry('Bob likes tea.'),
    );
    expect(outcomes.map((each) => (each.accepted ? each.memory.text : each.reason))).toEqual([
      'Ada likes tea.',
      'low_information',
      'duplicate',
      'Bob likes tea.',
    ]);
    expect((await texts('tea')).toSorted()).toEqual(['Ada likes tea.', 'Bob likes tea.']);
    expect(await run((desk) => desk.counts(agentId))).toEqual({ live: 2, written: 2, refused: 2, forgotten: 0 });
    const refused = await run((desk) => desk.append(agentId, [entry('Ada likes tea.')]));
    expect(refused).toMatchObject({ ok: false, failure: { code: 'memory_refused', param: 'duplicate' } });
  });

  test('stops at the quota, and forgetting makes room', async () => {
    const { agentId, run, entry, forget, remember } = openAgent();
    const first = await remember('The first of all.');
    const add = async (text: string) =>
      must(await run((desk) => desk.write(agentId, [entry(text)], { max: 2, consolidate: 'never' })))[0]!;
    expect(await add('The second of all.')).toMatchObject({ accepted: true });
    expect(await add('The third of all.')).toMatchObject({ accepted: false, reason: 'quota' });
    await forget({ ids: [first.id] });
    expect(await add('The third of all.')).toMatchObject({ accepted: true });
  });

  test('closes what is superseded: recall gives the new one now, and the old one as of then', async () => {
    const { remember, texts, clock, verify, write, entry, run, agentId } = openAgent();
    const old = await remember('The office closes at six.');
    clock.at += 1_000;
    await remember('The office closes at seven.', { supersedes: old.id });
    clock.at += 1_000;
    expect(await texts('When does the office close?')).toEqual(['The office closes at seven.']);
    const asOf = new Date(now + 500).toISOString();
    expect(await texts('When does the office close?', { as_of: asOf })).toContain('The office closes at six.');
    expect(await verify()).toMatchObject({ valid: true, entries: 2 });
    const again = await run((desk) => desk.write(agentId, [entry('It closes at eight.', { supersedes: old.id })]));
    expect(again).toMatchObject({ ok: false, failure: { code: 'conflict', param: 'supersedes' } });
    // What was closed may become true again.
    expect((await write(entry('The office closes at six.')))[0]).toMatchObject({ accepted: true });
  });

  test('names nothing that is not a live memory of the agent', async () => {
    const { tenant, run, agentId, entry, remember, forget } = openAgent();
    const sibling = await openAgent(tenant).remember('Something of a sibling.');
    const gone = await remember('Something that goes.');
    await forget({ ids: [gone.id] });
    for (const id of [sibling.id, gone.id, mintId('memory', 0)]) {
      for (const named of [{ supersedes: id }, { sources: [id] }]) {
        const refused = await run((desk) => desk.write(agentId, [entry(`Something new about ${id}.`, named)]));
        expect(refused).toMatchObject({ ok: false, failure: { code: 'not_found' } });
      }
    }
  });

  test('a shared memory is recalled by its readers and nobody else, and by all of the tenant where it names none', async () => {
    const home = openAgent();
    const reader = openAgent(home.tenant);
    const stranger = openAgent(home.tenant);
    const foreign = openAgent(mintId('tenant', 0), reader.agentId);
    await home.remember('The vault opens at noon.', { scope: 'shared', readers: [reader.agentId] });
    await home.remember('The canteen opens at noon.', { scope: 'shared' });
    await home.remember('My drawer opens at noon.');
    const question = 'What opens at noon?';
    expect((await reader.texts(question)).toSorted()).toEqual([
      'The canteen opens at noon.',
      'The vault opens at noon.',
    ]);
    expect(await stranger.texts(question)).toEqual(['The canteen opens at noon.']);
    expect(await foreign.texts(question)).toEqual([]);
    expect((await home.texts(question)).length).toBe(3);
    expect(await reader.texts(question, { filter: { scope: 'private' } })).toEqual([]);
    expect(await home.texts(question, { filter: { scope: 'private' } })).toEqual(['My drawer opens at noon.']);
    await home.edit('UPDATE memories SET readers = \'["*"]\' WHERE tenant_id = ?');
    expect(await stranger.texts(question)).toEqual(['The canteen opens at noon.']);
  });
});

test('what is shared with others takes no place of what is shared with the reader', async () => {
  const home = openAgent();
  const reader = openAgent(home.tenant);
  const others = Array.from({ length: 120 }, (_, at) =>
    home.entry(`The vault opens at noon, says keeper ${at}.`, { scope: 'shared', readers: [home.agentId] }),
  );
  await home.write(...others);
  await home.remember('Of vaults: all open late on Mondays.', { scope: 'shared', readers: [reader.agentId] });
  expect(await reader.texts('When opens the vault?')).toEqual(['Of vaults: all open late on Mondays.']);
});

describe('recall', () => {
  test('filters by every member, and a filter holds against the row as well', async () => {
    const { remember, texts, clock } = openAgent();
    const ada = { subject: 'ada', tags: ['drinks', 'home'], visitor: 'vis_1', source: { type: 'document', ref: 'a' } };
    await remember('Ada drinks tea.', ada);
    clock.at += 10_000;
    await remember('Bob drinks milk.', { subject: 'bob', tags: ['drinks'], kind: 'event' });
    const both = ['Ada drinks tea.', 'Bob drinks milk.'];
    const time = new Date(now + 5_000).toISOString();
    for (const [filter, expected] of [
      [{ subject: 'ada' }, both.slice(0, 1)],
      [{ visitor: 'vis_1' }, both.slice(0, 1)],
      [{ source: 'person' }, both.slice(1)],
      [{ tags: ['home', 'none'] }, both.slice(0, 1)],
      [{ tags: ['drinks'] }, both],
      [{ kind: ['event', 'summary'] }, both.slice(1)],
      [{ after: time }, both.slice(1)],
      [{ before: time }, both.slice(0, 1)],
      [{ author: 'key_1' }, both],
      [{ author: 'key_2' }, []],
      [{ tags: ['drinks'], subject: 'bob' }, both.slice(1)],
    ] as const) {
      expect((await texts('Who drinks what?', { filter })).toSorted(), JSON.stringify(filter)).toEqual(expected);
    }
  });

  test('says why each hit was returned, and prefers the sure and the new among equals', async () => {
    const { remember, recall, clock } = openAgent();
    await remember('The red door is on the left.', { confidence: 0.2 });
    clock.at += 1;
    await remember('The red door is on the right.', { confidence: 1 });
    const { hits } = await recall('red door', { explain: true });
    expect(hits[0]).toMatchObject({ text: 'The red door is on the right.', why: { confidence: 1, rerank: null } });
    for (const { why, score } of hits) {
      expect(why!.vector!.rank).toBeGreaterThan(0);
      expect(why!.text!.rank).toBeGreaterThan(0);
      expect(score).toBeCloseTo(why!.fused * why!.confidence * why!.recency, 12);
    }
    expect((await recall('red door')).hits[0]!.why).toBeUndefined();
  });

  test('spreads over what differs where diversity is asked for', async () => {
    const { write, entry, texts } = openAgent();
    await write(
      ...['one', 'two', 'three', 'four'].map((word) => entry(`The harbour master of Riga said ${word}.`)),
      entry('Riga has a harbour since 1201, built by merchants from Gotland.'),
    );
    const question = 'harbour master of Riga';
    expect(await texts(question, { limit: 2 })).not.toContainEqual(expect.stringContaining('1201'));
    expect(await texts(question, { limit: 2, diversity: 0.7 })).toContainEqual(expect.stringContaining('1201'));
  });

  test('says so where no model reranks, and keeps its order', async () => {
    const { remember, recall } = openAgent();
    await remember('The red door is on the left.');
    expect(await recall('red door', { rerank: true })).toMatchObject({
      notices: ['rerank_unavailable'],
      hits: [{ text: 'The red door is on the left.' }],
    });
  });
});

describe('the chain', () => {
  test('is sealed every 1,024 entries, proves each of them, and is verified from there on', async () => {
    const { agentId, scope, write, entry, run, verify, forget, edit, recall } = openAgent();
    for (let at = 0; at < 1_030; at += 206) {
      await write(...Array.from({ length: 206 }, (_, place) => entry(`Fact number ${at + place} of many.`)));
    }
    expect(await verify()).toMatchObject({ valid: true, entries: 1_031 });
    expect((await recall('Fact number 7', { limit: 50 })).hits.every(({ kind }) => kind === 'fact')).toBe(true);
    const rows = must(await store.listChain(scope, agentId, 0, 2_000));
    const checkpoint = rows[1_024]!;
    expect(checkpoint.kind).toBe('checkpoint');
    for (const place of [0, 511, 1_023, 1_025, 1_030]) {
      const proof = must(await run((desk) => desk.prove(agentId, rows[place]!.id as MemoryId)));
      expect(checkInclusion(proof)).toBe(true);
      expect(proof.checkpoint).toEqual(place < 1_024 ? { sequence: 1_025, hash: checkpoint.hash } : null);
      if (place < 1_024) expect(JSON.parse(checkpoint.text)).toEqual({ first: 1, last: 1_024, root: proof.root });
    }
    expect(await verify(true)).toMatchObject({ valid: true, entries: 6 });
    await forget({ ids: [rows[511]!.id] });
    expect(checkInclusion(must(await run((desk) => desk.prove(agentId, rows[511]!.id as MemoryId))))).toBe(true);
    expect(await verify()).toMatchObject({ valid: true });
    await edit("UPDATE memories SET author = 'system' WHERE sequence = 700 AND tenant_id = ?");
    expect((await verify()).first_invalid).toMatchObject({ sequence: 700, id: rows[699]!.id });
  });

  test('of an earlier release, without trees and counts, goes on and is sealed as a whole', async () => {
    const { agentId, write, entry, run, verify } = openAgent();
    await write(...Array.from({ length: 20 }, (_, at) => entry(`An old fact, number ${at}.`)));
    await run((_, { storage: { sql } }) => {
      sql.exec("UPDATE chain_heads SET leaves = 0, frontier = '[]'");
      sql.exec('DELETE FROM memory_counts');
    });
    await write(...Array.from({ length: 200 }, (_, at) => entry(`A new fact, number ${at}.`)));
    expect(await run((desk) => desk.counts(agentId))).toMatchObject({ live: 220 });
    expect(await run((_, { storage: { sql } }) => sql.exec('SELECT leaves FROM chain_heads').one())).toEqual({
      leaves: 220,
    });
    expect(await verify()).toMatchObject({ valid: true, entries: 220 });
  });
});

describe('forgetting', () => {
  test('by subject, visitor, filter and all takes what is named and what was made from it, and nothing else', async () => {
    const { remember, texts, forget, verify, run, agentId } = openAgent();
    const ada = await remember('Ada drinks tea.', { subject: 'ada' });
    const visit = await remember('A visitor drinks water.', { visitor: 'vis_1' });
    const note = await remember('A note about drinks: juice.', { tags: ['note'] });
    const milk = await remember('Everybody drinks milk.');
    const summary = await remember('Summary: drinks are popular.', { kind: 'summary', sources: [ada.id, milk.id] });
    const report = await remember('Report on the drinks summary.', { kind: 'summary', sources: [summary.id] });
    expect((await forget({ subject: 'ada' })).ids.toSorted()).toEqual([ada.id, summary.id, report.id].toSorted());
    expect((await forget({ subject: 'ada' })).ids).toEqual([]);
    expect((await forget({ visitor: 'vis_1' })).ids).toEqual([visit.id]);
    expect((await forget({ filter: { tags: ['note'] } })).ids).toEqual([note.id]);
    expect(await texts('drinks')).toEqual(['Everybody drinks milk.']);
    expect((await forget({ all: true })).ids).toEqual([milk.id]);
    expect(await texts('drinks')).toEqual([]);
    expect(await verify()).toMatchObject({ valid: true, entries: 6 });
    expect(await run((desk) => desk.counts(agentId))).toEqual({ live: 0, written: 6, refused: 0, forgotten: 6 });
  });

  test('is completed by the alarm where it was cut off after the note was made', async () => {
    const { remember, run, stub, agentId, scope, tenant, clock } = openAgent();
    const { id } = await remember('The code is 4711.');
    await run((_, { storage }) => {
      storage.sql.exec(
        'INSERT INTO pending_deletions (agent_id, id, embedding_space) VALUES (?, ?, ?)',
        agentId,
        id,
        HashEmbeddingModel,
      );
      return storage.setAlarm(Date.now() + 60_000);
    });
    clock.at += 60_000;
    await runDurableObjectAlarm(stub);
    expect(must(await store.findMemory(scope, agentId, id))).toBeUndefined();
    expect(await objects.vectorIndex(tenant, HashEmbeddingModel).getByIds([id])).toEqual([]);
  });

  test('wins against a write that is on its way to the index', async () => {
    const { run, entry, agentId, tenant, scope } = openAgent();
    const racing = Array.from({ length: 12 }, (_, at) => entry(`A racing fact, number ${at}.`));
    await run((desk) =>
      Promise.all(racing.flatMap((each) => [desk.write(agentId, [each]), desk.forget(agentId, { ids: [each.id] })])),
    );
    await run((desk) => desk.forget(agentId, { all: true }));
    const ids = racing.map(({ id }) => id);
    expect(must(await store.findMemories(scope, agentId, ids))).toEqual([]);
    expect(await objects.vectorIndex(tenant, HashEmbeddingModel).getByIds(ids)).toEqual([]);
  });

  test('of an ended agent is for good: nothing is written for it any more', async () => {
    const { remember, run, agentId, entry, texts } = openAgent();
    await remember('The last words.');
    expect(must(await run((desk) => desk.end(agentId))).ids).toHaveLength(1);
    expect(await texts('last words')).toEqual([]);
    const late = await run((desk) => desk.write(agentId, [entry('Too late for this.')]));
    expect(late).toMatchObject({ ok: false, failure: { code: 'not_found' } });
  });

  test('a request that is run again does not bring back what was forgotten since', async () => {
    const { run, agentId, entry, texts, forget, verify } = openAgent();
    const same = entry('The secret is plum.');
    must(await run((desk) => desk.write(agentId, [same])));
    expect(must(await run((desk) => desk.write(agentId, [same])))[0]).toMatchObject({ accepted: true });
    await forget({ ids: [same.id] });
    const again = await run((desk) => desk.write(agentId, [same]));
    expect(again).toMatchObject({ ok: false, failure: { code: 'conflict' } });
    expect(await texts('secret plum')).toEqual([]);
    expect(await verify()).toMatchObject({ valid: true, entries: 1 });
  });

  test('write, recall, forget, over and over: nothing forgotten comes back by any path', async () => {
    const { remember, recall, forget, agentId, scope, tenant, run, verify } = openAgent();
    const index = objects.vectorIndex(tenant, HashEmbeddingModel);
    const random = randomFrom(seed);
    const draw = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
    const ways = [
      { about: {}, request: (id: string) => ({ ids: [id] }) },
      { about: { subject: 'fish' }, request: () => ({ subject: 'fish' }) },
      { about: { visitor: 'vis_1' }, request: () => ({ visitor: 'vis_1' }) },
      { about: { tags: ['fish'] }, request: () => ({ filter: { tags: ['fish'] } }) },
      { about: {}, request: () => ({ all: true }) },
    ];
    const gone: string[] = [];
    for (let cycle = 0; cycle < cycles; cycle++) {
      const { about, request } = draw(ways);
      const scope = draw(['private', 'shared']);
      const { id } = await remember(`The password of cycle ${cycle} is swordfish${cycle}.`, { ...about, scope });
      const ids = [id];
      if (random() < 0.25) {
        const quote = { kind: 'summary', sources: [id] };
        ids.push((await remember(`Somebody said that cycle ${cycle} has swordfish${cycle} for a password.`, quote)).id);
      }
      const found = (await recall(`swordfish${cycle}`)).hits.map((hit) => hit.id);
      expect(found.toSorted(), `seed ${seed}, cycle ${cycle}`).toEqual(ids.toSorted());
      expect((await forget(request(id))).ids.toSorted()).toEqual(ids.toSorted());
      gone.push(...ids);
      expect((await recall(`swordfish${cycle}`)).hits, `seed ${seed}, cycle ${cycle}`).toEqual([]);
    }
    for (let start = 0; start < gone.length; start += 100) {
      const ids = gone.slice(start, start + 100);
      expect(await index.getByIds(ids)).toEqual([]);
      expect(must(await store.findMemories(scope, agentId, ids))).toEqual([]);
    }
    expect((await recall('password swordfish', { limit: 50, as_of: new Date(now).toISOString() })).hits).toEqual([]);
    if (isHybrid(index)) {
      const hits = await index.hybrid({
        vector: new Float32Array(768),
        text: 'password',
        topK: 50,
        namespace: agentId,
      });
      expect(hits).toEqual([]);
    }
    const left = await database
      .prepare(
        "SELECT COUNT(*) AS n FROM memories WHERE tenant_id = ? AND (text LIKE '%swordfish%' OR salt IS NOT NULL)",
      )
      .bind(tenant)
      .first();
    expect(left).toEqual({ n: 0 });
    const kept = await run((_, { storage: { sql } }) =>
      ['pending_memories', 'pending_deletions', 'memory_gists'].map((table) =>
        sql.exec(`SELECT * FROM ${table}`).toArray(),
      ),
    );
    expect(kept).toEqual([[], [], []]);
    expect(await verify()).toMatchObject({ valid: true });
  }, 7_200_000);
});
