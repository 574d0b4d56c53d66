/**
 * Forgets memories: what is to go is noted durably first, then the row's text, the vector and the full text go, and with
 * them whatever was made from it. Forgotten is only what was asked for again and not found; the links of the chain stay.
 */
import type { AgentId, MemoryId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { ForgetRequest } from '../../shared/contracts/memories.ts';
import type { ChainHead, MemoryRecord } from '../../shared/store/memory-chain.ts';
import { gistOf } from '../../shared/store/memory-gate.ts';
import type { PendingDeletion } from './agent-store.ts';
import type { ConsolidationStore } from './consolidation-store.ts';
import { BatchSize, type MemoryWriter, type MemoryWriterDeps } from './memory-writer.ts';

export type Forgotten = { readonly ids: readonly string[]; readonly at: number; readonly head: ChainHead };

export class MemoryEraser {
  readonly #deps: MemoryWriterDeps;
  readonly #writer: MemoryWriter;
  readonly #runs: ConsolidationStore;
  readonly #spacesOf: (agentId: AgentId) => readonly string[];
  readonly #changed: () => Promise<void>;

  /** `spacesOf`: every space that may hold a vector of the agent. */
  constructor(
    deps: MemoryWriterDeps,
    writer: MemoryWriter,
    runs: ConsolidationStore,
    spacesOf: (agentId: AgentId) => readonly string[],
    changed: () => Promise<void>,
  ) {
    this.#deps = deps;
    this.#spacesOf = spacesOf;
    this.#writer = writer;
    this.#runs = runs;
    this.#changed = changed;
  }

  /** `traceparent`: of the request that asks for it. */
  async forget(agentId: AgentId, request: ForgetRequest, traceparent?: string): Promise<Result<Forgotten>> {
    const { store, now } = this.#deps;
    // What waits is brought to D1, where one look finds everything.
    const carried = await this.#writer.carry(store.pendingOf(agentId));
    if (!carried.ok) return carried;
    const ids: string[] = [];
    for (;;) {
      const found = await this.#select(agentId, request);
      if (!found.ok) return found;
      if (found.value.length === 0) break;
      const done = await this.#forgetAll(agentId, found.value, traceparent ?? null);
      if (!done.ok) return done;
      ids.push(...done.value);
    }
    const proven = await this.#prove(agentId, ids);
    return proven.ok ? ok({ ids, at: now(), head: store.head(agentId) }) : proven;
  }

  /** What a crash or an outage left undone. */
  async complete(): Promise<Result<undefined>> {
    const deletions = this.#deps.store.pendingDeletions(BatchSize);
    for (const agentId of new Set(deletions.map((each) => each.agentId))) {
      const done = await this.#complete(
        agentId,
        deletions.filter((each) => each.agentId === agentId),
      );
      if (!done.ok) return done;
    }
    return ok();
  }

  async #select(agentId: AgentId, { ids, subject, visitor, filter }: ForgetRequest): Promise<Result<MemoryRecord[]>> {
    const { scope } = this.#deps;
    if (ids) {
      const found = await this.#deps.memories().findOwn(scope, agentId, ids);
      return found.ok ? ok(found.value.filter((row) => row.deletedAt === null && row.kind !== 'checkpoint')) : found;
    }
    const named = filter ?? {
      ...(subject === undefined ? {} : { subject }),
      ...(visitor === undefined ? {} : { visitor }),
    };
    return this.#deps.memories().select(scope, agentId, named, 0, BatchSize);
  }

  /** These and, however far, what was made from them: all of it is noted before anything goes. Gives the ids of all. */
  async #forgetAll(
    agentId: AgentId,
    rows: readonly MemoryRecord[],
    traceparent: string | null,
  ): Promise<Result<readonly string[]>> {
    const { store, storage } = this.#deps;
    const all = new Set<string>();
    for (let next = await this.#withDerived(agentId, rows, all); ;) {
      if (!next.ok) return next;
      if (next.value.length === 0) return ok([...all]);
      const deletions = next.value
        .toSorted((a, b) => b.sequence - a.sequence)
        .map(({ id, embeddingSpace }) => ({ agentId, id: id as MemoryId, embeddingSpace, traceparent }));
      storage.transactionSync(() => {
        for (const deletion of deletions) store.planDeletion(deletion);
      });
      await this.#changed();
      for (let start = 0; start < deletions.length; start += BatchSize) {
        const done = await this.#complete(agentId, deletions.slice(start, start + BatchSize));
        if (!done.ok) return done;
      }
      // What was made from one of them meanwhile.
      next = await this.#withDerived(agentId, [], all);
    }
  }

  async #withDerived(
    agentId: AgentId,
    rows: readonly MemoryRecord[],
    all: Set<string>,
  ): Promise<Result<MemoryRecord[]>> {
    const found = [...rows];
    for (const { id } of rows) all.add(id);
    for (let next = [...all]; next.length > 0;) {
      const derived = await this.#deps.memories().listDerived(this.#deps.scope, agentId, next);
      if (!derived.ok) return derived;
      const added = derived.value.filter(({ id }) => !all.has(id));
      found.push(...added);
      next = added.map(({ id }) => id);
      for (const id of next) all.add(id);
    }
    return ok(found);
  }

  async #complete(agentId: AgentId, deletions: readonly PendingDeletion[]): Promise<Result<undefined>> {
    const { store, storage, outbox, scope, now } = this.#deps;
    const ids = deletions.map(({ id }) => id);
    this.#writer.noteForgotten(ids);
    const made = ids.filter((id) => this.#runs.isMade(agentId, id));
    const row = await this.#deps.memories().deleteMemories(scope, agentId, ids, now(), made);
    if (!row.ok) return row;
    const sources = made.flatMap((id) => store.closedBy(agentId, id));
    const opened = await this.#deps.memories().findOwn(scope, agentId, sources);
    if (!opened.ok) return opened;
    try {
      const noted = deletions.map(({ embeddingSpace }) => embeddingSpace);
      for (const space of this.#allSpaces(agentId, noted)) await this.#deps.vectorIndex(space).deleteByIds(ids);
    } catch (error) {
      return err('service_unavailable', undefined, { reason: String(error) });
    }
    storage.transactionSync(() => {
      for (const deletion of deletions) {
        if (!store.isGoing(agentId, deletion.id)) continue;
        this.#confirm(deletion, opened.value);
        const { id, traceparent } = deletion;
        outbox.enter({ type: 'memory.forgotten', data: { id }, agent: agentId, traceparent });
      }
    });
    return ok();
  }

  /** What consolidation has closed took no room; what is open again does. */
  #confirm(deletion: PendingDeletion, sources: readonly MemoryRecord[]): void {
    const { store } = this.#deps;
    const { agentId, id } = deletion;
    store.confirmDeletion(deletion);
    store.count(agentId, { forgotten: 1, closed: this.#runs.hasClosed(agentId, id) ? -1 : 0 });
    if (!this.#runs.isMade(agentId, id) || store.isSuperseded(agentId, id)) return;
    const closed = new Set(store.closedBy(agentId, id));
    const open = sources.filter((row) => closed.has(row.id) && row.deletedAt === null);
    const going = [...closed].filter((source) => store.isGoing(agentId, source));
    for (const row of open) store.restoreGist(agentId, gistOf(row), row.id);
    store.count(agentId, { closed: -new Set([...going, ...open.map((row) => row.id)]).size });
    store.reopen(agentId, id);
    this.#runs.drop(agentId, id);
  }

  /** Asks again everywhere: a certificate says nothing that was not looked up. */
  async #prove(agentId: AgentId, ids: readonly string[]): Promise<Result<undefined>> {
    for (let start = 0; start < ids.length; start += BatchSize) {
      const batch = ids.slice(start, start + BatchSize);
      const rows = await this.#deps.memories().findOwn(this.#deps.scope, agentId, batch);
      if (!rows.ok) return rows;
      const noted = rows.value.map(({ embeddingSpace }) => embeddingSpace);
      let left = rows.value.filter((row) => row.deletedAt === null || row.text !== '').length;
      left += batch.filter((id) => this.#deps.store.findPending(agentId, id as MemoryId)).length;
      try {
        for (const space of this.#allSpaces(agentId, noted))
          left += (await this.#deps.vectorIndex(space).getByIds(batch)).length;
      } catch (error) {
        return err('service_unavailable', undefined, { reason: String(error) });
      }
      if (left > 0) return err('service_unavailable', 'Not everything is forgotten yet. Ask again.');
    }
    return ok();
  }

  #allSpaces(agentId: AgentId, noted: readonly string[]): ReadonlySet<string> {
    return new Set([...noted, ...this.#spacesOf(agentId)]);
  }
}
