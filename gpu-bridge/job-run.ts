/**
 * One running job, as its parts share it: what was asked, where the answer goes, what has been counted, and the one
 * switch that stops the node's work. It is settled once; the first outcome stands.
 */
import { NodeHeader, type JobClaims, type Receipt } from '../shared/contracts/inference.ts';
import type { Clock } from '../shared/core/clock.ts';
import { fail, FailureError, type Failure } from '../shared/core/failure.ts';
import { describeError, type Logger } from '../shared/core/log.ts';
import type { Result } from '../shared/core/result.ts';
import type { AnswerSink } from './answer-sink.ts';
import type { Journal } from './journal.ts';
import { Meter } from './meter.ts';
import type { NodePool } from './node-pool.ts';
import type { InferenceNode } from './nodes/node.ts';
import type { ReceiptDelivery } from './receipts.ts';

export type JobDeps = {
  readonly bridgeId: string;
  readonly pool: NodePool;
  readonly journal: Journal;
  readonly delivery: ReceiptDelivery;
  readonly clock: Clock;
  readonly log: Logger;
  /** Every job that runs now. */
  readonly running: Set<JobRun>;
  readonly limits: JobLimits;
};

export type JobLimits = {
  /** The longest silence of a node in the middle of a stream. */
  readonly idleTimeoutMs: number;
  /** The longest time from a node's headers to its first chunk. */
  readonly firstChunkTimeoutMs: number;
  /** After this time a caller who waits for a stream gets its headers, although no node has answered yet. */
  readonly commitAfterMs: number;
};

export type Job = {
  readonly claims: JobClaims;
  readonly operation: 'chat' | 'embeddings';
  /** The parsed body, or why there is none. */
  readonly body: Result<unknown>;
  readonly traceparent: string | undefined;
};

/** Why a job was stopped on purpose, for all reasons but that its caller left. */
export type StopReason = { readonly failure: Failure; readonly blamesNode: boolean };

export class JobRun {
  readonly deps: JobDeps;
  readonly job: Job;
  readonly sink: AnswerSink;
  readonly meter: Meter;
  readonly startedAt: number;
  /** Resolves when the job is over and settled. */
  readonly ended: Promise<void>;
  readonly markEnded: () => void;
  readonly #stop = new AbortController();
  #stopReason: StopReason | undefined;
  #outcome: Receipt['outcome'] | undefined;

  constructor(job: Job, sink: AnswerSink, deps: JobDeps) {
    this.deps = deps;
    this.job = job;
    this.sink = sink;
    this.startedAt = deps.clock.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.markEnded = resolve;
    this.meter = new Meter(job.claims, deps.bridgeId, this.startedAt);
  }

  /** Aborts when the node's answer is no longer wanted, for whatever reason. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  get stopReason(): StopReason | undefined {
    return this.#stopReason;
  }

  get outcome(): Receipt['outcome'] | undefined {
    return this.#outcome;
  }

  /** Without a reason, the answer is of no use to anybody any more. */
  stop(reason?: StopReason): void {
    if (this.#stop.signal.aborted) return;
    this.#stopReason = reason;
    this.#stop.abort();
  }

  /** Throws where the receipt could not be written; it is delivered all the same. */
  async settle(outcome: Receipt['outcome']): Promise<void> {
    if (this.#outcome) return;
    this.#outcome = outcome;
    const receipt = this.meter.toReceipt(outcome, this.deps.clock.now());
    try {
      await this.deps.journal.settle(receipt);
    } catch (error) {
      throw journalFailure(error);
    } finally {
      this.deps.delivery.add(receipt);
    }
  }

  /** The headers that every answer of a node carries. */
  answerHeaders(node: InferenceNode): Record<string, string> {
    return { 'x-request-id': this.job.claims.jti, [NodeHeader]: node.name };
  }
}

export function journalFailure(error: unknown): FailureError {
  return new FailureError(fail('service_unavailable', undefined, { reason: `journal: ${describeError(error)}` }));
}
