/** Tallies of the steps of a window as they are told: counts, rates and percentiles; in all, by group, and step by step. Pure. */
import { toIso } from '../core/clock.ts';
import { percentileOf, type Histogram } from '../core/histogram.ts';
import type { Percentiles, TelemetryPoint, TelemetrySums } from '../contracts/telemetry.ts';
import { addTally, emptyTally, type Tally } from './tally.ts';
import { startOf, type Span } from './tiers.ts';

export type PlacedTally = { readonly at: number; readonly tally: Tally };
export type Described<K> = {
  readonly from: string;
  readonly to: string;
  readonly step_seconds: number;
  readonly total: TelemetrySums;
  readonly points: TelemetryPoint[];
  /** The busiest first. */
  readonly groups: readonly (readonly [group: K, sums: TelemetrySums])[];
};

const MinuteMs = 60_000;

export function describeTelemetry<R extends PlacedTally, K>(
  span: Span,
  rows: readonly R[],
  groupOf: (row: R) => K,
  now: number,
): Described<K> {
  const { stepMs } = span.tier;
  const from = startOf(span, now);
  const bySteps = addUp(rows, ({ at }) => at);
  const total = emptyTally();
  for (const tally of bySteps.values()) addTally(total, tally);
  return {
    from: toIso(from),
    to: toIso(now),
    step_seconds: stepMs / 1000,
    total: summarise(total, minutesOf(from, now)),
    groups: [...addUp(rows, groupOf)]
      .toSorted(([, a], [, b]) => b.requests - a.requests || b.runs - a.runs)
      .map(([group, tally]) => [group, summarise(tally, minutesOf(from, now))]),
    points: Array.from({ length: span.steps + 1 }, (_, step) => {
      const at = from + step * stepMs;
      return {
        at: toIso(at),
        ...summarise(bySteps.get(at) ?? emptyTally(), minutesOf(at, Math.min(at + stepMs, now))),
      };
    }),
  };
}

/** At least a second, so that the first request of a step is no flood. */
function minutesOf(since: number, until: number): number {
  return Math.max(until - since, 1_000) / MinuteMs;
}

export function addUp<R extends { readonly tally: Tally }, K>(rows: readonly R[], keyOf: (row: R) => K): Map<K, Tally> {
  const sums = new Map<K, Tally>();
  for (const row of rows) {
    const key = keyOf(row);
    const sum = sums.get(key) ?? emptyTally();
    addTally(sum, row.tally);
    sums.set(key, sum);
  }
  return sums;
}

export function countErrors({ errors }: Tally): number {
  return Object.values(errors).reduce((sum, times) => sum + times, 0);
}

function summarise(tally: Tally, minutes: number): TelemetrySums {
  return {
    requests: tally.requests,
    requests_per_minute: round(tally.requests / minutes),
    errors: countErrors(tally),
    errors_by_type: { ...tally.errors },
    duration_ms: percentiles(tally.duration),
    first_byte_ms: percentiles(tally.firstByte),
    runs: tally.runs,
    runs_by_outcome: { ...tally.outcomes },
    cache: { hit: tally.caches?.['hit'] ?? 0, miss: tally.caches?.['miss'] ?? 0 },
    run_ms: percentiles(tally.runTime),
    first_token_ms: percentiles(tally.firstToken),
    input_tokens: tally.inputTokens,
    cached_input_tokens: tally.cachedInputTokens,
    output_tokens: tally.outputTokens,
    cost_micros: tally.costMicros,
  };
}

function percentiles(histogram: Histogram): Percentiles {
  const at = (share: number) => {
    const value = percentileOf(histogram, share);
    return value === null ? null : round(value);
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
