/**
 * What is counted about requests and runs, added up over any time and any part of a tenant. Requests are counted where they
 * are answered; runs where their receipts are settled, so that tokens and cost are the ledger's. Plain data.
 */
import { addHistogram, emptyHistogram, type Histogram } from '../core/histogram.ts';

type Counts = Record<string, number>;

export type Tally = {
  requests: number;
  /** Refused or failed requests, by the code of their error. */
  readonly errors: Counts;
  /** Milliseconds until the end of the answer, and until its beginning. */
  readonly duration: Histogram;
  readonly firstByte: Histogram;
  runs: number;
  /** Runs by how they ended. */
  readonly outcomes: Counts;
  /** Runs whose caller would take an answer of before, by `hit` and `miss`; not there in what earlier releases kept. */
  caches?: Counts;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  costMicros: number;
  /** Milliseconds that a run took on its node, and until its first token. */
  readonly runTime: Histogram;
  readonly firstToken: Histogram;
};

/** `inference`: it asks a model or an agent. `api`: everything else. */
export type TelemetryKind = 'inference' | 'api';

/** What a tally is about: agent and model are empty where there is none. */
export type SeriesKey = { readonly kind: TelemetryKind; readonly agent: string; readonly model: string };
export type Series = SeriesKey & { readonly tally: Tally };

/** What an isolate has gathered about one tenant. */
export type TelemetryBatch = {
  readonly at: number;
  readonly series: readonly Series[];
  /** Who asked which agent. */
  readonly callers: readonly (readonly [caller: string, agent: string])[];
};

export function emptyTally(): Tally {
  return {
    requests: 0,
    errors: {},
    duration: emptyHistogram(),
    firstByte: emptyHistogram(),
    runs: 0,
    outcomes: {},
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    costMicros: 0,
    runTime: emptyHistogram(),
    firstToken: emptyHistogram(),
  };
}

export function countOne(counts: Counts, name: string, times = 1): void {
  counts[name] = (counts[name] ?? 0) + times;
}

export function addTally(to: Tally, other: Tally): void {
  to.requests += other.requests;
  addCounts(to.errors, other.errors);
  addHistogram(to.duration, other.duration);
  addHistogram(to.firstByte, other.firstByte);
  to.runs += other.runs;
  addCounts(to.outcomes, other.outcomes);
  if (other.caches) addCounts((to.caches ??= {}), other.caches);
  to.inputTokens += other.inputTokens;
  to.cachedInputTokens += other.cachedInputTokens;
  to.outputTokens += other.outputTokens;
  to.costMicros += other.costMicros;
  addHistogram(to.runTime, other.runTime);
  addHistogram(to.firstToken, other.firstToken);
}

function addCounts(to: Counts, other: Counts): void {
  for (const [name, times] of Object.entries(other)) countOne(to, name, times);
}
