/** Inbound hooks: whose requests are taken in, how they are verified, and what an agent is asked for each. */
import { z } from 'zod';
import { isoTime } from './common.ts';
import { createTask, lane } from './tasks.ts';

export const MaxHooks = 100;
/** The body of one delivery. */
export const MaxHookBytes = 2 * 1024 * 1024;
/** What an agent is asked for one delivery. */
export const MaxTaskLength = 100_000;
/** How long a delivery is listed, and the same delivery recognised. */
export const DeliveryRetentionMs = 30 * 24 * 60 * 60 * 1000;
/** Of all of a tenant's hooks: the newest. */
export const MaxDeliveriesKept = 200_000;
/** Taken in and not yet handed over. More are refused until there is room. */
export const MaxDeliveriesWaiting = 5_000;

/** What a template may name. */
export const templateRoots = ['payload', 'event', 'delivery'] as const;

const headerName = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'a header name in lower case')
  .refine((name) => name !== 'cookie' && name !== 'host', 'not this header');
const deliveryIdHeader = headerName
  .nullable()
  .default(null)
  .describe('Names each delivery, the same over its retries.');

export const hookVerification = z.discriminatedUnion('scheme', [
  z.strictObject({ scheme: z.literal('standard_webhooks') }),
  z.strictObject({ scheme: z.literal('github') }),
  z.strictObject({ scheme: z.literal('gitlab') }),
  z.strictObject({ scheme: z.literal('slack') }),
  z.strictObject({ scheme: z.literal('discord') }),
  z.strictObject({ scheme: z.literal('stripe') }),
  z.strictObject({
    scheme: z.literal('hmac'),
    header: headerName.describe('Where the signature is.'),
    algorithm: z.enum(['sha1', 'sha256', 'sha512']).default('sha256'),
    encoding: z.enum(['hex', 'base64']).default('hex'),
    prefix: z.string().max(20).default('').describe('What stands before the signature: `sha256=`.'),
    timestamp_header: headerName
      .nullable()
      .default(null)
      .describe('Holds Unix seconds. With it, what is signed is `<timestamp>.<body>`; without it, the body.'),
    delivery_id_header: deliveryIdHeader,
  }),
  z.strictObject({ scheme: z.literal('bearer'), delivery_id_header: deliveryIdHeader }),
]);
export type HookVerification = z.infer<typeof hookVerification>;
export type HookScheme = HookVerification['scheme'];

const secret = z.string().min(8).max(1_000).meta({ writeOnly: true });
const template = z.string().min(1).max(10_000).describe('What the agent is asked: `{{payload.issue.title}}`.');
const name = z.string().trim().min(1).max(100);
const agent = z.string().min(1).max(200).describe("An agent's id or slug.");

export const createHook = z.strictObject({
  name,
  agent,
  verification: hookVerification,
  secret: secret
    .optional()
    .describe('Without it one is minted and shown once, where the scheme lets the receiver choose.'),
  template: template.default('{{payload}}'),
  lane: lane.default('standard').describe('Of the tasks that deliveries become.'),
  max_attempts: createTask.shape.max_attempts,
  enabled: z.boolean().default(true),
});
export type CreateHook = z.infer<typeof createHook>;

export const updateHook = z.strictObject({
  name: name.optional(),
  agent: agent.optional(),
  verification: hookVerification.optional(),
  secret: secret.optional(),
  template: template.optional(),
  lane: lane.optional(),
  max_attempts: createTask.shape.max_attempts.unwrap().optional(),
  enabled: z.boolean().optional(),
});
export type UpdateHook = z.infer<typeof updateHook>;

export const hook = z.object({
  object: z.literal('hook'),
  id: z.string(),
  name: z.string(),
  agent: z.string(),
  verification: hookVerification,
  template: z.string(),
  lane,
  max_attempts: z.number().int(),
  enabled: z.boolean(),
  path: z.string().describe("Where to send to, at the tenant's host."),
  last_refusal: z
    .object({ at: isoTime, reason: z.string() })
    .nullable()
    .describe('The last request that was not signed as expected.'),
  created_at: isoTime,
  updated_at: isoTime,
});
export type Hook = z.infer<typeof hook>;

export const createdHook = hook.extend({
  secret: z.string().nullable().describe('The minted one, shown this once; null where it was given.'),
});
export type CreatedHook = z.infer<typeof createdHook>;

export const deletedHook = z.object({ object: z.literal('hook.deleted'), id: z.string(), deleted: z.literal(true) });

export const hookDelivery = z.object({
  object: z.literal('hook.delivery'),
  id: z.string(),
  hook: z.string(),
  delivery_id: z.string().nullable().describe("The sender's name for it."),
  event: z.string().nullable(),
  status: z.enum(['received', 'handed_over', 'failed']),
  attempts: z.number().int().describe('How often handing it over was tried.'),
  error: z.string().nullable(),
  task: z.string().nullable().describe("The agent's task, once it is handed over."),
  conversation: z.string().nullable().describe("The task's conversation."),
  received_at: isoTime,
  handed_over_at: isoTime.nullable(),
});
export type HookDelivery = z.infer<typeof hookDelivery>;

export const hookReceipt = z.object({
  object: z.literal('hook.receipt'),
  delivery: z.string().nullable().describe('Null for what only asks whether somebody is there.'),
  duplicate: z.boolean(),
});
export type HookReceipt = z.infer<typeof hookReceipt>;

/** A request to a hook as it arrived. Header names are in lower case. */
export type HookRequest = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
};

/** What the sender is answered. */
export type HookAnswer = {
  readonly status: 200 | 202 | 204;
  /** A JSON value; undefined: no body. */
  readonly body?: unknown;
  readonly receipt: HookReceipt;
};
