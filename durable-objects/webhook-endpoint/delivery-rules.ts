/**
 * The rules of delivery, pure: when an event is tried again, what an attempt means, when a receiver is spared, told of and
 * given up. Standard Webhooks 1.0, "Deliverability"; the schedule outlasts a receiver that is down for five days.
 */
const Second = 1_000;
const Minute = 60 * Second;
const Hour = 60 * Minute;

/** What is waited before each attempt: sixteen of them, 5.2 days from the first to the last. */
export const attemptDelaysMs: readonly number[] = [
  0,
  5 * Second,
  5 * Minute,
  30 * Minute,
  2 * Hour,
  5 * Hour,
  10 * Hour,
  ...Array.from({ length: 9 }, () => 12 * Hour),
];
/** Never early, and never late by more: receivers that fail together do not come back together. */
export const Jitter = 0.1;
const LongestRetryAfterMs = 24 * Hour;

/** So many failures in a row are a receiver in trouble: it is told elsewhere, and then asked by one event at a time. */
const FailuresInTrouble = 5;
const SpareMs = { base: 5 * Second, cap: 5 * Minute };
const throttleStatuses: ReadonlySet<number> = new Set([429, 502, 504]);
/** A receiver that has taken nothing for so long, and has lost an event by it, is disabled. */
const GiveUpMs = 120 * Hour;

export type AttemptResult =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'fault'; readonly fault: string };

export type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'endpoint_gone' }
  | { readonly kind: 'retried'; readonly at: number }
  | { readonly kind: 'exhausted' };

/** `attempts`: how many there have been, this one included. */
export function judgeAttempt(
  result: AttemptResult,
  attempts: number,
  now: number,
  random: () => number,
  delays: readonly number[] = attemptDelaysMs,
): Verdict {
  if (isSuccess(result)) return { kind: 'delivered' };
  if (result.kind === 'answered' && result.status === 410) return { kind: 'endpoint_gone' };
  const delay = delays[attempts];
  if (delay === undefined) return { kind: 'exhausted' };
  return { kind: 'retried', at: now + Math.max(Math.round(delay * (1 + Jitter * random())), askedToWait(result)) };
}

/** How a receiver is doing: failures in a row, since when, and until when it is spared. */
export type Health = {
  readonly failures: number;
  readonly failingSince: number | null;
  readonly spareUntil: number;
  readonly lastFailureAt: number;
  /** Whether its trouble has been told. */
  readonly told: boolean;
};

export const goodHealth: Health = { failures: 0, failingSince: null, spareUntil: 0, lastFailureAt: 0, told: false };

export type HealthChange = { readonly health: Health; readonly notice?: 'failing' | 'recovered' };

/** Attempts that were under way together and fail together are one failure. */
export function noteAttempt(
  health: Health,
  result: AttemptResult,
  begunAt: number,
  now: number,
  random: () => number,
): HealthChange {
  if (isSuccess(result)) {
    if (health.failures === 0) return { health };
    // What another attempt was asked to wait still holds.
    const recovered = { ...goodHealth, spareUntil: health.spareUntil };
    return health.told ? { health: recovered, notice: 'recovered' } : { health: recovered };
  }
  const failures = health.failures + (begunAt < health.lastFailureAt ? 0 : 1);
  const inTrouble = failures >= FailuresInTrouble;
  const throttled = result.kind === 'answered' && throttleStatuses.has(result.status);
  const step = SpareMs.base * 2 ** Math.min(10, Math.max(0, failures - FailuresInTrouble));
  const spareMs = inTrouble || throttled ? Math.min(SpareMs.cap, step) * (1 + Jitter * random()) : 0;
  const changed = {
    failures,
    failingSince: health.failingSince ?? now,
    spareUntil: Math.max(health.spareUntil, now + Math.round(Math.max(spareMs, askedToWait(result)))),
    lastFailureAt: now,
    told: health.told || inTrouble,
  };
  return inTrouble && !health.told ? { health: changed, notice: 'failing' } : { health: changed };
}

/** How many may be under way: one by one where the receiver is in trouble. */
export function concurrencyFor({ failures }: Health, ordered: boolean, most: number): number {
  return ordered || failures >= FailuresInTrouble ? 1 : most;
}

/** Asked when an event has been lost for good. */
export function isGivenUp({ failingSince }: Health, now: number): boolean {
  return failingSince !== null && now - failingSince >= GiveUpMs;
}

export function isSuccess(result: AttemptResult): boolean {
  return result.kind === 'answered' && result.status >= 200 && result.status < 300;
}

/** RFC 9110: seconds, or a date. Anything else says nothing. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d{1,10}$/.test(value.trim()) ? Number(value) * Second : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), LongestRetryAfterMs) : undefined;
}

function askedToWait(result: AttemptResult): number {
  return result.kind === 'answered' ? (result.retryAfterMs ?? 0) : 0;
}
