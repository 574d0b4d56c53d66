/** A space follows the chain: through crashes, refusals and deletions, each memory is in it exactly while it is there. */
import { describe, expect, test } from 'vitest';
import { agentMigrations } from '../../../durable-objects/agent/agent-migrations.ts';
import { AgentStore } from '../../../durable-objects/agent/agent-store.ts';
import { DropSize, MemorySpaces, StepSize, type EmbedTexts } from '../../../durable-objects/agent/memory-spaces.ts';
import { MemoryWriter } from '../../../durable-objects/agent/memory-writer.ts';
import { SpaceStore } from '../../../durable-objects/agent/space-store.ts';
import { HashEmbeddingModel } from '../../../shared/core/hash-embedding.ts';
import { mintId, type AgentId } from '../../../shared/core/ids.ts';
import type { Principal } from '../../../shared/core/principal.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { tenantScope } from '../../../shared/tenancy/tenant-scope.ts';
import { memoryChain } from '../../support/memory-factory.ts';
import { Crash, CrashingStorage } from '../../support/crashing-storage.ts';

const tenantId = mintId('tenant', 0);
const principal: Principal = {
  kind: 'key',
  id: mintId('key', 0),
  permissions: [],
  scope: { project: null, environment: null, agent: null },
};
const must = <T>(value: T | undefined): T => value ?? expect.fail('there is none');

function setUp(count: number, agentId: AgentId = mintId('agent', 0)) {
  const storage = new CrashingStorage(agentMigrations.map(({ sql }) => sql));
  const chain = memoryChain(
    tenantId,
    agentId,
    Array.from({ length: count }, (_, at) => ({ id: mintId('memory', at), text: `Fact number ${at}.` })),
  );
  const indexes = new Map<string, Set<string>>();
  const indexOf = (space: string) => {
    const ids = indexes.get(space) ?? new Set<string>();
    indexes.set(space, ids);
    return ids;
  };
  const embedded: string[] = [];
  const world = { now: 1_000, refuses: (() => false) as (text: string) => boolean, meanwhile: () => {} };
  const embed: EmbedTexts = async (_, __, model, texts) => {
    if (texts.some((text) => world.refuses(text))) return err('invalid_request', 'The input is too long.');
    if (texts[0] !== 'memory') embedded.push(...texts.map((text) => `${model}: ${text}`));
    world.meanwhile();
    return ok({ space: model, semantic: true, dimensions: 2, vectors: texts.map(() => new Float32Array([1, 0])) });
  };
  const boot = () => {
    const store = new AgentStore(storage.sql);
    const deps = {
      tenantId,
      scope: tenantScope(tenantId),
      storage: {
        transactionSync: <T>(work: () => T) => {
          let result: T;
          storage.transaction(() => (result = work()));
          return result!;
        },
      },
      store,
      memories: () => ({
        listChain: async (_: unknown, agent: AgentId, after: number, limit: number) =>
          ok(chain.filter((row) => row.agentId === agent && row.sequence > after).slice(0, limit)),
      }),
      register: () => ({ enter: async () => ok() }),
      vectorIndex: (space: string) => ({
        query: async () => ({ count: 0, matches: [] }),
        upsert: async (vectors: readonly { readonly id: string }[]) =>
          vectors.forEach(({ id }) => indexOf(space).add(id)),
        deleteByIds: async (ids: readonly string[]) => ids.forEach((id) => indexOf(space).delete(id)),
      }),
      now: () => world.now,
    } as unknown as ConstructorParameters<typeof MemorySpaces>[0];
    const writer = new MemoryWriter(deps);
    const spaces = new MemorySpaces(deps, new SpaceStore(storage.sql), writer, embed, async () => {});
    /** Whatever is due, until nothing is. */
    const drive = async () => {
      for (let due = spaces.duty.dueAt(); due !== undefined; due = spaces.duty.dueAt()) {
        world.now = Math.max(world.now, due);
        await spaces.duty.run(world.now);
      }
    };
    return { store, writer, spaces, drive };
  };
  const first = boot();
  const { sequence, hash } = chain.at(-1)!;
  first.store.setChain(agentId, { sequence, hash, sealed: 0, leaves: 0, frontier: [] });
  return { ...first, boot, storage, chain, agentId, indexOf, embedded, world };
}

