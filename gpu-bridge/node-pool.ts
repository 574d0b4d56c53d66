/**
 * The nodes behind this bridge and what is known of each: its models, readiness, outstanding work and circuit.
 * Asks every node for its models again and again; tells when what can be announced has changed.
 */
import type { AnnouncedModel } from '../shared/contracts/inference.ts';
import type { Clock } from '../shared/core/clock.ts';
import type { Result } from '../shared/core/result.ts';
import { describeError, type Logger } from '../shared/core/log.ts';
import {
  closedCircuit,
  decideNode,
  recordFailure,
  recordNeutral,
  startAttempt,
  type Candidate,
  type Circuit,
  type DispatchAsk,
} from './dispatch.ts';
import type { InferenceNode } from './nodes/node.ts';

/** How an attempt ended, as far as the node's health goes. */
export type AttemptHealth = 'good' | 'bad' | 'neutral';

export class PooledNode implements Candidate {
  readonly node: InferenceNode;
  models: readonly AnnouncedModel[] = [];
  ready = false;
  outstanding = 0;
  circuit: Circuit = closedCircuit;
  #index = new Map<string, AnnouncedModel>();

  constructor(node: InferenceNode) {
    this.node = node;
  }
  get name(): string {
    return this.node.name;
  }
  get external(): boolean {
    return this.node.external;
  }
  readonly serves = (operation: 'chat' | 'embeddings', model: string): boolean =>
    this.#index.get(model)?.operations.includes(operation) ?? false;

  setModels(models: readonly AnnouncedModel[]): void {
    this.models = models;
    this.#index = new Map(models.map((model) => [model.id, model]));
  }
}

export type NodePoolDeps = {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly listTimeoutMs: number;
  /** Called after a refresh that changed what can be announced. */
  readonly onChange: () => void;
};

export class NodePool {
  readonly nodes: readonly PooledNode[];
  readonly #deps: NodePoolDeps;
  #announced = '';

  constructor(nodes: readonly InferenceNode[], deps: NodePoolDeps) {
    this.nodes = nodes.map((node) => new PooledNode(node));
    this.#deps = deps;
  }

  async refresh(): Promise<void> {
    await Promise.all(this.nodes.map((each) => this.#refreshNode(each)));
    const announced = JSON.stringify(this.listModels());
    if (announced === this.#announced) return;
    this.#announced = announced;
    this.#deps.onChange();
  }

  async #refreshNode(each: PooledNode): Promise<void> {
    const was = each.ready;
    try {
      each.setModels(await withTimeout(this.#deps.listTimeoutMs, (signal) => each.node.listModels(signal)));
      each.ready = true;
      if (!was)
        this.#deps.log.info('node.ready', { node: each.name, kind: each.node.kind, models: each.models.length });
    } catch (error) {
      each.ready = false;
      if (was)
        this.#deps.log.error('node.lost', { node: each.name, kind: each.node.kind, error: describeError(error) });
    }
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

  /** The first chat model of a node that runs a model, else the extractive engine's. */
  findDefaultModel(): string | null {
    const chatModels = this.nodes.flatMap((each) =>
      each.ready
        ? each.models.filter((model) => model.operations.includes('chat')).map((model) => ({ each, id: model.id }))
        : [],
    );
    return (chatModels.find(({ each }) => each.node.kind !== 'extractive') ?? chatModels[0])?.id ?? null;
  }

  choose(ask: Omit<DispatchAsk, 'now'>): Result<PooledNode> {
    return decideNode(this.nodes, { ...ask, now: this.#deps.clock.now() });
  }

  /** Counts the attempt as outstanding until the function that is returned is called, once. */
  begin(each: PooledNode): (health: AttemptHealth) => void {
    each.outstanding++;
    each.circuit = startAttempt(each.circuit);
    let ended = false;
    return (health) => {
      if (ended) return;
      ended = true;
      each.outstanding--;
      if (health === 'good') each.circuit = closedCircuit;
      else if (health === 'neutral') each.circuit = recordNeutral(each.circuit);
      else {
        each.circuit = recordFailure(each.circuit, this.#deps.clock.now(), this.#deps.random);
        this.#deps.log.error('node.attempt_failed', { node: each.name, failures: each.circuit.failures });
      }
    };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.nodes.map((each) => each.node.close()));
  }
}

function mergeModels(one: AnnouncedModel, other: AnnouncedModel): AnnouncedModel {
  return {
    ...one,
    operations: [...new Set([...one.operations, ...other.operations])],
    context_window:
      one.context_window === null || other.context_window === null
        ? null
        : Math.min(one.context_window, other.context_window),
    external: one.external || other.external,
  };
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
