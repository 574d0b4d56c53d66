/** Memories in D1: no function sees another tenant's rows, and a failure is never an empty answer. */
import { beforeAll, describe, expect, test } from 'vitest';
import { mintId, type AgentId } from '../../shared/core/ids.ts';
import { verifyChain } from '../../shared/store/memory-chain.ts';
import { MemoryStore } from '../../shared/store/memory-store.ts';
import { toMemory } from '../../shared/store/memory-view.ts';
import { memory } from '../../shared/contracts/memories.ts';
import { tenantScope, type TenantScope } from '../../shared/tenancy/tenant-scope.ts';
import { memoryChain } from '../support/memory-factory.ts';
import { database, migrateDatabase } from './vectors-env.ts';

const store = new MemoryStore(database);

beforeAll(migrateDatabase);

async function fill(
  count: number,
  scope: TenantScope = tenantScope(mintId('tenant', 0)),
  agentId: AgentId = mintId('agent', 0),
) {
  const partials = Array.from({ length: count }, (_, at) => ({
    text: `memory ${at}`,
    kind: at % 2 ? ('event' as const) : ('fact' as const),
  }));
  const rows = memoryChain(scope.tenantId, agentId, partials);
  for (const row of rows) expect(await store.insertMemories(scope, [row])).toEqual({ ok: true, value: undefined });
  return { scope, agentId, rows };
}

