/**
 * AgentObject: the single writer of its agents' memories. A memory gets its place in the chain here, durably, and is then
 * carried to D1 and the vector index; what a crash or an outage leaves undone, the alarm completes. Hosts one agent or a
 * bucket of a tenant's agents: every method names the agent.
 */
import { DurableObject } from 'cloudflare:workers';
import { computeBackoffMs } from '../../shared/core/backoff.ts';
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import type { AgentId, MemoryId, TenantId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { CreateMemory, ChainVerification, Memory } from '../../shared/contracts/memories.ts';
import { appendToChain, ChainVerifier, type MemoryRecord } from '../../shared/store/memory-chain.ts';
import { toMemory } from '../../shared/store/memory-store.ts';
import { hashEmbedder, memoryVector } from '../../shared/store/recall.ts';
import { isHybrid } from '../../shared/store/vector-index.ts';
import { tenantScope, type TenantScope } from '../../shared/tenancy/tenant-scope.ts';
import { migrate } from '../runtime/migrate.ts';
import { requireOwnTenant } from '../runtime/object-identity.ts';
import { Objects, type Platform } from '../stubs.ts';
import { agentMigrations } from './agent-migrations.ts';
import { AgentStore, type PendingDeletion } from './agent-store.ts';

const BatchSize = 200;
const PageSize = 1_000;
const Retry = { baseMs: 1_000, capMs: 60_000, random: Math.random };

export type NewMemory = CreateMemory & { readonly id: MemoryId; readonly author: string };

export class AgentObject extends DurableObject<Platform> {
  clock: Clock = systemClock;
  readonly #tenantId: TenantId;
  readonly #scope: TenantScope;
  readonly #store: AgentStore;
  readonly #objects: Objects;
  #failures = 0;

  constructor(state: DurableObjectState, env: Platform) {
    super(state, env);
    this.#tenantId = requireOwnTenant(state);
    this.#scope = tenantScope(this.#tenantId);
    migrate(state.storage, agentMigrations);
    this.#store = new AgentStore(state.storage.sql);
    this.#objects = new Objects(env);
    // What a crash cut off before its alarm was set.
    if (this.#store.hasPending()) void this.#armRetry();
  }

  /** Appends in order and answers when every one can be recalled. Idempotent by id. */
  async appendMemories(agentId: AgentId, memories: readonly NewMemory[]): Promise<Result<Memory[]>> {
    const known = await this.#objects.memories().findMemories(
      this.#scope,
      agentId,
      memories.map((memory) => memory.id),
    );
    if (!known.ok) return known;
    const byId = new Map(known.value.map((record) => [record.id, record]));
    const records = this.ctx.storage.transactionSync(() =>
      memories.map((memory) => byId.get(memory.id) ?? this.#append(agentId, memory)),
    );
    const carried = await this.#carry(records.filter((record) => !byId.has(record.id)));
    if (!carried.ok) {
      await this.#armRetry();
      return carried;
    }
    return ok(records.map(toMemory));
  }

  /** The row keeps its place in the chain; text, vector and full text go. */
  async deleteMemory(agentId: AgentId, id: MemoryId): Promise<Result<undefined>> {
    const found = await this.#objects.memories().findMemory(this.#scope, agentId, id);
    if (!found.ok) return found;
    if (!found.value) return err('not_found', 'There is no such memory.');
    const deletion: PendingDeletion = { agentId, id, embeddingSpace: found.value.embeddingSpace };
    this.#store.planDeletion(deletion);
    const done = await this.#completeDeletion(deletion);
    if (!done.ok) await this.#armRetry();
    return done;
  }

  /** Recomputes the whole chain from D1 and holds it against the head kept here. */
  async verifyChain(agentId: AgentId): Promise<Result<ChainVerification>> {
    const carried = await this.#carry(this.#store.pendingOf(agentId));
    if (!carried.ok) return carried;
    const head = this.#store.head(agentId);
    const verifier = new ChainVerifier(this.#tenantId, agentId);
    let after = 0;
    for (;;) {
      const rows = await this.#objects.memories().listChain(this.#scope, agentId, after, PageSize);
      if (!rows.ok) return rows;
      // What was appended meanwhile is judged next time; a row beyond the present head was never appended.
      const present = this.#store.head(agentId).sequence;
      verifier.push(rows.value.filter((row) => row.sequence <= head.sequence || row.sequence > present));
      const last = rows.value.at(-1);
      if (!last || rows.value.length < PageSize) return ok(verifier.finish(head));
      after = last.sequence;
    }
  }

  /** Completes what was left undone. Never throws: an alarm that fails for good would stop. */
  override async alarm(): Promise<void> {
    const memories = await this.#carry(this.#store.pending(BatchSize));
    let whole = memories.ok;
    for (const deletion of this.#store.pendingDeletions(BatchSize)) {
      whole = (await this.#completeDeletion(deletion)).ok && whole;
    }
    this.#failures = whole ? 0 : this.#failures + 1;
    if (this.#store.hasPending()) await this.#armRetry();
  }

  #append(agentId: AgentId, memory: NewMemory): MemoryRecord {
    const pending = this.#store.findPending(agentId, memory.id);
    if (pending) return pending;
    const record = appendToChain(this.#tenantId, this.#store.head(agentId), {
      id: memory.id,
      agentId,
      scope: 'private',
      kind: memory.kind,
      text: memory.text,
      sourceType: memory.source.type,
      sourceRef: memory.source.ref,
      author: memory.author,
      confidence: memory.confidence,
      validFrom: memory.valid_from === null ? null : Date.parse(memory.valid_from),
      validUntil: memory.valid_until === null ? null : Date.parse(memory.valid_until),
      supersedes: memory.supersedes,
      embeddingSpace: HashEmbeddingModel,
      createdAt: this.clock.now(),
    });
    this.#store.append(agentId, record);
    return record;
  }

  /** D1 first, the index second, then the outbox row goes; every step may be repeated. */
  async #carry(records: readonly MemoryRecord[]): Promise<Result<undefined>> {
    for (let start = 0; start < records.length; start += BatchSize) {
      const batch = records.slice(start, start + BatchSize);
      const stored = await this.#objects.memories().insertMemories(this.#scope, batch);
      if (!stored.ok) return stored;
      const indexed = await this.#index(batch);
      if (!indexed.ok) return indexed;
      for (const record of batch) this.#store.confirm(record);
    }
    return ok();
  }

  async #index(records: readonly MemoryRecord[]): Promise<Result<undefined>> {
    const index = this.#objects.vectorIndex(this.#tenantId, HashEmbeddingModel);
    const vectors = [];
    for (const record of records) {
      const embedded = await hashEmbedder.embed(record.text);
      if (!embedded.ok) return embedded;
      vectors.push(memoryVector(record, embedded.value));
    }
    try {
      await (isHybrid(index) ? index.upsertWithText(vectors) : index.upsert(vectors));
      return ok();
    } catch (error) {
      return err('service_unavailable', undefined, { reason: String(error) });
    }
  }

  async #completeDeletion(deletion: PendingDeletion): Promise<Result<undefined>> {
    const row = await this.#objects
      .memories()
      .deleteMemory(this.#scope, deletion.agentId, deletion.id, this.clock.now());
    if (!row.ok && row.failure.code !== 'not_found') return row;
    try {
      await this.#objects.vectorIndex(this.#tenantId, deletion.embeddingSpace).deleteByIds([deletion.id]);
    } catch (error) {
      return err('service_unavailable', undefined, { reason: String(error) });
    }
    this.#store.confirmDeletion(deletion);
    return ok();
  }

  async #armRetry(): Promise<void> {
    await this.ctx.storage.setAlarm(this.clock.now() + computeBackoffMs(this.#failures, Retry));
  }
}
