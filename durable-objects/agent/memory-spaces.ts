/**
 * The spaces of the models by which agents' memories are found, besides the embedded default. A space follows the chain:
 * its vectors are made from the first entry on, in bounded steps, and how far it has come is durable, so a crash repeats one
 * step at most. Fresh writes and a change of the model are the same work. Recall changes over when the new space is whole;
 * then the vectors of the one before are deleted. What cannot be embedded now is found by the embedded default.
 */
import { computeBackoffMs } from '../../shared/core/backoff.ts';
import { FailureError, type Failure } from '../../shared/core/failure.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import type { AgentId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { CurrentSpace, MemoryEmbedding, SpaceProgress } from '../../shared/contracts/memory-embedding.ts';
import type { Embedded, WantedSpace } from '../../shared/inference/embed-by-model.ts';
import type { MemoryRecord } from '../../shared/store/memory-chain.ts';
import { memoryVector } from '../../shared/store/memory-vector.ts';
import type { SpaceRegister } from '../../shared/store/space-register.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { MemoryWriter, MemoryWriterDeps } from './memory-writer.ts';
import type { MemorySpace, SpaceStore } from './space-store.ts';

/** By the model that has this name, on the principal's account. */
export type EmbedTexts = (
  principal: Principal,
  agentId: AgentId,
  model: string,
  texts: readonly string[],
  wanted?: WantedSpace,
) => Promise<Result<Embedded>>;

/** Entries of the chain in one step. */
export const StepSize = 64;
export const DropSize = 500;
/** Between two steps of a space that nobody waits for, so that others have their turn at the node. */
const PaceMs = 100;
/** A recall that began in a space is over by then. */
const LeaveAfterMs = 60_000;
const backoff = { baseMs: 1_000, capMs: 5 * 60_000 };
/** What every model takes. */
const Probe = 'memory';

export type MemorySpacesDeps = MemoryWriterDeps & { readonly register: () => SpaceRegister };

export class MemorySpaces {
  readonly #deps: MemorySpacesDeps;
  readonly #spaces: SpaceStore;
  readonly #writer: MemoryWriter;
  readonly #embed: EmbedTexts;
  readonly #changed: () => Promise<void>;
  /** One at a time, however often it is due: what a space takes is never behind what it gives up. */
  #step: Promise<void> | undefined;
  readonly duty: Duty;

