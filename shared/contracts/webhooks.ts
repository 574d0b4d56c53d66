/** Outbound webhooks: where a tenant's events are sent, in which form, and what became of each attempt. */
import { z } from 'zod';
import { environment } from './agents.ts';
import { isoTime, pageQuery } from './common.ts';
import { eventPattern } from './events.ts';

export const MaxWebhooks = 100;
const MaxTemplate = 8_192;

/** `none`: `{type, timestamp, data}`, as Standard Webhooks has it. */
export const webhookTransform = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('slack') }),
  z.strictObject({ kind: z.literal('discord') }),
  z.strictObject({
    kind: z.literal('template'),
    template: z
      .string()
      .min(2)
      .max(MaxTemplate)
      .describe('JSON with {{path}} inside strings and {{json path}} as values; paths begin at type, timestamp, data.'),
  }),
]);
export type WebhookTransform = z.infer<typeof webhookTransform>;

const settings = {
  url: z.string().min(1).max(2_000),
  description: z.string().max(200),
  events: z.array(eventPattern).min(1).max(50).describe('Types, families (`agent.*`) or topics.'),
  agent: z.string().max(100).nullable().describe('Only events about this agent, by its id.'),
  environment: environment.nullable().describe('Only events of this environment.'),
  ordered: z.boolean().describe('One after the other, in the order of the log: a failing event holds up what follows.'),
  transform: webhookTransform,
  timeout_seconds: z.number().int().min(15).max(30),
};

export const createWebhook = z.strictObject({
  ...settings,
  description: settings.description.default(''),
  events: settings.events.default(['*']),
  agent: settings.agent.default(null),
  environment: settings.environment.default(null),
  ordered: settings.ordered.default(false),
  transform: settings.transform.default({ kind: 'none' }),
  timeout_seconds: settings.timeout_seconds.default(20),
  signature: z.enum(['v1', 'v1a']).default('v1').describe('HMAC-SHA256 with a shared secret, or ed25519.'),
});
export type CreateWebhook = z.infer<typeof createWebhook>;
export type WebhookSettings = Omit<CreateWebhook, 'signature'>;

export const updateWebhook = z
  .strictObject({ ...settings, enabled: z.boolean().describe('true enables again what was disabled.') })
  .partial();
export type UpdateWebhook = z.infer<typeof updateWebhook>;

export const webhook = z.object({
  object: z.literal('webhook'),
  id: z.string(),
  ...settings,
  signature: z.enum(['v1', 'v1a']),
  public_key: z.string().nullable().describe('To verify v1a with (`whpk_…`).'),
  previous_secret_until: isoTime.nullable().describe('Until when the secret before the last rotation signs as well.'),
  status: z.enum(['active', 'failing', 'disabled']),
  disabled_reason: z.string().nullable(),
  created_at: isoTime,
  updated_at: isoTime,
});
export type Webhook = z.infer<typeof webhook>;

export const createdWebhook = webhook.extend({
  secret: z.string().nullable().describe('`whsec_…`, shown this once. With v1a there is a public key instead.'),
});

export const deletedWebhook = z.object({
  object: z.literal('webhook.deleted'),
  id: z.string(),
  deleted: z.literal(true),
});

export const rotateWebhookSecret = z.strictObject({
  grace_seconds: z
    .number()
    .int()
    .min(0)
    .max(7 * 24 * 60 * 60)
    .default(24 * 60 * 60)
    .describe('How long the present secret signs beside the new one.'),
});

export const testedWebhook = z.object({ object: z.literal('webhook.test'), webhook: z.string(), event: z.string() });

export const replayWebhook = z
  .strictObject({
    event: z.string().max(64).optional().describe('One event, by its id.'),
    since: isoTime.optional().describe('Or all from a time on.'),
    until: isoTime.optional(),
  })
  .refine(
    ({ event, since, until }) => (event === undefined) !== (since === undefined) && (since ?? until) === since,
    'name one event, or a range from `since` on',
  );
export type ReplayWebhook = z.infer<typeof replayWebhook>;

export const webhookReplay = z.object({
  object: z.literal('webhook.replay'),
  webhook: z.string(),
  since: isoTime.nullable(),
  until: isoTime.nullable(),
  event: z.string().nullable(),
});
export type WebhookReplay = z.infer<typeof webhookReplay>;

export const attemptOutcomes = ['delivered', 'retried', 'exhausted', 'endpoint_gone'] as const;

export const webhookAttempt = z.object({
  object: z.literal('webhook.attempt'),
  id: z.string(),
  webhook: z.string(),
  event: z.string(),
  type: z.string(),
  number: z.number().int().describe('Of the sixteen that an event has.'),
  at: isoTime,
  duration_ms: z.number().int(),
  outcome: z.enum(attemptOutcomes),
  next_attempt_at: isoTime.nullable(),
  request: z.object({ url: z.string(), headers: z.record(z.string(), z.string()), body: z.string() }),
  response: z.object({ status: z.number().int(), body: z.string().describe('Its beginning.') }).nullable(),
  fault: z.string().nullable().describe('Why there was no whole answer: timeout, lost, unreachable, cut, refused.'),
});
export type WebhookAttempt = z.infer<typeof webhookAttempt>;

export const attemptQuery = pageQuery.extend({ event: z.string().max(64).optional() });
export type AttemptQuery = z.infer<typeof attemptQuery>;

/** What an endpoint's object needs to deliver. `revision` counts the changes of the settings. */
export type DeliveryPlan = {
  readonly revision: number;
  readonly enabled: boolean;
  /** The tenant is suspended: what waits is kept, and nothing is sent. */
  readonly paused: boolean;
  readonly url: string;
  /** The newest first; during a rotation both sign. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
  readonly ordered: boolean;
};

/** An event on its way: its body is made once, so that every attempt sends the same bytes. */
export type OutgoingMessage = {
  readonly id: string;
  readonly type: string;
  readonly body: string;
  /** W3C: of what the event comes from. */
  readonly traceparent: string | null;
};
