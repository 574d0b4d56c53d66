/**
 * The bound that a run is admitted with. Every token of the input is at least one byte of the request, so bytes bound
 * tokens whatever the model's tokeniser; what a chat template adds a message is allowed for.
 */
import { computeCostMicros, type Micros } from '../core/money.ts';
import type { RunId } from '../core/ids.ts';
import type { Reservation } from '../contracts/admission.ts';
import type { Route } from './catalog.ts';

export const DefaultMaxOutputTokens = 4_096;
const TemplateTokensPerMessage = 32;
/** A job must start within this of being admitted. */
export const JobStartMs = 60_000;

/** The bridge's last chance to deliver the receipt of a run that nobody knows of. */
const LostRunGraceMs = 60_000;

/** From when on a run that may never have begun can no longer come back. */
export function lostRunReleaseAt(now: number, timeoutMs: number): number {
  return now + JobStartMs + timeoutMs + LostRunGraceMs;
}

export type RunBound = { readonly inputBytes: number; readonly messages: number; readonly maxOutputTokens: number };

export function computeMaxMicros(route: Route, bound: RunBound): Micros {
  return computeCostMicros(route.price, {
    input: bound.inputBytes + bound.messages * TemplateTokensPerMessage + TemplateTokensPerMessage,
    cached: 0,
    output: bound.maxOutputTokens,
  });
}

export function makeReservation(run: RunId, route: Route, bound: RunBound): Reservation {
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
    maxOutputTokens: bound.maxOutputTokens,
  };
}

/** What the caller asks for, within what the model's window can hold. */
export function boundOutputTokens(route: Route, asked: number | null | undefined): number {
  return Math.min(asked ?? DefaultMaxOutputTokens, route.model.context_window ?? Number.MAX_SAFE_INTEGER);
}
