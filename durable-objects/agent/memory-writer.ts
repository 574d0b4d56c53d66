/**
 * Writes memories: the gate, the place in the chain and the checkpoints in one transaction of this object, then the way to
 * D1 and the vector index. The object is the agent's single writer, so two writes never judge by the same past.
 */
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { mintId, type AgentId, type MemoryId, type TenantId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { MemoryPolicy } from '../../shared/contracts/agents.ts';
import type { MemoryRefusal, NewMemory } from '../../shared/contracts/memories.ts';
import {
  appendCheckpoint,
  appendToChain,
  CheckpointEvery,
  type MemoryDraft,
  type MemoryRecord,
} from '../../shared/store/memory-chain.ts';
import type { Group } from '../../shared/store/consolidation.ts';
import { gistOf, judgeMemory } from '../../shared/store/memory-gate.ts';
import type { MemoryStore } from '../../shared/store/memory-store.ts';
import { EveryAgent, memoryVector } from '../../shared/store/memory-vector.ts';
import { growFrontier, hashLeaf } from '../../shared/store/merkle.ts';
import { hashEmbedder } from '../../shared/store/recall.ts';
import { isHybrid, type VectorIndex } from '../../shared/store/vector-index.ts';
import type { TenantScope } from '../../shared/tenancy/tenant-scope.ts';
import type { EventOutbox } from '../runtime/event-outbox.ts';
import type { AgentStore } from './agent-store.ts';

export const BatchSize = 200;
const PageSize = 1_000;
const SaltBytes = 16;

/** What consolidation says; place, sources and time come from the writer. */
export type ConsolidatedDraft = Omit<
  MemoryDraft,
  'id' | 'agentId' | 'sources' | 'supersedes' | 'salt' | 'embeddingSpace' | 'createdAt'
>;
export type Written = { readonly record: MemoryRecord } | { readonly refusal: MemoryRefusal };

export type MemoryWriterDeps = {
  readonly tenantId: TenantId;
  readonly scope: TenantScope;
  readonly storage: DurableObjectStorage;
  readonly store: AgentStore;
  readonly outbox: EventOutbox;
  readonly memories: () => MemoryStore;
  readonly vectorIndex: (space: string) => VectorIndex;
  readonly now: () => number;
};

export class MemoryWriter {
  readonly #deps: MemoryWriterDeps;
  /** What was forgotten while something was on its way: it may not reach the index after all. */
  readonly #forgotten = new Set<string>();
  #watchers = 0;

  constructor(deps: MemoryWriterDeps) {
    this.#deps = deps;
  }

  /** In order, all or, where one names what is not there, none. Idempotent by id. */
  async write(
    agentId: AgentId,
    entries: readonly NewMemory[],
    { max }: MemoryPolicy,
  ): Promise<Result<readonly Written[]>> {
    const { store, storage } = this.#deps;
    const known = await this.#findKnown(agentId, entries);
    if (!known.ok) return known;
    const ready = await this.makeReady(agentId);
    if (!ready.ok) return ready;
    if (store.hasEnded(agentId)) return err('not_found', 'There is no such agent.');
    return storage.transactionSync((): Result<readonly Written[]> => {
      const superseded = new Set<string>();
      for (const { id, supersedes } of entries) {
        if (supersedes === null || known.value.has(id) || store.findPending(agentId, id)) continue;
        if (store.isSuperseded(agentId, supersedes) || superseded.has(supersedes))
          return err('conflict', `The memory ${supersedes} is superseded already.`, { param: 'supersedes' });
        superseded.add(supersedes);
      }
      return ok(entries.map((entry) => this.#place(agentId, entry, known.value, max)));
    });
  }

  #place(agentId: AgentId, entry: NewMemory, known: ReadonlyMap<string, MemoryRecord>, quota: number): Written {
    const { store, outbox } = this.#deps;
    const present = known.get(entry.id) ?? store.findPending(agentId, entry.id);
    if (present) return { record: present };
    const draft = this.#toDraft(agentId, entry);
    const refusal =
      judgeMemory(draft, (gist) => store.findGist(agentId, gist)) ??
      (store.counts(agentId)!.live < quota ? undefined : { reason: 'quota' as const, memory: null });
    if (refusal) {
      store.count(agentId, { refused: 1 });
      return { refusal };
    }
    const record = this.#append(agentId, appendToChain(this.#deps.tenantId, store.chain(agentId), draft));
    if (draft.supersedes !== null) store.supersede(agentId, draft.supersedes, record.id);
    store.setGist(agentId, gistOf(draft), record.id);
    store.count(agentId, { written: 1 });
    const { id, kind, author, supersedes } = record;
    const { traceparent } = entry;
    outbox.enter({ type: 'memory.written', data: { id, kind, author, supersedes }, agent: agentId, traceparent });
    return { record };
  }

  /**
   * Closes each group by the memory that `toStated` makes of its sources; a group of which something was closed or
   * forgotten meanwhile is left out. `made` is called in the transaction.
   */
  async consolidate(
    agentId: AgentId,
    groups: readonly Group[],
    toStated: (group: Group, sources: readonly MemoryRecord[]) => ConsolidatedDraft,
    made: (group: Group, id: MemoryId) => void,
    traceparent?: string,
  ): Promise<Result<undefined>> {
    const { store, storage } = this.#deps;
    return this.watching(async () => {
      // What goes from here on is noted; what was going before is known by its plan.
      const whole = groups.filter(({ ids }) => !ids.some((id) => store.isGoing(agentId, id)));
      const named = whole.flatMap(({ ids }) => ids);
      const rows = await this.#deps.memories().findOwn(this.#deps.scope, agentId, named);
      if (!rows.ok) return rows;
      const open = new Map(rows.value.filter((row) => row.deletedAt === null).map((row) => [row.id, row]));
      storage.transactionSync(() => {
        for (const group of whole) {
          const sources = group.ids.flatMap((id) => open.get(id) ?? []);
          const stands = ({ id }: MemoryRecord) =>
            !this.#forgotten.has(id) && !store.isGoing(agentId, id) && !store.isSuperseded(agentId, id);
          if (sources.length < group.ids.length || !sources.every(stands)) continue;
          made(group, this.#stand(agentId, sources, toStated(group, sources), traceparent));
        }
      });
      return this.carry(store.pendingOf(agentId));
    });
  }

  /** One for all of them: from now on it is what is known by their words. */
  #stand(
    agentId: AgentId,
    sources: readonly MemoryRecord[],
    stated: ConsolidatedDraft,
    traceparent: string | undefined,
  ): MemoryId {
    const { store, outbox, tenantId, now } = this.#deps;
    const ids = sources.map(({ id }) => id);
    const draft: MemoryDraft = {
      ...stated,
      id: mintId('memory', now()),
      agentId,
      sources: ids,
      supersedes: null,
      salt: newSalt(),
      embeddingSpace: HashEmbeddingModel,
      createdAt: now(),
    };
    const { id, kind, author } = this.#append(agentId, appendToChain(tenantId, store.chain(agentId), draft));
    store.moveGists(agentId, ids, id);
    for (const source of ids) store.supersede(agentId, source, id);
    store.setGist(agentId, gistOf(draft), id);
    store.count(agentId, { written: 1, closed: ids.length });
    const data = { id, kind, author, supersedes: null };
    outbox.enter({ type: 'memory.written', data, agent: agentId, traceparent });
    return id as MemoryId;
  }

  #append(agentId: AgentId, record: MemoryRecord): MemoryRecord {
    const { store, tenantId, now } = this.#deps;
    const before = store.chain(agentId);
    const grown = {
      sequence: record.sequence,
      hash: record.hash,
      sealed: before.sealed,
      leaves: before.leaves + 1,
      frontier: growFrontier(before.frontier, before.leaves, hashLeaf(record.hash)),
    };
    store.addPending(agentId, record);
    store.setChain(agentId, grown);
    if (grown.leaves < CheckpointEvery) return record;
    const createdAt = now();
    const place = { id: mintId('memory', createdAt), agentId, sealed: grown.sealed, createdAt };
    const checkpoint = appendCheckpoint(tenantId, grown, place, grown.frontier);
    store.addPending(agentId, checkpoint);
    const { sequence, hash } = checkpoint;
    store.setChain(agentId, { sequence, hash, sealed: sequence, leaves: 0, frontier: [] });
    return record;
  }

  /** The entries that are there already, by their ids; refused where one names a memory that cannot be named. */
  async #findKnown(
    agentId: AgentId,
    entries: readonly NewMemory[],
  ): Promise<Result<ReadonlyMap<string, MemoryRecord>>> {
    const named = entries.flatMap(({ id, supersedes, sources = [] }) => [
      id,
      ...(supersedes === null ? [] : [supersedes]),
      ...sources,
    ]);
    const found = await this.#deps.memories().findOwn(this.#deps.scope, agentId, [...new Set(named)]);
    if (!found.ok) return found;
    // What is superseded has to be in D1 before what closes it there.
    const waiting = named.flatMap((id) => this.#deps.store.findPending(agentId, id as MemoryId) ?? []);
    const carried = await this.carry(waiting);
    if (!carried.ok) return carried;
    const rows = new Map([...waiting, ...found.value].map((record) => [record.id, record]));
    const isLive = (id: string) => {
      const row = rows.get(id);
      const isThere = row !== undefined && row.deletedAt === null && row.kind !== 'checkpoint';
      return isThere && !this.#deps.store.isGoing(agentId, id);
    };
    const known = new Map<string, MemoryRecord>();
    for (const { id, supersedes, sources = [] } of entries) {
      const present = rows.get(id);
      if (present?.deletedAt === null) known.set(id, present);
      if (present?.deletedAt === null) continue;
      if (present) return err('conflict', 'The memory that this request has written was forgotten since.');
      for (const [param, name] of [
        ['supersedes', supersedes] as const,
        ...sources.map((each) => ['sources', each] as const),
      ]) {
        if (name !== null && !isLive(name)) return err('not_found', `The agent has no memory ${name}.`, { param });
      }
    }
    return ok(known);
  }

  /** An agent of an earlier release has no count yet, and no tree of what its first checkpoint is to seal. */
  async makeReady(agentId: AgentId): Promise<Result<undefined>> {
    const { store, scope } = this.#deps;
    if (!store.counts(agentId)) {
      const live = await this.#deps.memories().countMemories(scope, agentId);
      if (!live.ok) return live;
      store.beginCounts(agentId, live.value + store.pendingOf(agentId).length);
    }
    for (let chain = store.chain(agentId); chain.sealed + chain.leaves < chain.sequence;) {
      const after = chain.sealed + chain.leaves;
      const rows = await this.#deps.memories().listChain(scope, agentId, after, PageSize);
      if (!rows.ok) return rows;
      const present = store.chain(agentId);
      if (present.leaves === chain.leaves) {
        const waiting = store
          .pendingOf(agentId)
          .filter(({ sequence }) => sequence > (rows.value.at(-1)?.sequence ?? after));
        const next = [...rows.value, ...waiting].slice(0, chain.sequence - after);
        if (next.length === 0) return err('service_unavailable', undefined, { reason: 'the chain has a gap' });
        let { frontier, leaves } = chain;
        for (const { hash } of next) frontier = growFrontier(frontier, leaves++, hashLeaf(hash));
        store.setChain(agentId, { ...present, frontier, leaves });
      }
      chain = store.chain(agentId);
    }
    return ok();
  }

  #toDraft(agentId: AgentId, memory: NewMemory): MemoryDraft {
    const scope = memory.scope ?? 'private';
    return {
      id: memory.id,
      agentId,
      scope,
      readers: scope === 'shared' ? (memory.readers ?? [EveryAgent]) : [],
      kind: memory.kind,
      text: memory.text,
      sourceType: memory.source.type,
      sourceRef: memory.source.ref,
      author: memory.author,
      confidence: memory.confidence,
      validFrom: memory.valid_from === null ? null : Date.parse(memory.valid_from),
      validUntil: memory.valid_until === null ? null : Date.parse(memory.valid_until),
      supersedes: memory.supersedes,
      tags: [...new Set(memory.tags ?? [])],
      subject: memory.subject ?? null,
      visitor: memory.visitor ?? null,
      sources: memory.sources ?? [],
      salt: newSalt(),
      embeddingSpace: HashEmbeddingModel,
      createdAt: this.#deps.now(),
    };
  }

  /** D1 first, the index second, then the outbox row goes; every step may be repeated. */
  async carry(records: readonly MemoryRecord[]): Promise<Result<undefined>> {
    return this.watching(async () => {
      for (let start = 0; start < records.length; start += BatchSize) {
        const batch = records.slice(start, start + BatchSize);
        const stored = await this.#deps.memories().insertMemories(this.#deps.scope, batch);
        if (!stored.ok) return stored;
        const indexed = await this.#index(
          batch.filter(({ kind, deletedAt }) => kind !== 'checkpoint' && deletedAt === null),
        );
        if (!indexed.ok) return indexed;
        for (const record of batch) this.#deps.store.confirm(record);
      }
      return ok();
    });
  }

  /** What is forgotten while the work is done is known to it. */
  async watching<T>(work: (isForgotten: (id: string) => boolean) => Promise<T>): Promise<T> {
    this.#watchers += 1;
    try {
      return await work((id) => this.#forgotten.has(id));
    } finally {
      this.#watchers -= 1;
      if (this.#watchers === 0) this.#forgotten.clear();
    }
  }

  /** What is on its way to the index may not stay there. */
  noteForgotten(ids: readonly string[]): void {
    if (this.#watchers > 0) for (const id of ids) this.#forgotten.add(id);
  }

  async #index(batch: readonly MemoryRecord[]): Promise<Result<undefined>> {
    const records = batch.filter(({ id }) => !this.#forgotten.has(id));
    if (records.length === 0) return ok();
    const index = this.#deps.vectorIndex(HashEmbeddingModel);
    const vectors = [];
    for (const record of records) {
      const embedded = await hashEmbedder.embed(record.text);
      if (!embedded.ok) return embedded;
      vectors.push(memoryVector(record, embedded.value));
    }
    try {
      await (isHybrid(index) ? index.upsertWithText(vectors) : index.upsert(vectors));
      const gone = records.filter(({ id }) => this.#forgotten.has(id)).map(({ id }) => id);
      if (gone.length > 0) await index.deleteByIds(gone);
      return ok();
    } catch (error) {
      return err('service_unavailable', undefined, { reason: String(error) });
    }
  }
}

function newSalt(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(SaltBytes))).toString('base64url');
}
