/**
 * The nodes behind this bridge and what is known of each: its models, health, load, outstanding work and circuit. Asks
 * every node again and again what it serves, and for a token where no job shows that it lives. Every change of a node's
 * state is kept until the platform has heard it; whoever announces is told when there is something new.
 */
import type { AnnouncedModel } from '../shared/contracts/inference.ts';
import { MaxUnheardChanges, type NodeChange, type NodeReport, type NodeState } from '../shared/contracts/nodes.ts';
import { toUnixSeconds, type Clock } from '../shared/core/clock.ts';
import { ok, type Result } from '../shared/core/result.ts';
import { describeError, type Logger } from '../shared/core/log.ts';
import { CanaryPrefix, sendCanary } from './canary.ts';
import { closedCircuit, decideNode, recordFailure, recordNeutral, startAttempt, type DispatchAsk } from './dispatch.ts';
import type { EmbedBatcher } from './embed-batcher.ts';
import { JobQueue, type Lane, type QueuedJob, type QueueLimits } from './job-queue.ts';
import {
  decideEjection,
  decideState,
  needsCanary,
  recordListed,
  recordMissedCanary,
  recordOutcome,
  recordProof,
} from './node-health.ts';
import type { BridgeMetrics } from './metrics.ts';
import type { InferenceNode } from './nodes/node.ts';
import { PooledNode } from './pooled-node.ts';

/** How an attempt ended, as far as the node's health goes. */
export type AttemptHealth = 'good' | 'bad' | 'neutral';

/** What a job is to the queue. */
export type JobSize = QueuedJob & {
  /** The most that it may read and write. */
  readonly tokens: number;
  /** Aborts when nobody wants it any more. */
  readonly stopped: AbortSignal;
};
type WaitingJob = JobSize & {
  readonly ask: Omit<DispatchAsk, 'now'>;
  readonly resolve: (given: Result<NodeAttempt>) => void;
};

export type NodeAttempt = {
  readonly node: InferenceNode;
  /** In front of the node, for embeddings. */
  readonly embedder: EmbedBatcher;
  /** The node has produced something. */
  readonly heard: () => void;
  /** Its share of the node's GPUs so far, until its end; undefined where nobody knows how many there are. */
  readonly gpuMs: () => number | undefined;
  /** Tells how the attempt ended. */
  readonly end: (health: AttemptHealth) => void;
};

/** Why a node is in a state that is not as it should be. */
const reasons: { readonly [State in NodeState]?: (reason: string) => string } = {
  starting: () => 'it has not produced a token yet',
  lost: (reason) => reason,
  hung: (reason) => `it lists its models but produces nothing: ${reason}`,
  open: () => 'three or more failures in a row',
  half_open: () => 'one job will show whether it works again',
  ejected: () => 'it fails more often than other nodes with the same model',
  draining: () => 'drained by the operator',
};

export type NodePoolDeps = {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly listTimeoutMs: number;
  readonly canaryEveryMs: number;
  readonly canaryTimeoutMs: number;
  /** The longest time that a model may take to be loaded. */
  readonly warmTimeoutMs: number;
  readonly queueLimits: QueueLimits;
  readonly metrics: Pick<BridgeMetrics, 'noteCanary'>;
  /** Called when there is something new to announce. */
  readonly onChange: () => void;
};

export class NodePool {
  readonly nodes: readonly PooledNode[];
  readonly #deps: NodePoolDeps;
  readonly #queue: JobQueue<WaitingJob>;
  readonly #epoch: string;
  #announced = '';
  #changes: readonly NodeChange[] = [];
  #changed = 0;

  constructor(nodes: readonly InferenceNode[], deps: NodePoolDeps) {
    this.nodes = nodes.map((node) => new PooledNode(node));
    this.#deps = deps;
    this.#queue = new JobQueue(deps.queueLimits);
    this.#epoch = deps.clock.now().toString(36);
  }

  /** Resolves when every node that answers has been asked, those that are to prove themselves for a token too. */
  async refresh(): Promise<void> {
    await Promise.all(
      this.nodes.map(async (each) => {
        await this.#refreshNode(each);
        await this.#probe(each);
      }),
    );
  }

