/** Bindings and vars, checked at the first request: a deployment that lacks one says which, and serves nothing. */
import { z } from 'zod';
import type { Platform } from '../durable-objects/stubs.ts';
import { Allowlist } from '../shared/egress/allowlist.ts';

const binding = z.custom<object>((value) => typeof value === 'object' && value !== null, 'the binding is missing');

const platform = z.looseObject({
  DB: binding,
  TENANT: binding,
  AGENT: binding,
  CONVERSATION: binding,
  VECTOR_SHARD: binding,
  NODE_POOL: binding,
  WEBHOOK_ENDPOINT: binding,
  ASSETS: binding,
  BRIDGE_TUNNEL: binding,
  OPERATOR: binding,
  PLATFORM_DOMAIN: z.string().regex(/^[a-z0-9.-]+$/, 'a domain in lower case, without scheme or port'),
  PLATFORM_PORT: z.string().regex(/^\d*$/).optional(),
  AGENT_BUCKETS: z.string().regex(/^\d{1,4}$/, 'a whole number from 0 on'),
  VECTOR_BACKEND: z.enum(['embedded', 'vectorize']),
  VECTOR_ARENA_BYTES: z
    .string()
    .regex(/^\d{7,12}$/, 'a number of bytes')
    .optional(),
  EGRESS_ALLOW: z
    .string()
    .refine((text) => Allowlist.parse(text).ok, 'addresses, blocks of them and names, with commas between')
    .optional(),
  MAX_BODY_BYTES: z.string().regex(/^\d{3,9}$/, 'a number of bytes'),
  DNS_OVER_HTTPS_URL: z.url({ protocol: /^https?$/ }).optional(),
  CLOUDFLARE_ZONE_ID: z.string().optional(),
  CLOUDFLARE_API_TOKEN: z.string().optional(),
  OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTLP_HEADERS: z.string().optional(),
  OPERATOR_TOKEN_SHA256: z.string().regex(/^[0-9a-f]{64}$/, 'the SHA-256 of the operator token, in hex'),
  PLATFORM_SIGNING_KEY: z.string().startsWith('{', 'a private Ed25519 key as a JWK'),
  PLATFORM_PREVIOUS_SIGNING_KEY: z.string().startsWith('{', 'the private Ed25519 key before, as a JWK').optional(),
});

let checked: unknown;

/** Throws with the names of what is wrong; never with a value. */
export function requirePlatform(env: unknown): Platform {
  if (checked !== env) {
    const parsed = platform.safeParse(env);
    if (!parsed.success) {
      const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
      throw new Error(`The deployment is not configured. ${faults.join('; ')}`);
    }
    checked = env;
  }
  return env as Platform;
}
