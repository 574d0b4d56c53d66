/**
 * Takes an agent's memories over as they were exported: chain, hashes, closings and tombstones, into an agent that has none
 * yet. Everything is verified before anything is kept; what was written for another tenant or agent names it as its origin,
 * so that its hashes go on holding.
 */
import type { AgentId, TenantId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { MemoryPolicy } from '../../shared/contracts/agents.ts';
import { ConsolidationSource, type MemoryImport } from '../../shared/contracts/memories.ts';
import { ChainVerifier, writeOrigin, type MemoryRecord } from '../../shared/store/memory-chain.ts';
import type { MemoryExport } from '../../shared/store/memory-export.ts';
import { gistOf } from '../../shared/store/memory-gate.ts';
import type { ConsolidationStore } from './consolidation-store.ts';
import type { MemoryWriter, MemoryWriterDeps } from './memory-writer.ts';

const IdsAtOnce = 1_000;

export class MemoryImporter {
  readonly #deps: MemoryWriterDeps;
  readonly #runs: ConsolidationStore;
  readonly #writer: MemoryWriter;

  constructor(deps: MemoryWriterDeps, runs: ConsolidationStore, writer: MemoryWriter) {
    this.#deps = deps;
    this.#runs = runs;
    this.#writer = writer;
  }

  /** All or nothing. The same export again is the same import. */
  async import(agentId: AgentId, { rows, head }: MemoryExport, { max }: MemoryPolicy): Promise<Result<MemoryImport>> {
    const { store, storage, tenantId } = this.#deps;
    if (store.hasEnded(agentId)) return err('not_found', 'There is no such agent.');
    const taken = rows.map((row) => toOwn(row, tenantId, agentId, head));
    const verifier = new ChainVerifier(tenantId, agentId);
    verifier.push(taken);
    const fault = rows.find((row) => row.agentId !== head.agent)
      ? { sequence: 0, reason: 'the entries and the head are of different agents' }
      : verifier.finish(head).first_invalid;
    if (fault)
      return err('invalid_request', `Entry ${fault.sequence} does not hold: ${fault.reason}.`, { param: 'body' });
    const live = taken.filter(({ deletedAt, kind }) => deletedAt === null && kind !== 'checkpoint');
    const made = new Set(live.filter(({ sourceType }) => sourceType === ConsolidationSource).map(({ id }) => id));
    const room = live.filter(({ closedBy }) => closedBy === null || !made.has(closedBy)).length;
    if (room > max)
      return err('memory_refused', `There are ${room} memories; the agent may have ${max}.`, { param: 'quota' });
    const answer: MemoryImport = {
      object: 'memory.import',
      agent: agentId,
      entries: taken.length,
      memories: live.length,
      head: head.hash,
    };
    if (store.head(agentId).hash === head.hash) {
      const carried = await this.#writer.carry(store.pendingOf(agentId));
      return carried.ok ? ok(answer) : carried;
    }
    const known = await this.#findKnown(taken);
    if (!known.ok) return known;
    if (known.value !== undefined) return err('conflict', `The memory ${known.value} is in this tenant already.`);
    const kept = storage.transactionSync((): Result<undefined> => {
      if (store.chain(agentId).sequence > 0) {
        return err('conflict', 'The agent has memories already. Import into one that never had any.');
      }
      for (const row of taken) this.#keep(agentId, row, made.has(row.id));
      const { sealed, frontier } = verifier;
      const { sequence, hash } = head;
      store.setChain(agentId, {
        sequence,
        hash,
        sealed: sealed.sequence,
        leaves: sequence - sealed.sequence,
        frontier,
      });
      store.beginCounts(agentId, 0);
      store.count(agentId, { written: room });
      return ok();
    });
    if (!kept.ok) return kept;
    const carried = await this.#writer.carry(store.pendingOf(agentId));
    return carried.ok ? ok(answer) : carried;
  }

  #keep(agentId: AgentId, row: MemoryRecord, isMade: boolean): void {
    const { store } = this.#deps;
    store.addPending(agentId, row);
    if (row.closedBy !== null) store.supersede(agentId, row.id, row.closedBy);
    else if (row.deletedAt === null && row.kind !== 'checkpoint') store.restoreGist(agentId, gistOf(row), row.id);
    if (isMade) this.#runs.adopt(agentId, row.sourceRef ?? '', row.id);
  }

  async #findKnown(rows: readonly MemoryRecord[]): Promise<Result<string | undefined>> {
    for (let start = 0; start < rows.length; start += IdsAtOnce) {
      const ids = rows.slice(start, start + IdsAtOnce).map(({ id }) => id);
      const known = await this.#deps.memories().findKnownId(this.#deps.scope, ids);
      if (!known.ok || known.value !== undefined) return known;
    }
    return ok(undefined);
  }
}

function toOwn(row: MemoryRecord, tenant: TenantId, agent: AgentId, from: MemoryExport['head']): MemoryRecord {
  const origin = row.origin ?? writeOrigin(from);
  return { ...row, agentId: agent, origin: origin === writeOrigin({ tenant, agent }) ? null : origin };
}
