/** What an alert's metric is, and what becomes of the alert by it. Pure. */
import { percentileOf } from '../../shared/core/histogram.ts';
import type { AlertMetric, AlertSettings, AlertStateName } from '../../shared/contracts/alerts.ts';
import { countErrors } from '../../shared/telemetry/describe-telemetry.ts';
import type { Tally } from '../../shared/telemetry/tally.ts';

const MinuteMs = 60_000;

export type AlertStanding = { readonly state: AlertStateName; readonly since: number };
export type AlertStep = AlertStanding & {
  /** What there is to tell: it has begun to fire, and since when it held; or it has ceased to. */
  readonly change?: { readonly kind: 'fired'; readonly beganAt: number } | { readonly kind: 'resolved' };
};

/** Null where nothing was counted that it could be taken of. */
export function measure(metric: AlertMetric, tally: Tally, minutes: number): number | null {
  switch (metric) {
    case 'requests_per_minute':
      return tally.requests / minutes;
    case 'errors':
      return countErrors(tally);
    case 'error_rate':
      return tally.requests === 0 ? null : countErrors(tally) / tally.requests;
    case 'duration_p50_ms':
      return percentileOf(tally.duration, 0.5);
    case 'duration_p95_ms':
      return percentileOf(tally.duration, 0.95);
    case 'duration_p99_ms':
      return percentileOf(tally.duration, 0.99);
    case 'first_byte_p95_ms':
      return percentileOf(tally.firstByte, 0.95);
    case 'first_token_p95_ms':
      return percentileOf(tally.firstToken, 0.95);
    case 'failed_runs':
      return (tally.outcomes['failed'] ?? 0) + (tally.outcomes['interrupted'] ?? 0);
    case 'tokens_per_minute':
      return (tally.inputTokens + tally.outputTokens) / minutes;
    case 'cost_micros':
      return tally.costMicros;
  }
}

/** What cannot be measured holds nothing: an alert that fired is over when its traffic is. */
export function decideAlert(
  { comparison, threshold, for_minutes: forMinutes }: AlertSettings,
  before: AlertStanding,
  value: number | null,
  now: number,
): AlertStep {
  const holds = value !== null && (comparison === 'above' ? value > threshold : value < threshold);
  if (!holds) {
    if (before.state === 'ok') return before;
    return { state: 'ok', since: now, ...(before.state === 'firing' ? { change: { kind: 'resolved' } } : {}) };
  }
  if (before.state === 'firing') return before;
  // A clock that was set back begins the wait anew.
  const beganAt = before.state === 'pending' && before.since <= now ? before.since : now;
  return now - beganAt >= forMinutes * MinuteMs
    ? { state: 'firing', since: now, change: { kind: 'fired', beganAt } }
    : { state: 'pending', since: beganAt };
}
