/** Telemetry of a tenant: how many requests and runs, how fast, how many failed, what they used; live, by agent or model. */
import { z } from 'zod';
import { isoTime } from './common.ts';

export const telemetryWindow = z.enum(['1h', '24h', '7d', '30d']);
export type TelemetryWindow = z.infer<typeof telemetryWindow>;

export const telemetryGroup = z.enum(['none', 'agent', 'model']);
export const telemetryKind = z.enum(['inference', 'api', 'all']);

export const telemetryQuery = z.object({
  window: telemetryWindow.default('1h'),
  group_by: telemetryGroup.default('none'),
  kind: telemetryKind
    .default('inference')
    .describe('`inference`: requests that ask a model or an agent. `api`: all others.'),
  agent: z.string().min(1).max(200).optional().describe('Of this agent alone, by its id.'),
});
export type TelemetryQuery = z.infer<typeof telemetryQuery>;

const count = z.number().int();
const milliseconds = z.number().nullable();
const percentiles = z.object({ p50: milliseconds, p95: milliseconds, p99: milliseconds });
export type Percentiles = z.infer<typeof percentiles>;

export const telemetrySums = z.object({
  requests: count,
  requests_per_minute: z.number(),
  errors: count,
  errors_by_type: z.record(z.string(), count).describe('By the code of the error.'),
  duration_ms: percentiles.describe('Until the end of the answer. Right to 2 %; null where nothing was counted.'),
  first_byte_ms: percentiles.describe('Until the beginning of the answer.'),
  runs: count.describe('Runs of models that were settled, with or without a request of their own.'),
  runs_by_outcome: z.record(z.string(), count),
  cache: z
    .object({ hit: count, miss: count })
    .describe('Runs whose caller would take an answer of before, by whether there was one.'),
  run_ms: percentiles.describe('How long a run took on its node.'),
  first_token_ms: percentiles.describe("From a run's start to its first token."),
  input_tokens: count,
  cached_input_tokens: count.describe('Of the input tokens, those that a cache had.'),
  output_tokens: count,
  cost_micros: count,
});
export type TelemetrySums = z.infer<typeof telemetrySums>;

export const telemetryPoint = telemetrySums.extend({ at: isoTime.describe('Where the step begins.') });

export type TelemetryPoint = z.infer<typeof telemetryPoint>;

export const telemetryRow = telemetrySums.extend({
  agent: z
    .string()
    .nullable()
    .optional()
    .describe("An agent's id, null for none, `(other)` for those beyond the bound."),
  model: z.string().nullable().optional(),
  active_sessions: count.optional().describe('Only by agent.'),
});

const told = {
  object: z.literal('telemetry'),
  window: telemetryWindow,
  kind: telemetryKind,
  from: isoTime,
  to: isoTime,
  step_seconds: count,
  total: telemetrySums,
  points: z.array(telemetryPoint).describe('One a step, the last one still under way.'),
};

export const telemetry = z.object({
  ...told,
  group_by: telemetryGroup,
  agent: z.string().nullable(),
  active_sessions: count.describe('Keys, users and visitors that asked within the window.'),
  groups: z.array(telemetryRow).describe('The busiest first; empty where nothing is grouped by.'),
});
export type Telemetry = z.infer<typeof telemetry>;

const operatorGroup = z.enum(['none', 'tenant']);
export const operatorTelemetryQuery = telemetryQuery
  .omit({ agent: true })
  .extend({ group_by: operatorGroup.default('tenant') });
export type OperatorTelemetryQuery = z.infer<typeof operatorTelemetryQuery>;

export const operatorTelemetry = z.object({
  ...told,
  group_by: operatorGroup,
  groups: z.array(telemetrySums.extend({ tenant: z.string() })).describe('The busiest first.'),
});
export type OperatorTelemetry = z.infer<typeof operatorTelemetry>;
