/** Writing beside forgetting: whatever overtakes whatever, what was forgotten does not stay in the index. */
import { describe, expect, test } from 'vitest';
import { agentMigrations } from '../../../durable-objects/agent/agent-migrations.ts';
import { AgentStore } from '../../../durable-objects/agent/agent-store.ts';
import { ConsolidationStore } from '../../../durable-objects/agent/consolidation-store.ts';
import { MemoryEraser } from '../../../durable-objects/agent/memory-eraser.ts';
import { MemoryWriter } from '../../../durable-objects/agent/memory-writer.ts';
import type { MemoryPolicy } from '../../../shared/contracts/agents.ts';
import { createMemory } from '../../../shared/contracts/memories.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import type { MemoryRecord } from '../../../shared/store/memory-chain.ts';
import { tenantScope } from '../../../shared/tenancy/tenant-scope.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';

const tenantId = mintId('tenant', 0);
const agentId = mintId('agent', 0);
const policy: MemoryPolicy = { max: 10, consolidate: 'never' };

/** A database and an index that hold each upsert until the test lets it through. */
function setUp() {
  const rows = new Map<string, MemoryRecord>();
  const indexed = new Set<string>();
  let arrived = () => {};
  let release = () => {};
  const held = { arrived: new Promise<void>((resolve) => (arrived = resolve)), release: () => release() };
  const letThrough = new Promise<void>((resolve) => (release = resolve));
  const memories = {
    insertMemories: async (_: unknown, records: readonly MemoryRecord[]) => {
      for (const record of records) if (!rows.has(record.id)) rows.set(record.id, record);
      return ok();
    },
    findOwn: async (_: unknown, __: unknown, ids: readonly string[]) => ok(ids.flatMap((id) => rows.get(id) ?? [])),
    countMemories: async () => ok(0),
    listDerived: async () => ok([]),
    deleteMemories: async (_: unknown, __: unknown, ids: readonly string[]) => {
      for (const id of ids) rows.set(id, { ...rows.get(id)!, text: '', deletedAt: 1 });
      return ok();
    },
  };
  const index = {
    upsert: async (vectors: readonly { readonly id: string }[]) => {
      arrived();
      await letThrough;
      for (const { id } of vectors) indexed.add(id);
    },
    deleteByIds: async (ids: readonly string[]) => ids.forEach((id) => indexed.delete(id)),
    getByIds: async (ids: readonly string[]) => ids.filter((id) => indexed.has(id)),
  };
  const sql = sqliteStorage(agentMigrations.map((each) => each.sql));
  const deps = {
    tenantId,
    scope: tenantScope(tenantId),
    storage: { transactionSync: <T>(work: () => T) => work() },
    store: new AgentStore(sql),
    outbox: { enter: () => {} },
    memories: () => memories,
    vectorIndex: () => index,
    now: () => 1,
  } as unknown as ConstructorParameters<typeof MemoryWriter>[0];
  const writer = new MemoryWriter(deps);
  const runs = new ConsolidationStore(sql);
  const spaces = ['freehold/hash-char-768'];
  const eraser = new MemoryEraser(
    deps,
    writer,
    runs,
    () => spaces,
    async () => {},
  );
  return { rows, indexed, held, deps, writer, eraser, spaces };
}

describe('MemoryWriter and MemoryEraser', () => {
  test('what is forgotten while it is on its way to the index does not stay there', async () => {
    const { rows, indexed, held, deps, writer, eraser } = setUp();
    const id = mintId('memory', 0);
    const entry = { ...createMemory.parse({ text: 'The code is 4711.' }), id, author: 'key_1' };
    const written = await writer.write(agentId, [entry], policy);
    expect(written).toMatchObject({ ok: true });
    const carrying = writer.carry(deps.store.pendingOf(agentId));
    await held.arrived;
    deps.store.planDeletion({ agentId, id, embeddingSpace: 'any', traceparent: null });
    const forgotten = await eraser.complete();
    expect(forgotten).toEqual(ok());
    held.release();
    expect(await carrying).toEqual(ok());
    expect([...indexed]).toEqual([]);
    expect(rows.get(id)).toMatchObject({ text: '', deletedAt: 1 });
    expect(deps.store.hasPending()).toBe(false);
  });

  test('two writes at once of the same words are one memory', async () => {
    const { held, writer } = setUp();
    held.release();
    const entries = [0, 1].map((at) => ({
      ...createMemory.parse({ text: 'The code is 4711.' }),
      id: mintId('memory', at),
      author: 'key_1',
    }));
    const written = await Promise.all(entries.map((entry) => writer.write(agentId, [entry], policy)));
    expect(written.map((each) => each.ok && each.value.map((one) => 'refusal' in one))).toEqual([[false], [true]]);
  });

  test('what is forgotten while it is read to be consolidated does not come back in a summary', async () => {
    const { rows, held, deps, writer, eraser } = setUp();
    held.release();
    const entries = ['The code is 4711.', 'The code is 0815.'].map((text, at) => ({
      ...createMemory.parse({ text }),
      id: mintId('memory', at),
      author: 'key_1',
    }));
    await writer.write(agentId, entries, policy);
    await writer.carry(deps.store.pendingOf(agentId));
    const ids = entries.map(({ id }) => id);
    const read = deps.memories().findOwn;
    const whole = rows.get(ids[0]!)!;
    const made: string[] = [];
    let overtake = true;
    Object.assign(deps.memories(), {
      findOwn: async (...args: Parameters<typeof read>) => {
        const found = await read(...args);
        if (overtake) {
          overtake = false;
          deps.store.planDeletion({ agentId, id: ids[0]!, embeddingSpace: 'any', traceparent: null });
          await eraser.complete();
        }
        return found;
      },
    });
    const done = await writer.consolidate(
      agentId,
      [{ reason: 'episode', ids }],
      () => ({ ...whole, text: 'a summary' }),
      (_, id) => made.push(id),
    );
    expect([done.ok, made, rows.size]).toEqual([true, [], 2]);
  });

  test('what is forgotten goes from every space of its agent, and is asked for in each of them', async () => {
    const { held, deps, writer, eraser, spaces } = setUp();
    held.release();
    spaces.push('current', 'next', 'leaving');
    const id = mintId('memory', 0);
    const indexes = new Map(spaces.map((space) => [space, new Set([id])]));
    const stubborn = new Set<string>();
    const vectorIndex = (space: string) => {
      const ids = indexes.get(space)!;
      return {
        upsert: async () => {},
        deleteByIds: async (gone: readonly (typeof id)[]) =>
          gone.forEach((each) => stubborn.has(space) || ids.delete(each)),
        getByIds: async (asked: readonly (typeof id)[]) => asked.filter((each) => ids.has(each)),
      };
    };
    Object.assign(deps, { vectorIndex });
    await writer.write(
      agentId,
      [{ ...createMemory.parse({ text: 'The code is 4711.' }), id, author: 'key_1' }],
      policy,
    );
    await writer.carry(deps.store.pendingOf(agentId));
    stubborn.add('leaving');
    expect(await eraser.forget(agentId, { ids: [id] })).toMatchObject({ ok: false });
    expect([...indexes].map(([, ids]) => ids.size)).toEqual([0, 0, 0, 1]);
  });
});