  async #refreshNode(each: PooledNode): Promise<void> {
    const { listTimeoutMs } = this.#deps;
    let reason = '';
    try {
      const models = await withTimeout(listTimeoutMs, (signal) => each.node.listModels(signal));
      each.load = await withTimeout(listTimeoutMs, (signal) => each.node.readLoad(signal)).catch(() => undefined);
      each.setModels(models);
      each.health = recordListed(each.health, true, each.findCanaryModel() !== undefined || each.listCold().length > 0);
    } catch (error) {
      each.health = recordListed(each.health, false, true);
      each.warmed.clear();
      reason = describeError(error);
    }
    this.#note(each, reason);
  }

  /** Asks for a token, unless the node has shown lately that it gives some, or may not be asked now. */
  async #probe(each: PooledNode): Promise<void> {
    const { clock, canaryEveryMs, canaryTimeoutMs, warmTimeoutMs } = this.#deps;
    if (each.isProbed || (each.node.canary === 'idle' && each.outstanding > 0)) return;
    const cold = each.listCold();
    // Nobody else waits while models are loaded.
    if (cold.length > 0) return void this.#askAll(each, cold, warmTimeoutMs);
    const model = each.findCanaryModel();
    if (model && needsCanary(each.health, clock.now(), canaryEveryMs)) {
      await this.#askAll(each, [model], canaryTimeoutMs);
    }
  }

  /** Asks each of the models for a token: all of them give one, or the node has shown nothing. */
  async #askAll(each: PooledNode, models: readonly AnnouncedModel[], timeoutMs: number): Promise<void> {
    const { clock } = this.#deps;
    const sentAt = clock.now();
    each.isProbed = true;
    let reason = '';
    try {
      const run = `${CanaryPrefix}${each.name}-${sentAt}`;
      for (const model of models) {
        await withTimeout(timeoutMs, async (signal) => {
          const call = { signal, run, created: toUnixSeconds(sentAt) };
          if (each.node.keepWarm?.includes(model.id)) await each.node.keepLoaded?.(model, call);
          await sendCanary(each.node, model, call);
        });
        each.warmed.add(model.id);
      }
      each.health = recordProof(each.health, clock.now());
      this.#deps.metrics.noteCanary(each.name, 'answered');
    } catch (error) {
      reason = `canary: ${describeError(error)}`;
      each.health = recordMissedCanary(each.health, sentAt);
      this.#deps.metrics.noteCanary(each.name, 'missed');
      this.#deps.log.error('node.canary_missed', { node: each.name, missed: each.health.missed, reason });
    }
    each.isProbed = false;
    this.#note(each, reason);
  }

  /** The nodes that are to get no more jobs, by the operator's word; those that they have go on. */
  setDraining(names: ReadonlySet<string>): void {
    for (const each of this.nodes) {
      each.health = { ...each.health, draining: names.has(each.name) };
      this.#note(each, 'the operator');
    }
  }

  /** Jobs that wait for room. */
  countQueued(lane: Lane): number {
    return this.#queue.count(lane);
  }

  listReports(): NodeReport[] {
    return this.nodes.map((each) => each.toReport());
  }

  /** The changes that the platform may not have heard of yet. */
  get changes(): readonly NodeChange[] {
    return this.#changes;
  }

  /** The platform has these now. */
  forgetChanges(heard: readonly NodeChange[]): void {
    const ids = new Set(heard.map((change) => change.id));
    this.#changes = this.#changes.filter((change) => !ids.has(change.id));
  }

  /** Compares the node's state with the last one, and says so where it differs. */
  #note(each: PooledNode, reason: string): void {
    const now = this.#deps.clock.now();
    const before = each.state;
    const state = decideState(each.health, each.circuit, now);
    if (state !== before) {
      queueMicrotask(() => this.#serveWaiting());
      each.state = state;
      each.since = now;
      each.reason = reasons[state]?.(reason).slice(0, 300) ?? '';
      const change = { id: `${this.#epoch}-${++this.#changed}`, at: now, node: each.name, state, before };
      this.#changes = [...this.#changes, { ...change, reason: each.reason }].slice(-MaxUnheardChanges);
      const level = state === 'ready' || state === 'half_open' || state === 'draining' ? 'info' : 'error';
      this.#deps.log[level](`node.${state}`, { node: each.name, kind: each.node.kind, before, reason: each.reason });
    }
    const announced = JSON.stringify(this.listModels());
    if (announced === this.#announced && state === before) return;
    this.#announced = announced;
    this.#deps.onChange();
  }

  /** What ready nodes serve; a model that several hold is announced once, as external if any of them is. */
  listModels(): AnnouncedModel[] {
    const merged = new Map<string, AnnouncedModel>();
    for (const each of this.nodes) {
      if (!each.ready) continue;
      for (const model of each.models) {
        const held = merged.get(model.id);
        merged.set(model.id, held ? mergeModels(held, model) : model);
      }
    }
    return [...merged.values()].slice(0, 1000);
  }

  /** What the nodes that have the model say of its file; sorted, each once. */
  listDigests(model: string): readonly string[] {
    const digests = this.nodes.flatMap(({ models }) =>
      models.flatMap(({ id, digest }) => (id === model && digest) || []),
    );
    return [...new Set(digests)].toSorted();
  }

  /** The first chat model of a node that runs a model, else the extractive engine's. */
  findDefaultModel(): string | null {
    const chatModels = this.nodes.flatMap((each) =>
      each.ready
        ? each.models.filter((model) => model.operations.includes('chat')).map((model) => ({ each, id: model.id }))
        : [],
    );
    return (chatModels.find(({ each }) => each.node.kind !== 'extractive') ?? chatModels[0])?.id ?? null;
  }

  choose(ask: Omit<DispatchAsk, 'now'>): Result<PooledNode | undefined> {
    return decideNode(this.nodes, { ...ask, now: this.#deps.clock.now() });
  }

  /** A node with room for the job, at once or when it is its turn; or why it gets none. */
  async acquire(ask: Omit<DispatchAsk, 'now'>, job: JobSize): Promise<Result<NodeAttempt>> {
    const chosen = this.choose(ask);
    if (!chosen.ok) return chosen;
    // Nobody goes past those that wait for the same.
    if (chosen.value && !this.#queue.holds((waiting) => waiting.ask.model === ask.model)) {
      return ok(this.#begin(chosen.value, job));
    }
    return this.#wait(ask, job);
  }

  async #wait(ask: Omit<DispatchAsk, 'now'>, job: JobSize): Promise<Result<NodeAttempt>> {
    const { promise, resolve } = Promise.withResolvers<Result<NodeAttempt>>();
    const waiting: WaitingJob = { ...job, ask, resolve };
    const refused = this.#queue.enter(waiting, this.#deps.clock.now());
    if (refused) return { ok: false, failure: refused };
    const giveUp = () => {
      if (this.#queue.leave(waiting)) resolve({ ok: false, failure: this.#queue.refuseLate() });
    };
    const timer = setTimeout(giveUp, this.#deps.queueLimits.waitMs[job.lane]);
    job.stopped.addEventListener('abort', giveUp);
    if (job.stopped.aborted) giveUp();
    this.#serveWaiting();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      job.stopped.removeEventListener('abort', giveUp);
    }
  }

  /** Gives what room there is to those whose turn it is, and tells those whom no node can serve any more. */
  #serveWaiting(): void {
    const now = this.#deps.clock.now();
    for (;;) {
      let choice: Result<PooledNode | undefined> | undefined;
      const next = this.#queue.takeNext((waiting) => {
        const chosen = this.choose(waiting.ask);
        if (chosen.ok && !chosen.value) return false;
        choice = chosen;
        return true;
      }, now);
      if (!next || !choice) return;
      if (!choice.ok) next.resolve(choice);
      else if (choice.value) next.resolve(ok(this.#begin(choice.value, next)));
    }
  }

  /** Counts the attempt as outstanding until it is ended, once. */
  #begin(each: PooledNode, { tenant, tokens }: Pick<JobSize, 'tenant' | 'tokens'>): NodeAttempt {
    const startedAt = this.#deps.clock.now();
    each.outstanding++;
    each.outstandingTokens += tokens;
    this.#queue.charge(tenant, tokens);
    each.circuit = startAttempt(each.circuit);
    const busy = each.busyTime.enter(startedAt);
    const { gpus } = each.node;
    let heard = false;
    let ended = false;
    return {
      node: each.node,
      embedder: each.embedder,
      heard: () => {
        const now = this.#deps.clock.now();
        each.health = recordProof(each.health, now);
        if (!heard) each.noteFirstToken(now - startedAt);
        heard = true;
      },
      gpuMs: () => gpus && Math.round(busy.shareMs(this.#deps.clock.now()) * gpus),
      end: (health) => {
        if (ended) return;
        ended = true;
        busy.leave(this.#deps.clock.now());
        each.outstanding--;
        each.outstandingTokens -= tokens;
        this.#judge(each, health);
        this.#serveWaiting();
      },
    };
  }

  #judge(each: PooledNode, health: AttemptHealth): void {
    const now = this.#deps.clock.now();
    if (health === 'neutral') each.circuit = recordNeutral(each.circuit);
    else if (health === 'good') {
      each.circuit = closedCircuit;
      each.health = recordOutcome(recordProof(each.health, now), true);
    } else {
      each.circuit = recordFailure(each.circuit, now, this.#deps.random);
      const peers = this.nodes.filter((peer) => peer !== each && peer.ready && peer.sharesModel(each));
      const failed = recordOutcome(each.health, false);
      each.health = decideEjection(
        failed,
        peers.map((peer) => peer.health),
        now,
      );
      this.#deps.log.error('node.attempt_failed', { node: each.name, failures: each.circuit.failures });
    }
    this.#note(each, '');
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.nodes.map((each) => each.node.close()));
  }
}

function mergeModels(one: AnnouncedModel, other: AnnouncedModel): AnnouncedModel {
  const { images: _, ...rest } = one;
  return {
    ...rest,
    operations: [...new Set([...one.operations, ...other.operations])],
    context_window:
      one.context_window === null || other.context_window === null
        ? null
        : Math.min(one.context_window, other.context_window),
    external: one.external || other.external,
    ...mergeImages(one.images, other.images),
  };
}

/** What one of its nodes refuses, the model does not take; what one does not tell is not known. */
function mergeImages(one: boolean | undefined, other: boolean | undefined): Pick<AnnouncedModel, 'images'> {
  if (one === false || other === false) return { images: false };
  return one && other ? { images: true } : {};
}

/** Runs the work with a signal; gives up, also on work that ignores its signal, when the time is over. */
async function withTimeout<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${timeoutMs} ms`);
    stop.abort(error);
    reject(error);
  }, timeoutMs);
  try {
    return await Promise.race([work(stop.signal), expired]);
  } finally {
    clearTimeout(timer);
  }
}
