/** API keys and the permissions they carry. */
import { z } from 'zod';
import { isoTime, slug } from './common.ts';
import { environment } from './agents.ts';

/** resource:verb. `*` at key creation means all of them. */
export const permissions = [
  'inference:invoke',
  'conversations:read',
  'conversations:write',
  'agents:read',
  'agents:write',
  'memories:read',
  'memories:write',
  'keys:read',
  'keys:write',
  'usage:read',
  'invoices:read',
  'secrets:read',
  'secrets:write',
  'audit:read',
  'events:read',
  'webhooks:read',
  'webhooks:write',
  'budgets:read',
  'budgets:write',
  'members:read',
  'members:write',
  'issuers:read',
  'issuers:write',
  'branding:read',
  'branding:write',
  'sessions:write',
  'tasks:read',
  'tasks:write',
  'tenant:read',
  'tenant:write',
  'hooks:read',
  'hooks:write',
  'approvals:read',
  'approvals:write',
  'tenant:export',
  'domains:read',
  'domains:write',
  'telemetry:read',
  'telemetry:write',
] as const;
export const permission = z.enum(permissions);
export type Permission = z.infer<typeof permission>;

/** What a visitor of a tenant's chat page may do, on one agent only. */
export const visitorPermissions: readonly Permission[] = [
  'inference:invoke',
  'conversations:read',
  'conversations:write',
];

export const keyScope = z.strictObject({
  project: slug.nullable().default(null),
  environment: environment.nullable().default(null),
  /** An agent's id; the key then works for this agent alone. */
  agent: z.string().nullable().default(null),
});
export type KeyScope = z.infer<typeof keyScope>;

/** Of requests and of tokens no more than this within any sixty seconds; of runs no more than this at once. */
export const rateLimit = z
  .strictObject({
    requests_per_minute: z.number().int().min(1).max(1_000_000).optional(),
    tokens_per_minute: z
      .number()
      .int()
      .min(1)
      .max(1_000_000_000)
      .optional()
      .describe('Input and output together; a run counts with the most that it may use until it is settled.'),
    concurrent_runs: z.number().int().min(1).max(100_000).optional().describe('Admitted and not settled yet.'),
  })
  .refine((limit) => Object.keys(limit).length > 0, 'names no limit');
export type RateLimit = z.infer<typeof rateLimit>;

export const createKey = z.strictObject({
  name: z.string().trim().min(1).max(100),
  scope: keyScope.prefault({}),
  permissions: z.union([z.tuple([z.literal('*')]), z.array(permission).min(1)]).default(['*']),
  rate_limit: rateLimit.nullable().default(null),
  expires_at: isoTime.nullable().default(null),
});
export type CreateKey = z.infer<typeof createKey>;

export const apiKey = z.object({
  object: z.literal('api_key'),
  id: z.string(),
  name: z.string(),
  prefix: z.string().describe('The start of the secret, to tell keys apart.'),
  scope: z.object({
    project: z.string().nullable(),
    environment: environment.nullable(),
    agent: z.string().nullable(),
  }),
  permissions: z.array(permission),
  rate_limit: rateLimit.nullable(),
  status: z.enum(['active', 'revoked', 'expired']),
  created_at: isoTime,
  expires_at: isoTime.nullable(),
  revoked_at: isoTime.nullable(),
  last_used_at: isoTime.nullable(),
  rotated_at: isoTime.nullable(),
  grace_until: isoTime.nullable().describe('Until when the secret before the last rotation works as well.'),
});
export type ApiKey = z.infer<typeof apiKey>;

export const createdKey = apiKey.extend({ secret: z.string().describe('Shown this once, never again.') });
export type CreatedKey = z.infer<typeof createdKey>;

export const MaxGraceSeconds = 7 * 24 * 60 * 60;

export const rotateKey = z.strictObject({
  grace_seconds: z
    .number()
    .int()
    .min(0)
    .max(MaxGraceSeconds)
    .default(0)
    .describe('How long the present secret works beside the new one.'),
});
