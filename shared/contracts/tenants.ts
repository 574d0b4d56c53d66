/** Tenants, as their operator sees them. */
import { z } from 'zod';
import type { TokenPrice } from '../core/money.ts';
import {
  checkAudience,
  findDearTier,
  planTerms,
  priceAudience,
  rate,
  tenantTerms,
  tiers,
  modelSkus,
} from './billing.ts';
import { isoTime, slug } from './common.ts';
import { createdKey } from './keys.ts';
import { features, planLimits, planOverrides } from './plans.ts';

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
  plan: slug.default('standard'),
  region: z.enum(['eu', 'us']).nullable().default(null),
});
export type CreateTenant = z.infer<typeof createTenant>;

export const updateTenant = z.strictObject({
  name: z.string().trim().min(1).max(100).optional(),
  plan: slug.optional(),
  overrides: planOverrides.optional().describe('Where the tenant departs from its plan; `{}` follows it again.'),
});
export type UpdateTenant = z.infer<typeof updateTenant>;

export const tenantStatuses = ['active', 'suspended', 'deleting'] as const;
export const tenantStatus = z.enum(tenantStatuses);
export type TenantStatus = z.infer<typeof tenantStatus>;

export const tenant = z.object({
  object: z.literal('tenant'),
  id: z.string(),
  slug: z.string(),
  name: z.string(),
  plan: z.string(),
  overrides: planOverrides,
  region: z.string().nullable(),
  status: tenantStatus,
  url: z.string(),
  created_at: isoTime,
});
export type Tenant = z.infer<typeof tenant>;

/** Whether the tenant's own switch lets runs begin. */
export const tenantRuns = z.object({ object: z.literal('tenant.runs'), stopped: z.boolean() });
export type TenantRuns = z.infer<typeof tenantRuns>;

/** A tenant as it sees itself: with what is in force for it. */
export const ownTenant = tenant.omit({ plan: true, overrides: true }).extend({
  plan: z.object({ id: z.string(), name: z.string() }),
  features,
  limits: planLimits,
  runs_stopped: z.boolean().describe('Its own team has stopped all runs.'),
});
export type OwnTenant = z.infer<typeof ownTenant>;

export const createdTenant = tenant.extend({ admin_key: createdKey });

const microsPerMtok = z.number().int().min(0).max(1_000_000_000_000);
const modelTiers = z.partialRecord(z.enum(modelSkus), tiers);

export const setPrice = z
  .strictObject({
    /** A model's id, or `*` for every model without a price of its own. */
    model: z.string().min(1).max(200),
    input_micros_per_mtok: microsPerMtok,
    cached_input_micros_per_mtok: microsPerMtok,
    output_micros_per_mtok: microsPerMtok,
    ...priceAudience,
    tiers: modelTiers.default({}),
  })
  .superRefine(checkAudience)
  .superRefine((price, context) => {
    for (const each of modelSkus) {
      const dear = findDearTier(price.tiers[each], priceOfSku(price, each));
      if (dear >= 0)
        context.addIssue({ code: 'custom', path: ['tiers', each, dear], message: 'is above the price itself' });
    }
  });
export type SetPrice = z.infer<typeof setPrice>;

/** Embeddings, audio to transcribe and text to speak are input. */
export function priceOfSku(price: TokenPrice, sku: (typeof modelSkus)[number]): number {
  switch (sku) {
    case 'input_tokens':
    case 'embedding_tokens':
    case 'audio_seconds':
    case 'speech_characters':
      return price.input_micros_per_mtok;
    case 'cached_input_tokens':
      return price.cached_input_micros_per_mtok;
    case 'output_tokens':
      return price.output_micros_per_mtok;
  }
}

export const price = z.object({
  object: z.literal('price'),
  id: z.string(),
  model: z.string(),
  input_micros_per_mtok: z.number().int(),
  cached_input_micros_per_mtok: z.number().int(),
  output_micros_per_mtok: z.number().int(),
  plan: z.string().nullable(),
  tenant: z.string().nullable(),
  tiers: modelTiers,
  effective_from: isoTime,
});
export type Price = z.infer<typeof price>;

/** What counts for one tenant: prices of models, rates of what is metered, its terms. */
export const ownPrice = z.discriminatedUnion('object', [price, rate, planTerms, tenantTerms]);
export type OwnPrice = z.infer<typeof ownPrice>;