describe('MemoryStore', () => {
  test('gives back what was put in, in the form of the contract', async () => {
    const { scope, agentId, rows } = await fill(1);
    const found = await store.findMemory(scope, agentId, rows[0]!.id);
    expect(found).toEqual({ ok: true, value: rows[0] });
    expect(memory.parse(toMemory(rows[0]!))).toEqual(toMemory(rows[0]!));
  });

  test('the same memory may be inserted again, another one with its id or place may not', async () => {
    const { scope, agentId, rows } = await fill(2);
    const [first, second] = [rows[0]!, rows[1]!];
    expect(await store.insertMemories(scope, [first])).toMatchObject({ ok: true });
    const conflict = { ok: false, failure: { code: 'conflict' } };
    expect(await store.insertMemories(scope, [{ ...first, hash: 'other' }])).toMatchObject(conflict);
    expect(await store.insertMemories(scope, [{ ...second, id: mintId('memory', 0) }])).toMatchObject(conflict);
    expect(await store.countMemories(scope, agentId)).toEqual({ ok: true, value: 2 });
    await store.deleteMemories(scope, agentId, [first.id], 5);
    expect(await store.insertMemories(scope, [first])).toMatchObject({ ok: true });
    expect(await store.findMemory(scope, agentId, first.id)).toEqual({ ok: true, value: undefined });
  });

  test('no function reads or changes a row of another tenant or agent, though ids and places are the same', async () => {
    const { scope, agentId, rows } = await fill(3);
    const id = rows[0]!.id;
    const strangers: readonly (readonly [TenantScope, AgentId])[] = [
      [tenantScope(mintId('tenant', 0)), agentId],
      [scope, mintId('agent', 0)],
    ];
    for (const [otherScope, otherAgent] of strangers) {
      expect(await store.findMemory(otherScope, otherAgent, id)).toEqual({ ok: true, value: undefined });
      expect(
        await store.findMemories(
          otherScope,
          otherAgent,
          rows.map((row) => row.id),
        ),
      ).toEqual({ ok: true, value: [] });
      const page = { agentId: otherAgent, limit: 10, cursor: '100' };
      expect(await store.listMemories(otherScope, page)).toMatchObject({ ok: true, value: { data: [] } });
      expect(await store.listChain(otherScope, otherAgent, 0, 10)).toEqual({ ok: true, value: [] });
      expect(await store.countMemories(otherScope, otherAgent)).toEqual({ ok: true, value: 0 });
      expect(await store.deleteMemories(otherScope, otherAgent, [id], 1)).toMatchObject({ ok: true });
      expect(await store.findOwn(otherScope, otherAgent, [id])).toEqual({ ok: true, value: [] });
      expect(await store.select(otherScope, otherAgent, {}, 0, 10)).toEqual({ ok: true, value: [] });
    }
    const [otherScope] = strangers[0]!;
    await fill(2, otherScope, agentId);
    await store.insertMemories(otherScope, [{ ...rows[2]!, text: 'theirs', hash: 'theirs' }]);
    expect(await store.deleteMemories(otherScope, agentId, [rows[2]!.id], 1)).toMatchObject({ ok: true });
    expect(await store.listChain(scope, agentId, 0, 10)).toEqual({ ok: true, value: rows });
  });

  test('what is shared is given to its readers, and to all where it names none', async () => {
    const { scope, agentId: home } = await fill(0);
    const [reader, stranger] = [mintId('agent', 0), mintId('agent', 0)];
    const rows = memoryChain(scope.tenantId, home, [
      { scope: 'shared', readers: [reader] },
      { scope: 'shared', readers: ['*'] },
      { scope: 'private', readers: [reader] },
    ]);
    await store.insertMemories(scope, rows);
    const found = async (agentId: AgentId) => {
      const given = await store.findMemories(
        scope,
        agentId,
        rows.map(({ id }) => id),
      );
      return given.ok ? given.value.map(({ sequence }) => sequence).toSorted() : given;
    };
    expect(await found(home)).toEqual([1, 2, 3]);
    expect(await found(reader)).toEqual([1, 2]);
    expect(await found(stranger)).toEqual([2]);
  });

  test('lists newest first, each once, page by page', async () => {
    const { scope, agentId, rows } = await fill(7);
    await store.deleteMemories(scope, agentId, [rows[3]!.id], 1);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await store.listMemories(scope, { agentId, limit: 2, ...(cursor === null ? {} : { cursor }) });
      if (!page.ok) throw new Error(page.failure.message);
      seen.push(...page.value.data.map((row) => row.text));
      cursor = page.value.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(['memory 6', 'memory 5', 'memory 4', 'memory 2', 'memory 1', 'memory 0']);
    const events = await store.listMemories(scope, { agentId, limit: 10, filter: { kind: 'event' } });
    expect(events.ok && events.value.data.map((row) => row.text)).toEqual(['memory 5', 'memory 1']);
  });

  test.each(['', '0', '-1', '1e3', '1 OR 1=1', 'mem_1', '9'.repeat(16)])('refuses the cursor %j', async (cursor) => {
    const { scope, agentId } = await fill(1);
    expect(await store.listMemories(scope, { agentId, limit: 2, cursor })).toMatchObject({
      ok: false,
      failure: { code: 'invalid_request', param: 'cursor' },
    });
  });

  test('a deletion takes the text out of the database and leaves a chain that verifies', async () => {
    const { scope, agentId, rows } = await fill(3);
    const id = rows[1]!.id;
    expect(await store.deleteMemories(scope, agentId, [id], 99)).toEqual({ ok: true, value: undefined });
    expect(await store.deleteMemories(scope, agentId, [id], 100)).toEqual({ ok: true, value: undefined });
    const chain = await store.listChain(scope, agentId, 0, 10);
    if (!chain.ok) throw new Error(chain.failure.message);
    expect(chain.value[1]).toEqual({ ...rows[1]!, text: '', salt: null, deletedAt: 99 });
    expect(verifyChain(scope.tenantId, agentId, chain.value, rows[2]!)).toMatchObject({ valid: true, entries: 3 });
    expect(await store.countMemories(scope, agentId)).toEqual({ ok: true, value: 2 });
  });

  test('reads the chain in pages', async () => {
    const { scope, agentId, rows } = await fill(5);
    expect(await store.listChain(scope, agentId, 2, 2)).toEqual({ ok: true, value: rows.slice(2, 4) });
  });

  test('finds hundreds of ids at once, odd ones among them', async () => {
    const { scope, agentId, rows } = await fill(4);
    const odd = ["'); DROP TABLE memories; --", '', '\u0000', '🦊', '[', '"'];
    const ids = [...Array.from({ length: 400 }, (_, at) => mintId('memory', at)), ...odd, ...rows.map((row) => row.id)];
    const found = await store.findMemories(scope, agentId, ids);
    expect(found.ok && found.value.map((row) => row.id).toSorted()).toEqual(rows.map((row) => row.id).toSorted());
  });

  test('a failure of D1 is service_unavailable in every function, and its reason holds no text of a memory', async () => {
    const failing: typeof database = Object.assign(Object.create(database), {
      prepare: () => database.prepare('SELECT broken FROM nowhere WHERE ? = ?'),
    });
    const broken = new MemoryStore(failing);
    const scope = tenantScope(mintId('tenant', 0));
    const agentId = mintId('agent', 0);
    const [row] = memoryChain(scope.tenantId, agentId, [{ text: 'a secret text' }]);
    const answers = [
      await broken.insertMemories(scope, [row!]),
      await broken.findMemory(scope, agentId, 'mem_1'),
      await broken.findMemories(scope, agentId, ['mem_1']),
      await broken.listMemories(scope, { agentId, limit: 1 }),
      await broken.listChain(scope, agentId, 0, 1),
      await broken.deleteMemories(scope, agentId, ['mem_1'], 1),
      await broken.countMemories(scope, agentId),
    ];
    for (const answer of answers) expect(answer).toMatchObject({ ok: false, failure: { code: 'service_unavailable' } });
    expect(JSON.stringify(answers)).not.toContain('secret');
  });

  test('no statement that names memories goes through all that their agent has', async () => {
    const { scope, agentId, rows } = await fill(3);
    const asked: { sql: string; params: number }[] = [];
    const listening = new Proxy(database, {
      get(target, name: keyof D1Database) {
        if (name !== 'prepare') return target[name].bind(target as never);
        return (sql: string) => {
          asked.push({ sql, params: sql.split('?').length - 1 });
          return target.prepare(sql);
        };
      },
    });
    const watched = new MemoryStore(listening);
    const [first, second] = rows.map(({ id }) => id);
    const made = { ...rows[2]!, sourceType: 'consolidation' as const, sources: [first!] };
    await watched.insertMemories(scope, [made]);
    await watched.findMemory(scope, agentId, first!);
    await watched.findMemories(scope, agentId, [first!, second!]);
    await watched.findOwn(scope, agentId, [first!, second!]);
    await watched.listDerived(scope, agentId, [first!]);
    await watched.deleteMemories(scope, agentId, [first!], 1, [second!]);
    await watched.findKnownId(scope, [first!]);
    await watched.listStretch(scope, agentId, second!);
    expect(asked.length).toBeGreaterThan(10);
    for (const { sql, params } of asked) {
      const { results } = await database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...Array.from({ length: params }, () => null))
        .all<{ detail: string }>();
      const steps = results.map(({ detail }) => detail).filter((detail) => /\b(memories|closer)\b/.test(detail));
      for (const step of steps) {
        expect(step, sql).toMatch(/ (id|closed_by)=\?|sequence[<>]|INDEX memories_made /);
      }
    }
  });
});