  constructor(
    deps: MemorySpacesDeps,
    spaces: SpaceStore,
    writer: MemoryWriter,
    embed: EmbedTexts,
    changed: () => Promise<void>,
  ) {
    this.#deps = deps;
    this.#spaces = spaces;
    this.#writer = writer;
    this.#embed = embed;
    this.#changed = changed;
    const run = (now: number) => (this.#step ??= this.#runDue(now).finally(() => (this.#step = undefined)));
    this.duty = { name: 'memory-spaces', dueAt: () => spaces.nextDueAt(), run };
  }

  /** `model`: null for none but the embedded default. The model is asked once before anything is changed. */
  async choose(agentId: AgentId, model: string | null, principal: Principal): Promise<Result<MemoryEmbedding>> {
    const { store, storage, scope, now } = this.#deps;
    if (store.hasEnded(agentId)) return err('not_found', 'There is no such agent.');
    const embedded = model === null ? undefined : await this.#embed(principal, agentId, model, [Probe]);
    if (embedded && !embedded.ok) return embedded;
    if (model === null || !embedded || embedded.value.space === HashEmbeddingModel) {
      this.#spaces.leaveAll(agentId, now() + LeaveAfterMs);
    } else {
      const { space, dimensions, semantic, vectors } = embedded.value;
      const fits = await this.#checkFit(agentId, space, vectors[0]!);
      if (!fits.ok) return fits;
      const entered = await this.#deps.register().enter(scope, { space, dimensions, createdAt: now() });
      if (!entered.ok) return entered;
      storage.transactionSync(() => {
        this.#spaces.choose(agentId, { model, space, dimensions, semantic, principal }, now());
        this.#spaces.settle(agentId, now() + LeaveAfterMs);
      });
    }
    await this.#changed();
    return ok(this.describe(agentId));
  }

  describe(agentId: AgentId): MemoryEmbedding {
    const spaces = this.#spaces.list(agentId);
    const of = this.#deps.store.head(agentId).sequence;
    const told = (role: 'current' | 'next') => {
      const space = spaces.find((each) => each.role === role);
      return space ? toProgress(space, of) : null;
    };
    const leaving = spaces.filter(({ role }) => role === 'leaving').map(({ space }) => space);
    return { object: 'memory.embedding', agent: agentId, current: told('current'), next: told('next'), leaving };
  }

  current(agentId: AgentId): CurrentSpace | null {
    const current = this.#spaces.find(agentId, 'current');
    if (!current) return null;
    const { model, space, dimensions, semantic, reached } = current;
    return { model, space, dimensions, semantic, behind: reached < this.#deps.store.head(agentId).sequence };
  }

  /** Every space that may hold a vector of the agent. */
  namesOf(agentId: AgentId): readonly string[] {
    return [HashEmbeddingModel, ...this.#spaces.list(agentId).map(({ space }) => space)];
  }

  /** Something was written: what follows the chain is due. */
  async wake(agentId: AgentId): Promise<void> {
    if (this.#spaces.list(agentId).length > 0) await this.#changed();
  }

  /** The agent is gone, and so are its vectors. */
  end(agentId: AgentId): void {
    for (const { space } of this.#spaces.list(agentId)) this.#spaces.remove(agentId, space);
  }

  async #runDue(now: number): Promise<void> {
    const space = this.#spaces.due(now);
    if (!space) return;
    const done = await attempt(() => (space.role === 'leaving' ? this.#drop(space) : this.#follow(space)));
    if (done.ok) return;
    const delayMs = computeBackoffMs(space.attempts, { ...backoff, random: Math.random });
    this.#spaces.fail(space, done.failure, this.#deps.now() + delayMs);
  }

  /** The next entries of the chain. What is forgotten while they are embedded is deleted after them. */
  #follow(space: MemorySpace): Promise<Result<undefined>> {
    const { store, storage, scope, now } = this.#deps;
    const { agentId } = space;
    return this.#writer.watching(async (isForgotten) => {
      const going = store.goingOf(agentId);
      const settled = this.#spaces.settled(space);
      const rows = await this.#deps.memories().listChain(scope, agentId, space.reached, StepSize);
      if (!rows.ok) return rows;
      const entries = rows.value.filter(({ sequence }) => sequence <= settled);
      const last = entries.at(-1);
      if (!last) return err('service_unavailable', undefined, { reason: 'the chain has a gap' });
      const memories = entries.filter(({ kind }) => kind !== 'checkpoint');
      const live = memories.filter(({ id, deletedAt }) => deletedAt === null && !going.has(id) && !isForgotten(id));
      const embedded = await this.#embedAll(space, live);
      if (!embedded.ok) return embedded;
      const { vectors, refused } = embedded.value;
      // It was given up meanwhile, or the whole tenant was.
      if (!this.#stands(space)) return ok();
      const index = this.#deps.vectorIndex(space.space);
      if (vectors.length > 0) await index.upsert(vectors);
      const made = new Set(vectors.map(({ id }) => id));
      const gone = memories.filter(({ id }) => !made.has(id) || isForgotten(id)).map(({ id }) => id);
      if (gone.length > 0) await index.deleteByIds(gone);
      const pause = space.role === 'next' && last.sequence < settled ? PaceMs : 0;
      storage.transactionSync(() => {
        this.#spaces.advance(space, last.sequence, refused, now() + pause);
        this.#spaces.settle(agentId, now() + LeaveAfterMs);
      });
      return ok();
    });
  }

  /** Together; where the model refuses one of them, one by one, so that it stops none of the others. */
  async #embedAll(
    space: MemorySpace,
    records: readonly MemoryRecord[],
  ): Promise<Result<{ readonly vectors: ReturnType<typeof toVector>[]; readonly refused: number }>> {
    if (records.length === 0) return ok({ vectors: [], refused: 0 });
    const ask = (texts: readonly string[]) => this.#embed(space.principal, space.agentId, space.model, texts, space);
    const whole = await ask(records.map(({ text }) => text));
    if (whole.ok) return ok({ vectors: records.map((row, at) => toVector(row, whole.value.vectors[at]!)), refused: 0 });
    if (!isAboutText(whole.failure)) return whole;
    const vectors: ReturnType<typeof toVector>[] = [];
    for (const row of records) {
      const one = await ask([row.text]);
      if (one.ok) vectors.push(toVector(row, one.value.vectors[0]!));
      else if (!isAboutText(one.failure)) return one;
    }
    // A model that takes nothing at all is at fault, and not the texts.
    const takes = vectors.length > 0 ? ok() : await ask([Probe]);
    return takes.ok ? ok({ vectors, refused: records.length - vectors.length }) : takes;
  }

  /** The vectors of the agent's memories in a space that was given up; of other agents there may be more. */
  async #drop(space: MemorySpace): Promise<Result<undefined>> {
    const { scope, now } = this.#deps;
    const { agentId } = space;
    const rows = await this.#deps.memories().listChain(scope, agentId, space.reached, DropSize);
    if (!rows.ok) return rows;
    const ids = rows.value.filter(({ kind }) => kind !== 'checkpoint').map(({ id }) => id);
    if (ids.length > 0) await this.#deps.vectorIndex(space.space).deleteByIds(ids);
    const last = rows.value.at(-1);
    if (last && rows.value.length === DropSize) this.#spaces.advance(space, last.sequence, 0, now() + PaceMs);
    // It may have been chosen again meanwhile.
    else if (this.#stands(space)) this.#spaces.remove(agentId, space.space);
    return ok();
  }

  #stands({ agentId, space, role }: MemorySpace): boolean {
    return this.#spaces.list(agentId).some((each) => each.space === space && each.role === role);
  }

  /** Whether the index takes such vectors. */
  async #checkFit(agentId: AgentId, space: string, vector: Float32Array): Promise<Result<undefined>> {
    const asked = await attempt(async () =>
      ok(await this.#deps.vectorIndex(space).query(vector, { topK: 1, namespace: agentId })),
    );
    if (asked.ok) return ok();
    const { code, message } = asked.failure;
    return code === 'invalid_request' ? err('invalid_request', message, { param: 'model' }) : asked;
  }
}

function toVector(record: MemoryRecord, values: Float32Array) {
  const { text: _, ...vector } = memoryVector(record, values);
  return vector;
}

function isAboutText({ code }: Failure): boolean {
  return code === 'invalid_request' || code === 'context_length_exceeded' || code === 'payload_too_large';
}

async function attempt<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, failure: error.failure };
    return err('internal_error', undefined, { reason: String(error) });
  }
}

function toProgress(space: MemorySpace, of: number): SpaceProgress {
  const { model, space: name, dimensions, semantic, reached, refused, failure } = space;
  return { model, space: name, dimensions, semantic, reached, of, refused, failure };
}
