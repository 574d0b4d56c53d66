/**
 * One running job, as its parts share it: what was asked, where the answer goes, what has been counted, and the one
 * switch that stops the node's work. It is settled once; the first outcome stands.
 */
import {
  CacheHeader,
  NodeHeader,
  type JobClaims,
  type JobOperation,
  type Receipt,
} from '../shared/contracts/inference.ts';
import type { Clock } from '../shared/core/clock.ts';
import { fail, FailureError, type Failure } from '../shared/core/failure.ts';
import { describeError, type Logger } from '../shared/core/log.ts';
import type { Result } from '../shared/core/result.ts';
import type { AnswerSink } from './answer-sink.ts';
import type { Journal } from './journal.ts';
import { Meter, type AnswerSource } from './meter.ts';
import type { NodePool } from './node-pool.ts';
import type { ReceiptDelivery } from './receipts.ts';
import type { ResponseCache } from './response-cache.ts';
import type { SingleFlight } from './single-flight.ts';

export type JobDeps = {
  readonly bridgeId: string;
  readonly pool: NodePool;
  readonly journal: Journal;
  readonly delivery: ReceiptDelivery;
  readonly cache: ResponseCache;
  readonly flights: SingleFlight<FlightEnd>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Hears of every run that has ended, once. */
  readonly observe: (receipt: Receipt, traceparent: string | undefined) => void;
  /** Every job that runs now. */
  readonly running: Set<JobRun>;
  readonly limits: JobLimits;
};

/** How the job ended that others waited for: with an answer for all, without its caller, or with a failure of its own. */
export type FlightEnd = { readonly answer: string } | 'left' | 'failed';

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
  readonly operation: JobOperation;
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
  #said: string[] | undefined;

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

  /** From here on the answer is kept as it goes out. */
  record(): void {
    this.#said = [];
  }

  /** The answer so far, of a run that is recorded. */
  get said(): string {
    return this.#said?.join('') ?? '';
  }

  /** To be called with every part of the answer that goes out. */
  noteSaid(text: string): void {
    this.meter.countAnswer(text);
    this.#said?.push(text);
  }

  /** Throws where the receipt could not be written; it is delivered all the same. */
  async settle(outcome: Receipt['outcome']): Promise<void> {
    if (this.#outcome) return;
    this.#outcome = outcome;
    const receipt = this.meter.toReceipt(outcome, this.deps.clock.now());
    this.deps.observe(receipt, this.job.traceparent);
    try {
      await this.deps.journal.settle(receipt);
    } catch (error) {
      throw journalFailure(error);
    } finally {
      this.deps.delivery.add(receipt);
    }
  }

  /** A whole answer: sent once its receipt is in the journal. */
  async settleAndSend(node: AnswerSource, answer: object): Promise<void> {
    const body = JSON.stringify(answer);
    this.noteSaid(body);
    await this.settle('completed');
    this.sink.sendJson(200, body, this.answerHeaders(node));
  }

  /** The headers that every answer of a node carries. */
  answerHeaders(node: AnswerSource): Record<string, string> {
    return {
      'x-request-id': this.job.claims.jti,
      [NodeHeader]: node.name,
      ...(this.#said ? { [CacheHeader]: 'miss' } : {}),
    };
  }
}

export function journalFailure(error: unknown): FailureError {
  return new FailureError(fail('service_unavailable', undefined, { reason: `journal: ${describeError(error)}` }));
}
