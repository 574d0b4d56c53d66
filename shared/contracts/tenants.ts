/** Tenants, as their operator sees them. */
import { z } from 'zod';
import { isId, type BridgeId } from '../core/ids.ts';
import { isoTime, slug } from './common.ts';
import { createdKey } from './keys.ts';

/** Labels under the platform's domain that can never be a tenant. */
export const reservedSlugs: ReadonlySet<string> = new Set([
  'www',
  'api',
  'admin',
  'operator',
  'console',
  'bridge',
  'status',
  'mail',
  'localhost',
]);

export const createTenant = z.strictObject({
  slug: slug.refine((value) => !reservedSlugs.has(value), 'this label is reserved'),
  name: z.string().trim().min(1).max(100),
  plan: z.string().min(1).max(40).default('standard'),
  region: z.enum(['eu', 'us']).nullable().default(null),
});
export type CreateTenant = z.infer<typeof createTenant>;

export const tenant = z.object({
  object: z.literal('tenant'),
  id: z.string(),
  slug: z.string(),
  name: z.string(),
  plan: z.string(),
  region: z.string().nullable(),
  status: z.enum(['active', 'suspended']),
  url: z.string(),
  created_at: isoTime,
});
export type Tenant = z.infer<typeof tenant>;

export const createdTenant = tenant.extend({ admin_key: createdKey });

export const registerBridge = z.strictObject({
  /** The bridge's own id, which its tokens and receipts name. */
  id: z.custom<BridgeId>((value) => isId('bridge', value), 'must be a bridge id (brg_…)').meta({ type: 'string' }),
  name: z.string().trim().min(1).max(100),
  url: z.url({ protocol: /^https?$/ }),
  /** The bridge's Ed25519 public key, as a JWK. */
  public_key: z.strictObject({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  }),
});
export type RegisterBridge = z.infer<typeof registerBridge>;

export const bridge = z.object({
  object: z.literal('bridge'),
  id: z.string(),
  name: z.string(),
  url: z.string(),
  status: z.enum(['online', 'offline']),
  models: z.array(z.string()),
  registered_at: isoTime,
  last_seen_at: isoTime.nullable(),
});
export type Bridge = z.infer<typeof bridge>;

export const setPrice = z.strictObject({
  /** A model's id, or `*` for every model without a price of its own. */
  model: z.string().min(1).max(200),
  input_micros_per_mtok: z.number().int().min(0).max(1_000_000_000_000),
  cached_input_micros_per_mtok: z.number().int().min(0).max(1_000_000_000_000),
  output_micros_per_mtok: z.number().int().min(0).max(1_000_000_000_000),
});
export type SetPrice = z.infer<typeof setPrice>;

export const price = setPrice.extend({ object: z.literal('price'), id: z.string(), effective_from: isoTime });
export type Price = z.infer<typeof price>;
