/**
 * Consolidates an agent's memories: what can be put together is found first (shared/store/consolidation.ts), then each
 * group is closed by the one that stands for it, in one transaction. Nothing is lost: the sources stay, closed, and undoing
 * a run opens them again.
 */
import { mintId, type AgentId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { MemoryPolicy } from '../../shared/contracts/agents.ts';
import { ConsolidationSource, type Consolidation } from '../../shared/contracts/memories.ts';
import { consolidate, planConsolidation, traceOf, type Group, type Trace } from '../../shared/store/consolidation.ts';
import { CheckpointAuthor } from '../../shared/store/memory-chain.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { ConsolidationStore } from './consolidation-store.ts';
import type { MemoryEraser } from './memory-eraser.ts';
import type { MemoryWriter, MemoryWriterDeps } from './memory-writer.ts';

const PageSize = 1_000;
/** Of one run; what is left is for the next one. */
const MaxGroups = 500;
const GroupsAtOnce = 20;
/** So much of what an agent may have stays open, so that there is room for more. */
const GoalShare = 0.9;

type Run = { readonly id: string; readonly author: string; readonly traceparent: string | undefined };

export class MemoryConsolidator {
  readonly #deps: MemoryWriterDeps;
  readonly #runs: ConsolidationStore;
  readonly #writer: MemoryWriter;
  readonly #eraser: MemoryEraser;
  readonly duty: Duty;

  constructor(deps: MemoryWriterDeps, runs: ConsolidationStore, writer: MemoryWriter, eraser: MemoryEraser) {
    this.#deps = deps;
    this.#runs = runs;
    this.#writer = writer;
    this.#eraser = eraser;
    this.duty = { name: 'consolidation', dueAt: () => runs.nextDueAt(), run: (now) => this.#runDue(now) };
  }

  /** `author`, `traceparent`: of who asked; the platform, and none, where it was due. */
  async run(
    agentId: AgentId,
    author: string,
    policy: MemoryPolicy,
    traceparent?: string,
  ): Promise<Result<Consolidation>> {
    const { store, now } = this.#deps;
    if (store.hasEnded(agentId)) return err('not_found', 'There is no such agent.');
    const ready = await this.#writer.makeReady(agentId);
    if (!ready.ok) return ready;
    const carried = await this.#writer.carry(store.pendingOf(agentId));
    if (!carried.ok) return carried;
    const traces = await this.#readOpen(agentId);
    if (!traces.ok) return traces;
    const goal = Math.floor(policy.max * GoalShare);
    const planned = planConsolidation(traces.value, { nowMs: now(), goal });
    const id = mintId('consolidation', now());
    this.#runs.begin(agentId, id, author, now());
    const groups = planned.slice(0, MaxGroups);
    for (let start = 0; start < groups.length; start += GroupsAtOnce) {
      const done = await this.#close(agentId, { id, author, traceparent }, groups.slice(start, start + GroupsAtOnce));
      if (!done.ok) return done;
    }
    if (groups.length === planned.length) this.#runs.finish(agentId, id);
    return ok(this.#runs.find(agentId, id)!);
  }

  /** What the run has made goes, and its sources are open again. Refused where something was built on it since. */
  async undo(agentId: AgentId, id: string, traceparent?: string): Promise<Result<Consolidation>> {
    const { scope, now } = this.#deps;
    const run = this.#runs.find(agentId, id);
    if (!run) return err('not_found', 'There is no such consolidation.');
    if (run.undone_at !== null) return ok(run);
    const made = this.#runs.made(agentId, id);
    const rows = await this.#deps.memories().findOwn(scope, agentId, made);
    if (!rows.ok) return rows;
    const built = await this.#deps.memories().listDerived(scope, agentId, made);
    if (!built.ok) return built;
    const blocking =
      built.value.find(({ sourceType }) => sourceType !== ConsolidationSource)?.id ??
      rows.value.find(({ closedBy }) => closedBy !== null && !this.#runs.isMade(agentId, closedBy))?.closedBy;
    if (blocking) return err('conflict', `The memory ${blocking} stands on what this consolidation has made.`);
    if (made.length > 0) {
      const gone = await this.#eraser.forget(agentId, { ids: made }, traceparent);
      if (!gone.ok) return gone;
    }
    this.#runs.markUndone(agentId, id, now());
    return ok(this.#runs.find(agentId, id)!);
  }

  async #readOpen(agentId: AgentId): Promise<Result<Trace[]>> {
    const traces: Trace[] = [];
    for (let after = 0; ;) {
      const rows = await this.#deps.memories().select(this.#deps.scope, agentId, {}, after, PageSize);
      if (!rows.ok) return rows;
      for (const row of rows.value) if (row.closedBy === null) traces.push(traceOf(row));
      if (rows.value.length < PageSize) return ok(traces);
      after = rows.value.at(-1)!.sequence;
    }
  }

  /** A group of which something was closed or forgotten meanwhile is left out. */
  async #close(
    agentId: AgentId,
    { id, author, traceparent }: Run,
    groups: readonly Group[],
  ): Promise<Result<undefined>> {
    return this.#writer.consolidate(
      agentId,
      groups,
      ({ reason }, sources) => ({
        ...consolidate(reason, sources),
        sourceType: ConsolidationSource,
        sourceRef: id,
        author,
      }),
      ({ reason, ids }, made) => this.#runs.add(agentId, id, made, reason, ids.length),
      traceparent,
    );
  }

  async #runDue(now: number): Promise<void> {
    const due = this.#runs.due(now);
    if (!due) return;
    const done = await this.run(due.agentId, CheckpointAuthor, due.policy);
    if (!done.ok) throw new Error(done.failure.reason ?? done.failure.message);
    this.#runs.putOff(due.agentId, due.policy, now);
  }
}
