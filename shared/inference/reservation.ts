/**
 * The bound that a run is admitted with. Every token of the input is at least one byte of the request, so bytes bound
 * tokens whatever the model's tokeniser; what a chat template adds a message is allowed for.
 */
import { computeCostMicros, type Micros } from '../core/money.ts';
import type { RunId } from '../core/ids.ts';
import type { Reservation } from '../contracts/admission.ts';
import type { Route } from './resolve-route.ts';

export const DefaultMaxOutputTokens = 4_096;
const TemplateTokensPerMessage = 32;
/** A job must start within this of being admitted. */
export const JobStartMs = 60_000;

/** The longest that a job may run. */
export const MaxTimeoutMs = 600_000;

/** The bridge's last chance to deliver the receipt of a run that nobody knows of. */
const LostRunGraceMs = 60_000;

/** The longest from a run's admission to its receipt. */
export const MaxRunMs = JobStartMs + MaxTimeoutMs + LostRunGraceMs;

/** From when on a run that may never have begun can no longer come back. */
export function lostRunReleaseAt(now: number, timeoutMs: number): number {
  return now + JobStartMs + timeoutMs + LostRunGraceMs;
}

export type TextBound = { readonly inputBytes: number; readonly messages: number; readonly maxOutputTokens: number };
/** Input that is no text to a model: at most so many units of what its operation counts, and nothing is written. */
export type RunBound = TextBound | { readonly units: number };

export function maxInputTokens({ inputBytes, messages }: Omit<TextBound, 'maxOutputTokens'>): number {
  return inputBytes + (messages + 1) * TemplateTokensPerMessage;
}

function maxCounts(bound: RunBound): { readonly input: number; readonly output: number } {
  if ('units' in bound) return { input: bound.units, output: 0 };
  return { input: maxInputTokens(bound), output: bound.maxOutputTokens };
}

export function computeMaxMicros(route: Route, bound: RunBound): Micros {
  return computeCostMicros(route.price, { ...maxCounts(bound), cached: 0 });
}

export function makeReservation(run: RunId, route: Route, bound: RunBound): Reservation {
  const { input, output } = maxCounts(bound);
  return {
    run,
    bridge: route.bridge.id,
    model: route.model.id,
    priceId: route.priceId,
    price: {
      input_micros_per_mtok: route.price.input_micros_per_mtok,
      cached_input_micros_per_mtok: route.price.cached_input_micros_per_mtok,
      output_micros_per_mtok: route.price.output_micros_per_mtok,
    },
    maxMicros: computeMaxMicros(route, bound),
    maxTokens: 'units' in bound ? 0 : input + output,
    maxOutputTokens: output,
  };
}

/** What the caller asks for, within what the model's window can hold. */
export function boundOutputTokens(route: Route, asked: number | null | undefined): number {
  return Math.min(asked ?? DefaultMaxOutputTokens, route.model.context_window ?? Number.MAX_SAFE_INTEGER);
}