describe('MemorySpaces', () => {
  test('an embedding that is killed at any statement goes on, and changes over when it is whole', async () => {
    const count = StepSize + 5;
    for (let fuse = 0, crashed = true; crashed; fuse++) {
      const { boot, storage, chain, agentId, indexOf, embedded, ...first } = setUp(count);
      await first.spaces.choose(agentId, 'old', principal);
      await first.drive();
      await first.spaces.choose(agentId, 'new', principal);
      storage.fuse = fuse;
      crashed = await first.drive().then(
        () => false,
        (error: unknown) => error instanceof Crash,
      );
      storage.fuse = undefined;
      const { spaces, drive } = boot();
      const { current } = spaces.describe(agentId);
      // At every moment recall has a whole space.
      expect(indexOf(must(current?.space)).size).toBe(count);
      await drive();
      expect(spaces.describe(agentId)).toMatchObject({
        current: { space: 'new', reached: count, refused: 0, failure: null },
        next: null,
        leaving: [],
      });
      expect([...indexOf('new')].toSorted()).toEqual(chain.map(({ id }) => id).toSorted());
      expect([...indexOf('old')]).toEqual([]);
      // A step is done again at most.
      expect(embedded.filter((each) => each.startsWith('new')).length).toBeLessThanOrEqual(count + StepSize);
    }
  });

  test('what is forgotten while it is embedded does not stay, nor what a crash has left of it', async () => {
    const { spaces, writer, drive, chain, agentId, indexOf, world } = setUp(3);
    const [kept, going, gone] = chain;
    indexOf('model').add(gone!.id);
    chain[2] = { ...gone!, text: '', deletedAt: 1 };
    await spaces.choose(agentId, 'model', principal);
    world.meanwhile = () => writer.noteForgotten([going!.id]);
    await drive();
    expect([...indexOf('model')]).toEqual([kept!.id]);
  });

  test('what was noted to be forgotten before a step began is not embedded by it', async () => {
    const { spaces, store, drive, chain, agentId, indexOf, embedded } = setUp(2);
    store.planDeletion({ agentId, id: chain[1]!.id as never, embeddingSpace: HashEmbeddingModel, traceparent: null });
    await spaces.choose(agentId, 'model', principal);
    await drive();
    expect([...indexOf('model')]).toEqual([chain[0]!.id]);
    expect(embedded).toEqual(['model: Fact number 0.']);
  });

  test('a text that the model refuses stops none of the others, and is counted', async () => {
    const { spaces, drive, agentId, indexOf, world } = setUp(4);
    await spaces.choose(agentId, 'model', principal);
    world.refuses = (text) => text === 'Fact number 2.';
    await drive();
    expect(indexOf('model').size).toBe(3);
    expect(spaces.describe(agentId).current).toMatchObject({ reached: 4, refused: 1, failure: null });
  });

  test('a model that refuses everything is at fault: nothing is skipped, and recall stays where it was', async () => {
    const { spaces, drive, agentId, world } = setUp(3);
    await spaces.choose(agentId, 'model', principal);
    world.refuses = () => true;
    await spaces.duty.run(world.now);
    expect(spaces.current(agentId)).toBeNull();
    expect(spaces.describe(agentId).next).toMatchObject({
      reached: 0,
      refused: 0,
      failure: { code: 'invalid_request' },
    });
    world.refuses = () => false;
    await drive();
    expect(spaces.current(agentId)).toMatchObject({ space: 'model', behind: false });
  });

  test('nothing is passed over that is still on its way to the database', async () => {
    const { spaces, store, drive, chain, agentId, indexOf } = setUp(3);
    store.addPending(agentId, chain[1]!);
    await spaces.choose(agentId, 'model', principal);
    await drive();
    expect([...indexOf('model')]).toEqual([chain[0]!.id]);
    expect(spaces.current(agentId)).toMatchObject({ behind: true });
    store.confirm(chain[1]!);
    await drive();
    expect([indexOf('model').size, spaces.current(agentId)?.behind]).toEqual([3, false]);
  });

  test('the vectors of an abandoned choice go, and one that is chosen again begins anew', async () => {
    const { spaces, drive, agentId, indexOf } = setUp(3);
    await spaces.choose(agentId, 'first', principal);
    await drive();
    await spaces.choose(agentId, 'second', principal);
    await spaces.choose(agentId, 'first', principal);
    expect(spaces.describe(agentId)).toMatchObject({ current: { space: 'first' }, next: null, leaving: ['second'] });
    await spaces.choose(agentId, null, principal);
    expect(spaces.namesOf(agentId)).toEqual([HashEmbeddingModel, 'first', 'second']);
    await spaces.choose(agentId, 'first', principal);
    expect(spaces.describe(agentId)).toMatchObject({ current: null, next: { space: 'first', reached: 0 } });
    await drive();
    expect([indexOf('first').size, indexOf('second').size]).toEqual([3, 0]);
    expect(spaces.namesOf(agentId)).toEqual([HashEmbeddingModel, 'first']);
  });

  test('a space that is chosen again while its vectors are being deleted is whole in the end', async () => {
    const { spaces, drive, agentId, indexOf, world } = setUp(DropSize + 5);
    await spaces.choose(agentId, 'model', principal);
    await drive();
    await spaces.choose(agentId, null, principal);
    world.now = must(spaces.duty.dueAt());
    await spaces.duty.run(world.now);
    expect([spaces.describe(agentId).leaving, indexOf('model').size]).toEqual([['model'], 5]);
    await spaces.choose(agentId, 'model', principal);
    await drive();
    expect([spaces.current(agentId)?.space, indexOf('model').size]).toEqual(['model', DropSize + 5]);
  });

  test('a step that takes long is not begun a second time beside itself', async () => {
    const { spaces, agentId, embedded, indexOf, world } = setUp(3);
    await spaces.choose(agentId, 'model', principal);
    const again: Promise<void>[] = [];
    world.meanwhile = () => {
      world.meanwhile = () => {};
      again.push(Promise.resolve(spaces.duty.run(world.now)));
    };
    await spaces.duty.run(world.now);
    await Promise.all(again);
    expect([embedded.length, indexOf('model').size]).toEqual([3, 3]);
  });
});
