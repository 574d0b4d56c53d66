/**
 * Plans: what a tenant may use, and how much of it. A limit of null is no limit. A tenant may depart from its plan by
 * overrides; what is in force, its object is told (`TenantProfile`). What a plan costs belongs to the price book.
 */
import { z } from 'zod';
import { isoTime, slug } from './common.ts';

const MaxFlags = 100;

const limit = z.number().int().min(0).max(1_000_000_000_000_000).nullable();

export const limitNames = [
  'requests_per_minute',
  'tokens_per_minute',
  'concurrency',
  'agents',
  'keys',
  'storage_bytes',
  'domains',
  'event_retention_days',
] as const;
export type LimitName = (typeof limitNames)[number];

const limitFields = {
  requests_per_minute: limit.describe('Of the whole tenant, within any sixty seconds.'),
  tokens_per_minute: limit.describe('Input and output together, of the whole tenant.'),
  concurrency: limit.describe('Runs at the same time.'),
  agents: limit,
  keys: limit.describe('Active ones.'),
  storage_bytes: limit,
  domains: limit.describe('Custom hostnames.'),
  event_retention_days: z
    .number()
    .int()
    .min(1)
    .max(365)
    .nullable()
    .describe('How long an event can be listed and replayed; null: 30 days.'),
} satisfies Record<LimitName, z.ZodType>;

export const planLimits = z.strictObject(limitFields);
export type PlanLimits = Readonly<z.infer<typeof planLimits>>;

export const noLimits = Object.fromEntries(limitNames.map((name) => [name, null])) as unknown as PlanLimits;

const someLimits = z.strictObject(limitFields).partial();

/** The limits with those that are named in their place. */
export function withLimits(base: PlanLimits, named: z.infer<typeof someLimits>): PlanLimits {
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return { ...base, ...(Object.fromEntries(given) as Partial<PlanLimits>) };
}

export const features = z
  .record(slug, z.boolean())
  .refine((flags) => Object.keys(flags).length <= MaxFlags, `at most ${MaxFlags} flags`);
export type Features = Readonly<z.infer<typeof features>>;

export const createPlan = z.strictObject({
  id: slug,
  name: z.string().trim().min(1).max(100),
  features: features.default({}),
  limits: someLimits.default({}).transform((given) => withLimits(noLimits, given)),
});
export type CreatePlan = z.infer<typeof createPlan>;

export const updatePlan = z.strictObject({
  name: z.string().trim().min(1).max(100).optional(),
  features: features.optional().describe('All flags anew.'),
  limits: someLimits.optional().describe('Those that are named; the others stay.'),
});
export type UpdatePlan = z.infer<typeof updatePlan>;

export const plan = z.object({
  object: z.literal('plan'),
  id: z.string(),
  name: z.string(),
  features,
  limits: planLimits,
  created_at: isoTime,
  updated_at: isoTime,
});
export type Plan = Readonly<z.infer<typeof plan>>;

export const deletedPlan = z.object({ object: z.literal('plan.deleted'), id: z.string(), deleted: z.literal(true) });

/** Where one tenant departs from its plan. */
export const planOverrides = z.strictObject({ features: features.default({}), limits: someLimits.default({}) });
export type PlanOverrides = z.infer<typeof planOverrides>;

/** What a tenant's object knows of its tenant: who it is, and what is in force for it. */
export type TenantProfile = {
  readonly slug: string;
  readonly name: string;
  readonly region: string | null;
  readonly createdAt: number;
  readonly plan: { readonly id: string; readonly name: string };
  readonly features: Features;
  readonly limits: PlanLimits;
};

/** The plan with its overrides, as it is in force. */
export function inForce(
  of: Pick<Plan, 'features' | 'limits'>,
  overrides: PlanOverrides,
): Pick<TenantProfile, 'features' | 'limits'> {
  return {
    features: { ...of.features, ...overrides.features },
    limits: withLimits(of.limits, overrides.limits),
  };
}
