/** Alerts: what fires when, and that nothing fires twice or is resolved without having fired. */
import { describe, expect, test } from 'vitest';
import { decideAlert, measure, type AlertStanding } from '../../../durable-objects/tenant/alert-rules.ts';
import { selectorFor } from '../../../durable-objects/tenant/webhook-payload.ts';
import { alertMetric, createAlert, type AlertSettings } from '../../../shared/contracts/alerts.ts';
import type { PlatformEvent } from '../../../shared/contracts/events.ts';
import { addValue } from '../../../shared/core/histogram.ts';
import { emptyTally } from '../../../shared/telemetry/tally.ts';

const MinuteMs = 60_000;
const ok: AlertStanding = { state: 'ok', since: 0 };

const alertOf = (partial: Partial<AlertSettings> = {}): AlertSettings =>
  createAlert.parse({ name: 'a', metric: 'errors', threshold: 10, ...partial });

/** What is told over a course of values, one a minute: the minute and the change. */
function run(alert: AlertSettings, values: readonly (number | null)[]): string[] {
  const told: string[] = [];
  let standing = ok;
  values.forEach((value, minute) => {
    const { change, ...next } = decideAlert(alert, standing, value, minute * MinuteMs);
    standing = next;
    if (change) told.push(`${minute} ${change.kind}`);
  });
  return told;
}

describe('an alert', () => {
  test('fires at once without a wait, once, and is resolved once', () => {
    expect(run(alertOf(), [10, 11, 12, 13, 10, 9, 11])).toEqual(['1 fired', '4 resolved', '6 fired']);
  });

  test('with a wait fires when it has held for so long without a break', () => {
    expect(run(alertOf({ for_minutes: 3 }), [11, 11, 11, 0, 11, 11, 11, 11, 11, 0])).toEqual(['7 fired', '9 resolved']);
  });

  test('below a threshold fires on less, and never where nothing can be measured', () => {
    expect(run(alertOf({ comparison: 'below' }), [null, 10, 9, null, null, 9])).toEqual([
      '2 fired',
      '3 resolved',
      '5 fired',
    ]);
  });

  test('says since when it held, and begins to wait anew after a clock was set back', () => {
    const alert = alertOf({ for_minutes: 2 });
    const pending = decideAlert(alert, ok, 11, 5 * MinuteMs);
    expect(decideAlert(alert, pending, 11, 7 * MinuteMs)).toEqual({
      state: 'firing',
      since: 7 * MinuteMs,
      change: { kind: 'fired', beganAt: 5 * MinuteMs },
    });
    expect(decideAlert(alert, pending, 11, MinuteMs)).toEqual({ state: 'pending', since: MinuteMs });
  });
});

test('every metric is measured, and percentiles and rates of nothing are nothing', () => {
  const tally = emptyTally();
  const nothing = alertMetric.options.filter((metric) => measure(metric, tally, 5) === null);
  expect(nothing).toEqual([
    'error_rate',
    'duration_p50_ms',
    'duration_p95_ms',
    'duration_p99_ms',
    'first_byte_p95_ms',
    'first_token_p95_ms',
  ]);
  Object.assign(tally, { requests: 20, inputTokens: 60, outputTokens: 40, costMicros: 7, runs: 4 });
  Object.assign(tally.errors, { internal_error: 3, not_found: 2 });
  Object.assign(tally.outcomes, { completed: 1, failed: 2, interrupted: 1 });
  for (const histogram of [tally.duration, tally.firstByte, tally.firstToken]) addValue(histogram, 1_000, 20);
  const measured = Object.fromEntries(alertMetric.options.map((metric) => [metric, measure(metric, tally, 5)]));
  expect(measured).toMatchObject({
    requests_per_minute: 4,
    errors: 5,
    error_rate: 0.25,
    failed_runs: 3,
    tokens_per_minute: 20,
    cost_micros: 7,
  });
  expect(measured['duration_p99_ms']! / 1_000).toBeCloseTo(1, 1);
});

test('an alert that names webhooks is told to these and to no other, whatever they listen to', () => {
  const event = (webhooks: string[]): PlatformEvent => ({
    object: 'event',
    id: 'evt_1',
    type: 'alert.fired',
    timestamp: '2026-01-01T00:00:00.000Z',
    agent: null,
    environment: null,
    data: { id: 'alr_1', webhooks },
  });
  const selects = (id: string, events: string[], named: string[]) =>
    selectorFor(id, { events, agent: null, environment: null })(event(named));
  expect(selects('whk_a', ['key.created'], ['whk_a'])).toBe(true);
  expect(selects('whk_b', ['*'], ['whk_a'])).toBe(false);
  expect(selects('whk_b', ['alert.*'], [])).toBe(true);
  expect(selects('whk_a', ['key.created'], [])).toBe(false);
});
