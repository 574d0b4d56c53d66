/** Alerts: what a tenant wants to be told of about its telemetry, how each stands, and when each has fired. */
import { z } from 'zod';
import { isoTime } from './common.ts';

export const MaxAlerts = 50;

/** Of the inference requests and runs of the window. Percentiles say nothing where nothing was counted. */
export const alertMetric = z.enum([
  'requests_per_minute',
  'errors',
  'error_rate',
  'duration_p50_ms',
  'duration_p95_ms',
  'duration_p99_ms',
  'first_byte_p95_ms',
  'first_token_p95_ms',
  'failed_runs',
  'tokens_per_minute',
  'cost_micros',
]);
export type AlertMetric = z.infer<typeof alertMetric>;

const settings = {
  name: z.string().trim().min(1).max(100),
  metric: alertMetric,
  agent: z.string().min(1).max(100).nullable().describe('Of this agent alone, by its id.'),
  comparison: z.enum(['above', 'below']),
  threshold: z.number().min(0).max(1e15),
  window_minutes: z.number().int().min(1).max(60).describe('Over which the metric is taken.'),
  for_minutes: z.number().int().min(0).max(60).describe('How long it has to hold before the alert fires.'),
  webhooks: z
    .array(z.string().min(1).max(100))
    .max(10)
    .describe('Who is told, by id, whatever else they listen to; none: every webhook that listens to `alert.*`.'),
  enabled: z.boolean(),
};

export const createAlert = z.strictObject({
  ...settings,
  agent: settings.agent.default(null),
  comparison: settings.comparison.default('above'),
  window_minutes: settings.window_minutes.default(5),
  for_minutes: settings.for_minutes.default(0),
  webhooks: settings.webhooks.default([]),
  enabled: settings.enabled.default(true),
});
export type AlertSettings = z.infer<typeof createAlert>;

export const updateAlert = z.strictObject(settings).partial();
export type UpdateAlert = z.infer<typeof updateAlert>;

export const alertState = z.enum(['ok', 'pending', 'firing']);
export type AlertStateName = z.infer<typeof alertState>;

export const alert = z.object({
  object: z.literal('alert'),
  id: z.string(),
  ...settings,
  state: alertState.describe('`pending`: it holds, but not for long enough yet.'),
  since: isoTime.describe('When it came to its state.'),
  value: z.number().nullable().describe('What the metric was when it was last looked at.'),
  checked_at: isoTime.nullable(),
  created_at: isoTime,
  updated_at: isoTime,
});
export type Alert = z.infer<typeof alert>;

export const deletedAlert = z.object({ object: z.literal('alert.deleted'), id: z.string(), deleted: z.literal(true) });

export const alertIncident = z.object({
  object: z.literal('alert.incident'),
  alert: z.string(),
  began_at: isoTime.describe('Since when it held.'),
  fired_at: isoTime,
  resolved_at: isoTime.nullable(),
  value: z.number().describe('What the metric was when it fired.'),
  threshold: z.number(),
});
export type AlertIncident = z.infer<typeof alertIncident>;
