/**
 * What the bridge counts, and how its nodes and queue are, as metrics of Prometheus. Told to nobody by name: models and
 * nodes are labels, tenants never are. A run is counted once, by its receipt.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { inputTokensOf, type Receipt } from '../shared/contracts/inference.ts';
import { nodeState } from '../shared/contracts/nodes.ts';
import { lanes } from './job-queue.ts';
import type { NodePool } from './node-pool.ts';

/** Seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** What is read when somebody asks. */
export type MetricSources = {
  readonly pool: Pick<NodePool, 'nodes' | 'countQueued'>;
  readonly runningJobs: () => number;
  readonly waitingReceipts: () => number;
};

export class BridgeMetrics {
  readonly #registry = new Registry();
  readonly #runs = this.#counter('runs_total', 'Runs that have ended, by how.', ['operation', 'model', 'outcome']);
  readonly #tokens = this.#counter('tokens_total', 'Tokens by type; cached input is part of input.', ['model', 'type']);
  readonly #canaries = this.#counter('canaries_total', 'Tokens that nodes were asked for to show that they live.', [
    'node',
    'result',
  ]);
  readonly #cache = this.#counter(
    'cache_answers_total',
    'Runs whose caller would take an answer of before, by whether there was one.',
    ['model', 'result'],
  );
  readonly #duration = this.#histogram('run_duration_seconds', "From a run's start to its end.");
  readonly #firstToken = this.#histogram('time_to_first_token_seconds', "From a run's start to its first token.");

  noteReceipt(receipt: Receipt): void {
    const { operation, model, outcome, cache } = receipt;
    this.#runs.inc({ operation, model, outcome });
    if (cache !== undefined) this.#cache.inc({ model, result: cache });
    this.#tokens.inc({ model, type: 'input' }, inputTokensOf(receipt));
    this.#tokens.inc({ model, type: 'cached_input' }, receipt.cached_input_tokens);
    this.#tokens.inc({ model, type: 'output' }, receipt.output_tokens);
    this.#duration.observe({ model }, Math.max(0, receipt.finished_at - receipt.started_at) / 1000);
    if (receipt.first_token_ms !== undefined) this.#firstToken.observe({ model }, receipt.first_token_ms / 1000);
  }

  noteCanary(node: string, result: 'answered' | 'missed'): void {
    this.#canaries.inc({ node, result });
  }

  /** Once, when there is something to read. */
  watch({ pool, runningJobs, waitingReceipts }: MetricSources): void {
    this.#gauge('running_jobs', 'Jobs that run now.', [], (gauge) => gauge.set(runningJobs()));
    this.#gauge('waiting_receipts', 'Receipts that the platform has not acknowledged.', [], (gauge) =>
      gauge.set(waitingReceipts()),
    );
    this.#gauge('queued_jobs', 'Jobs that wait for room on a node.', ['lane'], (gauge) => {
      for (const lane of lanes) gauge.set({ lane }, pool.countQueued(lane));
    });
    this.#gauge(
      'node_state',
      'One for the state that a node is in, zero for the others.',
      ['node', 'state'],
      (gauge) => {
        for (const each of pool.nodes) {
          for (const state of nodeState.options) gauge.set({ node: each.name, state }, each.state === state ? 1 : 0);
        }
      },
    );
    this.#gauge('node_outstanding_jobs', 'Jobs that a node has now.', ['node'], (gauge) => {
      for (const each of pool.nodes) gauge.set({ node: each.name }, each.outstanding);
    });
    this.#gauge('node_waiting_jobs', 'Jobs that wait inside a node, by its own count.', ['node'], (gauge) => {
      for (const each of pool.nodes) gauge.set({ node: each.name }, each.waiting);
    });
  }

  async format(): Promise<{ readonly type: string; readonly text: string }> {
    return { type: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name: nameOf(name), help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string): Histogram<'model'> {
    return new Histogram({ name: nameOf(name), help, labelNames: ['model'], buckets, registers: [this.#registry] });
  }

  #gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: (gauge: Gauge<L>) => void,
  ): void {
    const gauge: Gauge<L> = new Gauge({
      name: nameOf(name),
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => read(gauge),
    });
  }
}

function nameOf(name: string): string {
  return `freehold_bridge_${name}`;
}
