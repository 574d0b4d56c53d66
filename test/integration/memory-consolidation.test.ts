/** Consolidation in its object, with D1 and the index: what is closed, what verifies, what comes back. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AgentObject } from '../../durable-objects/agent/agent-object.ts';
import type { MemoryDesk } from '../../durable-objects/agent/memory-desk.ts';
import { Objects, type Platform } from '../../durable-objects/stubs.ts';
import type { MemoryPolicy } from '../../shared/contracts/agents.ts';
import { createMemory, forgetRequest, recallRequest, type NewMemory } from '../../shared/contracts/memories.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { mintId } from '../../shared/core/ids.ts';
import type { Result } from '../../shared/core/result.ts';
import { MemoryStore } from '../../shared/store/memory-store.ts';
import { hashEmbedder, recallMemories } from '../../shared/store/recall.ts';
import { agentObjectName } from '../../shared/tenancy/object-name.ts';
import { tenantScope } from '../../shared/tenancy/tenant-scope.ts';
import { database, migrateDatabase } from './vectors-env.ts';

const platform = env as unknown as Platform;
const objects = new Objects(platform);
const store = new MemoryStore(database);
const DayMs = 86_400_000;
const policy: MemoryPolicy = { max: 100, consolidate: 'never' };

beforeAll(migrateDatabase);

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.reason ?? result.failure.message}`);
  return result.value;
}

function openAgent() {
  const tenant = mintId('tenant', 0);
  const agentId = mintId('agent', 0);
  // Far off, so that the machine's clock rings no alarm of its own beside the test.
  const clock = { at: Date.UTC(2096, 5, 1), now: () => clock.at };
  const stub = (platform.AGENT as DurableObjectNamespace<AgentObject>).getByName(agentObjectName(tenant, agentId, 0));
  const run = <T>(work: (desk: MemoryDesk) => Promise<T> | T): Promise<T> =>
    runInDurableObject<AgentObject, T>(stub, (object) => {
      object.clock = clock;
      return work(object.memories);
    });
  const entry = (text: string, partial: object = {}): NewMemory => ({
    ...createMemory.parse({ text, ...partial }),
    id: mintId('memory', clock.at++),
    author: 'key_1',
  });
  const recall = async (query: string, options: object = {}) => {
    const deps = { store, index: objects.vectorIndex(tenant, HashEmbeddingModel), embedder: hashEmbedder, clock };
    const request = recallRequest.parse({ query, limit: 50, ...options });
    return must(await recallMemories(deps, tenantScope(tenant), agentId, request));
  };
  return {
    agentId,
    clock,
    stub,
    run,
    entry,
    tenant,
    write: async (entries: NewMemory[], by = policy) => must(await run((desk) => desk.write(agentId, entries, by))),
    remember: async (text: string, partial: object = {}) => {
      const [written] = must(await run((desk) => desk.append(agentId, [entry(text, partial)], policy)));
      return written!;
    },
    consolidate: async (by = policy) => must(await run((desk) => desk.consolidate(agentId, 'key_1', by))),
    undo: (id: string) => run((desk) => desk.undoConsolidation(agentId, id)),
    forget: async (request: object) => must(await run((desk) => desk.forget(agentId, forgetRequest.parse(request)))),
    verify: async () => must(await run((desk) => desk.verify(agentId))),
    counts: () => run((desk) => desk.counts(agentId)),
    recall,
    texts: async (...args: Parameters<typeof recall>) => (await recall(...args)).hits.map(({ text }) => text),
  };
}

describe('consolidation', () => {
  test('closes what says the same by one of them, keeps the sources, verifies, and is undone', async () => {
    const { remember, consolidate, undo, verify, counts, texts, clock, write, entry } = openAgent();
    await remember('Ada drinks two cups of tea.');
    const before = clock.at;
    await remember('ada drink two cup of tea');
    await remember('Bob drinks two cups of tea.');
    clock.at += 1_000;
    const run = await consolidate();
    expect(run).toMatchObject({ near_duplicates: 1, episodes: 0, decayed: 0, closed: 2, whole: true, author: 'key_1' });
    expect(await counts()).toMatchObject({ live: 2 });
    expect((await texts('two cups of tea')).toSorted()).toEqual([
      'Bob drinks two cups of tea.',
      'ada drink two cup of tea',
    ]);
    const asOf = new Date(before).toISOString();
    expect(await texts('two cups of tea', { as_of: asOf })).toContain('Ada drinks two cups of tea.');
    expect(await verify()).toMatchObject({ valid: true, entries: 4 });
    // Both wordings are known still.
    for (const text of ['Ada drinks two cups of tea.', 'ada drink two cup of tea']) {
      expect((await write([entry(text)]))[0]).toMatchObject({ accepted: false, reason: 'duplicate' });
    }
    expect(await consolidate()).toMatchObject({ near_duplicates: 0, closed: 0 });
    expect(must(await undo(run.id)).undone_at).not.toBeNull();
    expect(await counts()).toMatchObject({ live: 3 });
    expect((await texts('two cups of tea')).length).toBe(3);
    expect(await verify()).toMatchObject({ valid: true, entries: 4 });
    expect((await write([entry('Ada drinks two cups of tea.')]))[0]).toMatchObject({ accepted: false });
    expect(must(await undo(run.id)).undone_at).not.toBeNull();
    expect(await consolidate()).toMatchObject({ near_duplicates: 1, closed: 2 });
    expect(await verify()).toMatchObject({ valid: true });
  });

  test('makes room under the quota by summaries, and the quota counts what is open', async () => {
    const { write, entry, consolidate, counts, verify, texts } = openAgent();
    const small: MemoryPolicy = { max: 30, consolidate: 'never' };
    await write(
      Array.from({ length: 31 }, (_, at) => entry(`The locker ${at} holds a parcel.`)),
      small,
    );
    expect(await counts()).toMatchObject({ live: 30, refused: 1 });
    expect(await consolidate(small)).toMatchObject({ decayed: 1, closed: 20, whole: true });
    expect(await counts()).toMatchObject({ live: 11 });
    expect((await write([entry('The locker 31 holds a parcel.')], small))[0]).toMatchObject({ accepted: true });
    expect((await texts('Which locker holds a parcel?')).some((text) => text.includes('locker 0 holds'))).toBe(true);
    expect(await verify()).toMatchObject({ valid: true });
  });

  test('leaves a summary to be found by the best of what it quotes, and explains it so', async () => {
    const { remember, write, entry, consolidate, texts, recall, forget, clock } = openAgent();
    const event = { kind: 'event', subject: 'trip' };
    const found = await remember('The violin was repaired in Bergen.', event);
    const days = ['glacier', 'harbour', 'orchard', 'bakery', 'archive', 'engine', 'satellite', 'garden'];
    await write(
      days.map((day) => entry(`Nobody went to see the ${day} for want of a guide, a map and good shoes.`, event)),
    );
    clock.at += 40 * DayMs;
    await write(['Lisbon', 'Quito', 'Tunis', 'Hobart'].map((town) => entry(`The violin was lost in ${town}.`)));
    const query = 'violin repaired in Bergen';
    expect((await texts(query))[0]).toBe('The violin was repaired in Bergen.');
    expect(await consolidate()).toMatchObject({ episodes: 1, closed: 9 });
    const { hits } = await recall(query, { explain: true });
    expect(hits[0]).toMatchObject({ kind: 'summary', why: { vector: { rank: 1 }, text: { rank: 1 } } });
    expect(hits.filter(({ kind }) => kind === 'summary')).toHaveLength(1);
    expect(await texts(query, { filter: { kind: 'event' } })).toEqual([]);
    await forget({ ids: [found.id] });
    expect((await texts(query)).some((text) => text.includes('Bergen'))).toBe(false);
  });

  test('lets what is forgotten go out of what it was put together in, and gives the rest back', async () => {
    const { remember, consolidate, forget, texts, verify, counts, clock } = openAgent();
    const event = { kind: 'event', subject: 'trip' };
    const left = await remember('Left Riga by train.', event);
    await remember('Reached Oslo by train.', event);
    await remember('Saw Bergen by train.', event);
    clock.at += 40 * DayMs;
    const run = await consolidate();
    expect(run).toMatchObject({ episodes: 1, closed: 3 });
    expect(await texts('by train')).toHaveLength(1);
    const { ids } = await forget({ ids: [left.id] });
    expect(ids).toHaveLength(2);
    expect((await texts('by train')).toSorted()).toEqual(['Reached Oslo by train.', 'Saw Bergen by train.']);
    expect(await counts()).toMatchObject({ live: 2 });
    expect(await verify()).toMatchObject({ valid: true });
  });

  test('of what was consolidated before is undone from within: each run gives back its own', async () => {
    const { remember, consolidate, undo, texts, verify, counts } = openAgent();
    await remember('Ada likes cups of tea.');
    await remember('Ada likes cup of tea');
    const first = await consolidate();
    await remember('ADA like cups of tea, please note');
    const second = await consolidate();
    expect([first.closed, second.closed]).toEqual([2, 2]);
    expect(await texts('tea')).toHaveLength(1);
    must(await undo(first.id));
    expect(await texts('tea')).toHaveLength(3);
    expect(await counts()).toMatchObject({ live: 3 });
    expect(await verify()).toMatchObject({ valid: true });
  });

  test('is not undone where something was built on it since, which is named', async () => {
    const { remember, consolidate, undo, verify, texts, agentId, tenant } = openAgent();
    await remember('The office closes at six.');
    await remember('The offices closes at six');
    const run = await consolidate();
    const page = must(await store.select(tenantScope(tenant), agentId, { source: 'consolidation' }, 0, 10));
    const since = await remember('The office closes at seven.', { supersedes: page[0]!.id });
    expect(await undo(run.id)).toMatchObject({ ok: false, failure: { code: 'conflict' } });
    expect(JSON.stringify(await undo(run.id))).toContain(since.id);
    expect(await texts('When does the office close?')).toEqual(['The office closes at seven.']);
    expect(await verify()).toMatchObject({ valid: true });
    expect(await undo(mintId('consolidation', 0))).toMatchObject({ ok: false, failure: { code: 'not_found' } });
  });

  test('what it closed is found where somebody opens it in the database, and the other way round', async () => {
    const { remember, consolidate, verify, tenant } = openAgent();
    const first = await remember('Ada likes cups of tea.');
    await remember('Ada likes cup of tea');
    const other = await remember('Bob likes milk.');
    await consolidate();
    const edit = (sql: string, ...values: unknown[]) =>
      database
        .prepare(sql)
        .bind(...values, tenant)
        .run();
    await edit('UPDATE memories SET closed_by = NULL, closed_at = NULL WHERE id = ? AND tenant_id = ?', first.id);
    expect(await verify()).toMatchObject({ valid: false });
    await edit(
      `UPDATE memories SET (closed_by, closed_at) = (SELECT closed_by, closed_at FROM memories AS twin
         WHERE twin.tenant_id = memories.tenant_id AND twin.closed_by IS NOT NULL) WHERE id = ? AND tenant_id = ?`,
      first.id,
    );
    expect(await verify()).toMatchObject({ valid: true });
    await edit(
      `UPDATE memories SET (closed_by, closed_at) = (SELECT closed_by, closed_at FROM memories AS twin
         WHERE twin.tenant_id = memories.tenant_id AND twin.closed_by IS NOT NULL) WHERE id = ? AND tenant_id = ?`,
      other.id,
    );
    expect(await verify()).toMatchObject({ valid: false });
  });

  test('runs when the definition says so, and no longer when it does not', async () => {
    const { write, entry, clock, stub, texts, run, agentId } = openAgent();
    const daily: MemoryPolicy = { max: 100, consolidate: 'daily' };
    await write([entry('Ada likes cups of tea.'), entry('Ada likes cup of tea')], daily);
    clock.at += DayMs;
    await runDurableObjectAlarm(stub);
    expect(await texts('tea')).toHaveLength(1);
    const list = await run((desk) => desk.consolidations(agentId, { limit: 10 }));
    expect(list.data).toMatchObject([{ near_duplicates: 1, author: 'platform' }]);
    await write([entry('ADA like cups of tea, please note')], policy);
    clock.at += 2 * DayMs;
    await runDurableObjectAlarm(stub);
    expect(await texts('tea')).toHaveLength(2);
  });
});
