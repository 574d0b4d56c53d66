/** One node of the pool, with all that the bridge knows of it. The pool alone changes it. */
import type { AnnouncedModel, JobOperation } from '../shared/contracts/inference.ts';
import { BusyTime } from './busy-time.ts';
import { hasCanary } from './canary.ts';
import type { NodeReport, NodeState } from '../shared/contracts/nodes.ts';
import { closedCircuit, type Candidate, type Circuit } from './dispatch.ts';
import { EmbedBatcher } from './embed-batcher.ts';
import { unknownHealth, type NodeHealth } from './node-health.ts';
import type { InferenceNode, NodeLoad } from './nodes/node.ts';

/** How much the newest first token counts in the mean. */
const FirstTokenWeight = 0.2;

export class PooledNode implements Candidate {
  readonly node: InferenceNode;
  readonly embedder: EmbedBatcher;
  readonly busyTime = new BusyTime();
  models: readonly AnnouncedModel[] = [];
  outstanding = 0;
  outstandingTokens = 0;
  circuit: Circuit = closedCircuit;
  health: NodeHealth = unknownHealth;
  load: NodeLoad | undefined;
  state: NodeState = 'lost';
  reason = '';
  /** When it came to its state. */
  since = 0;
  /** A canary is under way. */
  isProbed = false;
  /** The models that have given something since the node was last lost. */
  readonly warmed = new Set<string>();
  #index = new Map<string, AnnouncedModel>();
  #firstTokenMs: number | undefined;

  constructor(node: InferenceNode) {
    this.node = node;
    this.embedder = new EmbedBatcher(node);
  }
  get name(): string {
    return this.node.name;
  }
  get external(): boolean {
    return this.node.external;
  }
  get ready(): boolean {
    return this.state === 'ready' || this.state === 'open' || this.state === 'half_open';
  }
  /** By the node's own word if it gives one, else as its jobs here had it. */
  get firstTokenMs(): number | undefined {
    return this.load?.firstTokenMs ?? this.#firstTokenMs;
  }
  readonly serves = (operation: JobOperation, model: string): boolean =>
    this.#index.get(model)?.operations.includes(operation) ?? false;

  readonly hasLoaded = (model: string): boolean => this.load?.loaded?.includes(model) ?? true;
  get capacity(): number | null {
    return this.node.capacity;
  }
  get waiting(): number {
    return this.load?.waiting ?? 0;
  }

  sharesModel(other: PooledNode): boolean {
    return other.models.some((model) => this.#index.has(model.id));
  }

  setModels(models: readonly AnnouncedModel[]): void {
    this.models = models;
    this.#index = new Map(models.map((model) => [model.id, model]));
  }

  noteFirstToken(ms: number): void {
    const before = this.#firstTokenMs ?? ms;
    this.#firstTokenMs = before + (ms - before) * FirstTokenWeight;
  }

  /** What is to be in memory, and is not, or has not shown it yet. What the node does not list is not waited for. */
  listCold(): readonly AnnouncedModel[] {
    const wanted = (this.node.keepWarm ?? []).flatMap((id) => this.#index.get(id) ?? []);
    return wanted.filter((model) => hasCanary(model) && !(this.warmed.has(model.id) && this.hasLoaded(model.id)));
  }

  /** A model that a canary may ask for: one in memory, so that no other is thrown out for it. Audio has no canary. */
  findCanaryModel(): AnnouncedModel | undefined {
    if (this.node.canary === 'never') return undefined;
    const loaded = this.load?.loaded;
    return this.models.find((model) => hasCanary(model) && (!loaded || loaded.includes(model.id)));
  }

  toReport(): NodeReport {
    const firstTokenMs = this.firstTokenMs;
    return {
      name: this.name,
      kind: this.node.kind,
      external: this.external,
      state: this.state,
      reason: this.reason,
      since: this.since,
      models: this.models.slice(0, 1000).map((model) => model.id),
      outstanding: this.outstanding,
      running: this.load?.running ?? null,
      waiting: this.load?.waiting ?? null,
      first_token_ms: firstTokenMs === undefined ? null : Math.max(0, Math.round(firstTokenMs)),
    };
  }
}
