/**
 * Memories while D1 or the vector index fails at every nth call: what is said to be done is done and stays, what is
 * said not to be done can be asked again, and no answer repeats what the failure said. The first fault of every n meets
 * another moment of the work.
 */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { AgentStore } from '../../durable-objects/agent/agent-store.ts';
import type { AgentObject } from '../../durable-objects/agent/agent-object.ts';
import { ConsolidationStore } from '../../durable-objects/agent/consolidation-store.ts';
import { MemoryDesk, type MemoryDeskDeps } from '../../durable-objects/agent/memory-desk.ts';
import { SpaceStore } from '../../durable-objects/agent/space-store.ts';
import type { Platform } from '../../durable-objects/stubs.ts';
import { createMemory, recallRequest } from '../../shared/contracts/memories.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { mintId, type AgentId, type MemoryId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { EmbeddedVectorIndex } from '../../shared/store/embedded-vector-index.ts';
import { MemoryStore } from '../../shared/store/memory-store.ts';
import { hashEmbedder, recallMemories } from '../../shared/store/recall.ts';
import { agentObjectName } from '../../shared/tenancy/object-name.ts';
import { tenantScope } from '../../shared/tenancy/tenant-scope.ts';
import { problemResponse } from '../../workers/http/problem-response.ts';
import type { RequestContext } from '../../workers/edge/request-context.ts';
import { faultKinds, Faults, faultyDatabase, faultyStub, internals } from '../support/faults.ts';
import { database, migrateDatabase, openEmbeddedIndex, openShard } from './vectors-env.ts';

/** Each n with one of the kinds; `FAULT_STRIDE=1`: with all of them. */
const stride = Number((env as unknown as { readonly FAULT_STRIDE: string }).FAULT_STRIDE);
const Ns = Array.from({ length: 200 }, (_, at) => at + 1);
/** Not more calls than one life makes, so that one is enough to meet a fault, and no multiple of the stride. */
const moments = { database: 14, index: 8 } as const;
const MaxTries = 4;

const platform = env as unknown as Platform;
const tenant = mintId('tenant', 0);
const scope = tenantScope(tenant);
const faults = { database: new Faults(), index: new Faults() };
const failing = new MemoryStore(faultyDatabase(database, faults.database));
const failingIndex = new EmbeddedVectorIndex(tenant, (shard) => faultyStub(openShard(tenant, shard), faults.index));
/** The same, as they are. */
const sound = new MemoryStore(database);
const soundIndex = openEmbeddedIndex(tenant);

beforeAll(migrateDatabase);

function makeDesk({ storage }: DurableObjectState): MemoryDesk {
  return new MemoryDesk({
    tenantId: tenant,
    storage,
    store: new AgentStore(storage.sql),
    runs: new ConsolidationStore(storage.sql),
    spaces: new SpaceStore(storage.sql),
    register: () => ({}),
    embed: async () => expect.unreachable(),
    outbox: { enter() {}, deliver() {} },
    memories: () => failing,
    vectorIndex: () => failingIndex,
    now: () => systemClock.now(),
    changed: async () => {},
  } as unknown as MemoryDeskDeps);
}

async function requireDiscreet(failed: Result<unknown>): Promise<void> {
  if (failed.ok) return;
  const context = { request: new Request('http://a/'), event: {}, requestId: 'req_1' } as unknown as RequestContext;
  for (const surface of ['openai', 'native'] as const) {
    const answer = problemResponse(context, failed.failure, surface);
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toMatch(internals);
  }
}

/** As a caller does who was told to try again; the last try meets no fault. */
async function persist<T>(work: () => Promise<Result<T>>): Promise<T> {
  for (let tries = 1; ; tries++) {
    if (tries === MaxTries) for (const each of Object.values(faults)) each.disarm();
    const done = await work();
    await requireDiscreet(done);
    if (done.ok) return done.value;
    if (tries === MaxTries) throw new Error(`${done.failure.code}: ${done.failure.reason}`);
  }
}

async function isKnown(agentId: AgentId, id: MemoryId): Promise<{ row: boolean; vector: boolean }> {
  const row = await sound.findMemory(scope, agentId, id);
  return { row: row.ok && row.value !== undefined, vector: (await soundIndex.getByIds([id])).length > 0 };
}

async function finishWhatFailed(desk: MemoryDesk): Promise<Result<undefined>> {
  try {
    for (const duty of desk.duties) if (duty.name === 'memories') await duty.run(systemClock.now());
    return ok();
  } catch (error) {
    return err('service_unavailable', undefined, { reason: String(error) });
  }
}

/** One agent's life. */
async function live(desk: MemoryDesk, agentId: AgentId): Promise<void> {
  const entry = (text: string) => ({ ...createMemory.parse({ text }), id: mintId('memory', 1), author: 'key_1' });
  const [stays, goes] = [entry('Ada likes green tea.'), entry('The code of the gate is 4711.')];
  const recall = (query: string) =>
    persist(() =>
      recallMemories(
        { store: failing, index: failingIndex, embedder: hashEmbedder, clock: systemClock },
        scope,
        agentId,
        recallRequest.parse({ query }),
      ),
    );
  for (const written of [stays, goes]) {
    const outcome = await persist(() => desk.write(agentId, [written]));
    expect(outcome).toMatchObject([{ accepted: true, memory: { id: written.id } }]);
    expect(await isKnown(agentId, written.id)).toEqual({ row: true, vector: true });
  }
  const { hits, notices } = await recall('What tea does Ada like?');
  if (notices.length === 0) expect(hits.map(({ id }) => id)).toContain(stays.id);
  const listed = await persist(() => failing.listMemories(scope, { agentId, limit: 10 }));
  expect(listed.data.map(({ id }) => id).toSorted()).toEqual([stays.id, goes.id].toSorted());
  const forgotten = await persist(() => desk.forget(agentId, { ids: [goes.id] }));
  // A try that failed may have got as far as the row: then nothing is left to be named, and a duty takes the vector.
  if (forgotten.ids.length === 0) await persist(() => finishWhatFailed(desk));
  else expect(forgotten.ids).toEqual([goes.id]);
  expect(await isKnown(agentId, goes.id)).toEqual({ row: false, vector: false });
  const again = await recall('the code of the gate');
  expect(again.hits.map(({ id }) => id)).not.toContain(goes.id);
  expect(await persist(() => desk.verify(agentId))).toMatchObject({ valid: true });
}

describe.each(['database', 'index'] as const)('a %s that fails', (part) => {
  test.each(faultKinds)(
    'at every nth call (%s) loses nothing that was accepted and says nothing of itself',
    async (kind) => {
      const stub = (platform.AGENT as DurableObjectNamespace<AgentObject>).getByName(
        agentObjectName(tenant, mintId('agent', 0), 0),
      );
      await runInDurableObject<AgentObject, void>(stub, async (_, state) => {
        const desk = makeDesk(state);
        for (const nth of Ns.filter((n) => n % stride === faultKinds.indexOf(kind) % stride)) {
          faults[part].arm(kind, nth, nth % moments[part]);
          await live(desk, mintId('agent', nth));
          expect(faults[part].struck, `n = ${nth}`).toBeGreaterThan(0);
          faults[part].disarm();
        }
      });
    },
  );
});
