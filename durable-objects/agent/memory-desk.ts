/**
 * The desk of the memories of an object's agents, and their single writer. A memory gets its place in the chain here,
 * durably, and is then carried to D1 and the vector index; what a crash or an outage leaves undone, a duty completes.
 */
import { RpcTarget } from 'cloudflare:workers';
import type { AgentId, MemoryId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { defaultMemoryPolicy, type MemoryPolicy } from '../../shared/contracts/agents.ts';
import type { List, PageQuery } from '../../shared/contracts/common.ts';
import type {
  ChainVerification,
  Consolidation,
  ForgetRequest,
  InclusionProof,
  Memory,
  MemoryCounters,
  MemoryImport,
  NewMemory,
  WriteOutcome,
} from '../../shared/contracts/memories.ts';
import type { CurrentSpace, MemoryEmbedding } from '../../shared/contracts/memory-embedding.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { ChainVerifier, emptyChain, type ChainHead, type MemoryRecord } from '../../shared/store/memory-chain.ts';
import type { MemoryExport } from '../../shared/store/memory-export.ts';
import { explainRefusal } from '../../shared/store/memory-gate.ts';
import { proveInclusion } from '../../shared/store/memory-proof.ts';
import { toMemory } from '../../shared/store/memory-view.ts';
import type { SpaceRegister } from '../../shared/store/space-register.ts';
import { tenantScope } from '../../shared/tenancy/tenant-scope.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { MemoryCounts } from './agent-store.ts';
import type { ConsolidationStore } from './consolidation-store.ts';
import { MemoryConsolidator } from './memory-consolidator.ts';
import { MemoryImporter } from './memory-importer.ts';
import { MemorySpaces, type EmbedTexts } from './memory-spaces.ts';
import { MemoryEraser, type Forgotten } from './memory-eraser.ts';
import { BatchSize, MemoryWriter, type MemoryWriterDeps, type Written } from './memory-writer.ts';
import type { SpaceStore } from './space-store.ts';

const PageSize = 1_000;
/** When what was not carried at once is. */
const CarryLaterMs = 10_000;
/** The chain may grow while it is read, and what is closed meanwhile looks wrong: it is read again. */
const VerifyTries = 3;

export type MemoryDeskDeps = Omit<MemoryWriterDeps, 'scope'> & {
  readonly runs: ConsolidationStore;
  readonly spaces: SpaceStore;
  readonly register: () => SpaceRegister;
  readonly embed: EmbedTexts;
  /** Something is due at another time than before. */
  readonly changed: () => Promise<void>;
};

export class MemoryDesk extends RpcTarget {
  readonly #deps: MemoryWriterDeps;
  readonly #changed: () => Promise<void>;
  readonly #writer: MemoryWriter;
  readonly #eraser: MemoryEraser;
  readonly #runs: ConsolidationStore;
  readonly #consolidator: MemoryConsolidator;
  readonly #importer: MemoryImporter;
  readonly #spaces: MemorySpaces;
  /** What lies here at the start was left by a crash. */
  #carryAt = 0;
  readonly duties: readonly Duty[];

  constructor({ changed, runs, spaces, register, embed, ...deps }: MemoryDeskDeps) {
    super();
    this.#deps = { ...deps, scope: tenantScope(deps.tenantId) };
    this.#changed = changed;
    this.#writer = new MemoryWriter(this.#deps);
    this.#runs = runs;
    this.#spaces = new MemorySpaces({ ...this.#deps, register }, spaces, this.#writer, embed, changed);
    const spacesOf = (agentId: AgentId) => this.#spaces.namesOf(agentId);
    this.#eraser = new MemoryEraser(this.#deps, this.#writer, runs, spacesOf, () => this.#carryLater());
    this.#consolidator = new MemoryConsolidator(this.#deps, runs, this.#writer, this.#eraser);
    this.#importer = new MemoryImporter(this.#deps, runs, this.#writer);
    const carrying: Duty = {
      name: 'memories',
      dueAt: () => (deps.store.hasPending() ? this.#carryAt : undefined),
      run: () => this.#completePending(),
    };
    this.duties = [carrying, this.#consolidator.duty, this.#spaces.duty];
  }

  /** What the gate lets pass is in the chain, in order, and can be recalled when this answers. Idempotent by id. */
  async write(
    agentId: AgentId,
    memories: readonly NewMemory[],
    policy: MemoryPolicy = defaultMemoryPolicy,
  ): Promise<Result<WriteOutcome[]>> {
    const written = await this.#write(agentId, memories, policy);
    return written.ok ? ok(written.value.map(toOutcome)) : written;
  }

  /** The same for what has to be remembered, every one: a refusal is an error. */
  async append(
    agentId: AgentId,
    memories: readonly NewMemory[],
    policy: MemoryPolicy = defaultMemoryPolicy,
  ): Promise<Result<Memory[]>> {
    const written = await this.#write(agentId, memories, policy);
    if (!written.ok) return written;
    const made: Memory[] = [];
    for (const each of written.value) {
      if ('refusal' in each) return err('memory_refused', explainRefusal(each.refusal), { param: each.refusal.reason });
      made.push(toMemory(each.record));
    }
    return ok(made);
  }

  /** `traceparent`, here and below: of the request that asks for it, for its events. */
  async delete(agentId: AgentId, id: MemoryId, traceparent?: string): Promise<Result<undefined>> {
    const gone = await this.forget(agentId, { ids: [id] }, traceparent);
    if (!gone.ok) return gone;
    return gone.value.ids.length > 0 ? ok() : err('not_found', 'There is no such memory.');
  }

  /** The rows keep their places in the chain; text, vector and full text go, and what was made from them. */
  async forget(agentId: AgentId, request: ForgetRequest, traceparent?: string): Promise<Result<Forgotten>> {
    const forgotten = await this.#eraser.forget(agentId, request, traceparent);
    void this.#deps.outbox.deliver();
    return forgotten;
  }

  /** The agent is deleted: nothing is written for it any more, and everything is forgotten. */
  async end(agentId: AgentId, traceparent?: string): Promise<Result<Forgotten>> {
    this.#deps.store.end(agentId, this.#deps.now());
    this.#runs.endPolicy(agentId);
    const forgotten = await this.forget(agentId, { all: true }, traceparent);
    if (forgotten.ok) this.#spaces.end(agentId);
    return forgotten;
  }

  /** By which model the agent's memories are to be found, besides the embedded default; null: by none. */
  async chooseEmbedding(
    agentId: AgentId,
    model: string | null,
    principal: Principal,
  ): Promise<Result<MemoryEmbedding>> {
    return this.#spaces.choose(agentId, model, principal);
  }

  embedding(agentId: AgentId): MemoryEmbedding {
    return this.#spaces.describe(agentId);
  }

  currentSpace(agentId: AgentId): Result<CurrentSpace | null> {
    return ok(this.#spaces.current(agentId));
  }

  /** Puts together what is alike or long past; the sources stay, closed. */
  async consolidate(
    agentId: AgentId,
    author: string,
    policy: MemoryPolicy,
    traceparent?: string,
  ): Promise<Result<Consolidation>> {
    const done = await this.#consolidator.run(agentId, author, policy, traceparent);
    await this.#spaces.wake(agentId);
    void this.#deps.outbox.deliver();
    return done;
  }

  async undoConsolidation(agentId: AgentId, id: string, traceparent?: string): Promise<Result<Consolidation>> {
    const undone = await this.#consolidator.undo(agentId, id, traceparent);
    void this.#deps.outbox.deliver();
    return undone;
  }

  /** Takes over what was exported, into an agent that has no memories yet. */
  async import(agentId: AgentId, exported: MemoryExport, policy: MemoryPolicy): Promise<Result<MemoryImport>> {
    await this.#carryLater();
    const imported = await this.#importer.import(agentId, exported, policy);
    await this.#spaces.wake(agentId);
    return imported;
  }

  consolidations(agentId: AgentId, page: PageQuery): List<Consolidation> {
    return this.#runs.list(agentId, page);
  }

  /**
   * Recomputes the chain from D1 and holds it against the head kept here; `incremental`: from the last checkpoint that
   * was found right on.
   */
  async verify(agentId: AgentId, incremental = false): Promise<Result<ChainVerification>> {
    const { store } = this.#deps;
    for (let tries = 1; ; tries++) {
      const carried = await this.#writer.carry(store.pendingOf(agentId));
      if (!carried.ok) return carried;
      const head = store.head(agentId);
      const { forgotten } = this.counts(agentId);
      const verified = await this.#verify(agentId, head, incremental ? store.verified(agentId) : emptyChain);
      const isStill = store.head(agentId).sequence === head.sequence && this.counts(agentId).forgotten === forgotten;
      if (!verified.ok || verified.value.valid || isStill || tries === VerifyTries) return verified;
    }
  }

  /** Where a memory stands in what the next checkpoint after it seals; a forgotten one stands there as well. */
  async prove(agentId: AgentId, id: MemoryId): Promise<Result<InclusionProof>> {
    const carried = await this.#writer.carry(this.#deps.store.pendingOf(agentId));
    if (!carried.ok) return carried;
    const stretch = await this.#deps.memories().listStretch(this.#deps.scope, agentId, id);
    if (!stretch.ok) return stretch;
    const { leaves, checkpoint } = stretch.value;
    const memory = leaves.find((leaf) => leaf.id === id);
    return memory ? ok(proveInclusion(memory, leaves, checkpoint)) : err('not_found', 'There is no such memory.');
  }

  async counters(agentId: AgentId): Promise<Result<MemoryCounters>> {
    const { store } = this.#deps;
    const ready = await this.#writer.makeReady(agentId);
    if (!ready.ok) return ready;
    const waiting = store.pendingOf(agentId).length;
    return ok({
      object: 'memory.counters',
      agent: agentId,
      ...this.counts(agentId),
      waiting,
      head: store.head(agentId),
    });
  }

  /** What came in, was refused and was forgotten since the counting began. */
  counts(agentId: AgentId): MemoryCounts {
    return this.#deps.store.counts(agentId) ?? { live: 0, written: 0, refused: 0, forgotten: 0 };
  }

  /** A page of the chain as it is stored, and after the last one the head. For exports. */
  async page(
    agentId: AgentId,
    after: number,
    limit: number,
  ): Promise<Result<{ readonly rows: readonly MemoryRecord[]; readonly head: ChainHead | null }>> {
    if (after === 0) {
      const carried = await this.#writer.carry(this.#deps.store.pendingOf(agentId));
      if (!carried.ok) return carried;
    }
    const rows = await this.#deps.memories().listChain(this.#deps.scope, agentId, after, limit);
    if (!rows.ok) return rows;
    const head = this.#deps.store.head(agentId);
    const last = rows.value.at(-1)?.sequence ?? after;
    return ok({ rows: rows.value, head: rows.value.length < limit || last === head.sequence ? head : null });
  }

  async #verify(agentId: AgentId, head: ChainHead, start: ChainHead): Promise<Result<ChainVerification>> {
    const { store } = this.#deps;
    const verifier = new ChainVerifier(this.#deps.tenantId, agentId, start);
    let after = start.sequence;
    for (;;) {
      const rows = await this.#deps.memories().listChain(this.#deps.scope, agentId, after, PageSize);
      if (!rows.ok) return rows;
      // What was appended meanwhile is judged next time; a row beyond the present head was never appended.
      const present = store.head(agentId).sequence;
      verifier.push(rows.value.filter((row) => row.sequence <= head.sequence || row.sequence > present));
      const last = rows.value.at(-1);
      if (last && rows.value.length === PageSize) {
        after = last.sequence;
        continue;
      }
      const verification = verifier.finish(head);
      if (verification.valid) store.setVerified(agentId, verifier.sealed);
      return ok(verification);
    }
  }

  async #write(
    agentId: AgentId,
    memories: readonly NewMemory[],
    policy: MemoryPolicy,
  ): Promise<Result<readonly Written[]>> {
    const written = await this.#writer.write(agentId, memories, policy);
    if (!written.ok) return written;
    this.#runs.setPolicy(agentId, policy, this.#deps.now());
    await this.#carryLater();
    const carried = await this.#writer.carry(this.#deps.store.pendingOf(agentId));
    await this.#spaces.wake(agentId);
    void this.#deps.outbox.deliver();
    return carried.ok ? written : carried;
  }

  async #completePending(): Promise<void> {
    const done = [await this.#writer.carry(this.#deps.store.pending(BatchSize)), await this.#eraser.complete()];
    const failed = done.find(({ ok: whole }) => !whole);
    if (failed && !failed.ok) throw new Error(failed.failure.reason ?? failed.failure.message);
  }

  #carryLater(): Promise<void> {
    this.#carryAt = this.#deps.now() + CarryLaterMs;
    return this.#changed();
  }
}

function toOutcome(written: Written): WriteOutcome {
  return 'refusal' in written
    ? { object: 'memory.write', accepted: false, ...written.refusal, message: explainRefusal(written.refusal) }
    : { object: 'memory.write', accepted: true, memory: toMemory(written.record) };
}
