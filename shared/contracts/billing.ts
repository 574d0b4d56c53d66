/** What is counted, at which price, under which terms, and the invoices that come of it. Money is integer micro-USD. */
import { z } from 'zod';
import { isId } from '../core/ids.ts';
import type { PriceAudience } from '../core/price-scope.ts';
import { isoTime } from './common.ts';

/** Everything that is counted: in which whole unit, and for how many of them a price is. */
export const skuUnits = {
  input_tokens: { unit: 'token', per: 1_000_000 },
  cached_input_tokens: { unit: 'token', per: 1_000_000 },
  output_tokens: { unit: 'token', per: 1_000_000 },
  embedding_tokens: { unit: 'token', per: 1_000_000 },
  audio_seconds: { unit: 'millisecond', per: 1_000_000 },
  speech_characters: { unit: 'character', per: 1_000_000 },
  tool_calls: { unit: 'call', per: 1 },
  job_minutes: { unit: 'millisecond', per: 60_000 },
  storage_gb_hours: { unit: 'byte_hour', per: 1_000_000_000 },
  egress_bytes: { unit: 'byte', per: 1_000_000_000 },
  gpu_seconds: { unit: 'millisecond', per: 1_000 },
} as const;

export const skus = Object.keys(skuUnits) as Sku[];
export type Sku = keyof typeof skuUnits;
export const sku = z.enum(skus as [Sku, ...Sku[]]);
/** What a model's price is for, as its runs count it. */
export const modelSkus = [
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'embedding_tokens',
  'audio_seconds',
  'speech_characters',
] as const;
export const meteredSkus = ['tool_calls', 'job_minutes', 'storage_gb_hours', 'egress_bytes', 'gpu_seconds'] as const;
export const meteredSku = z.enum(meteredSkus);
export type MeteredSku = z.infer<typeof meteredSku>;

/** Beyond what anybody is charged, and far inside the safe integers. */
const MaxMicros = 1_000_000_000_000;
const unitMicros = z.number().int().min(0).max(MaxMicros);
export const quantity = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const basisPoints = z.number().int().min(0).max(100_000);

/** Units from the `from`-th on, up to but without the `to`-th of the month, cost this instead of the price itself. */
export const tier = z.strictObject({
  from: quantity,
  to: quantity.nullable().describe('Null: without end.'),
  unit_price_micros: unitMicros,
});
export type Tier = Readonly<z.infer<typeof tier>>;

export const tiers = z
  .array(tier)
  .max(20)
  .superRefine((list, context) => {
    for (const [at, { from, to }] of list.entries()) {
      const before = list[at - 1];
      if (to !== null && to <= from)
        context.addIssue({ code: 'custom', path: [at, 'to'], message: 'must be above `from`' });
      if (before && (before.to === null || before.to > from))
        context.addIssue({ code: 'custom', path: [at, 'from'], message: 'overlaps with the tier before it' });
    }
  });

/** A tier is a discount: what is charged can then never be more than what was reserved. */
export function findDearTier(list: readonly Tier[] | undefined, price: number): number {
  return (list ?? []).findIndex((each) => each.unit_price_micros > price);
}

export const tenantRef = z
  .custom<string>((value) => isId('tenant', value), "must be a tenant's id (tnt_…)")
  .meta({ type: 'string' });
export const planName = z.string().trim().min(1).max(40);

/** For whom a price is: one tenant, the tenants of one plan, or everybody. The most specific one counts. */
export const priceAudience = {
  plan: planName.nullable().default(null),
  tenant: tenantRef.nullable().default(null),
};

export const setRate = z
  .strictObject({
    sku: meteredSku,
    unit_price_micros: unitMicros.describe('For as many units as `per` of the answer says.'),
    ...priceAudience,
    tiers: tiers.default([]),
  })
  .superRefine(checkAudience)
  .superRefine(({ tiers: list, unit_price_micros: price }, context) => {
    const dear = findDearTier(list, price);
    if (dear >= 0) context.addIssue({ code: 'custom', path: ['tiers', dear], message: 'is above the price itself' });
  });
export type SetRate = z.infer<typeof setRate>;

export function checkAudience({ plan, tenant }: PriceAudience, context: z.RefinementCtx): void {
  if (plan !== null && tenant !== null)
    context.addIssue({ code: 'custom', path: ['plan'], message: 'name a plan or a tenant, not both' });
}

export const rate = z.object({
  object: z.literal('rate'),
  id: z.string(),
  sku: meteredSku,
  unit: z.string(),
  per: z.number().int(),
  unit_price_micros: z.number().int(),
  plan: z.string().nullable(),
  tenant: z.string().nullable(),
  tiers: z.array(tier),
  effective_from: isoTime,
});
export type Rate = z.infer<typeof rate>;

const included = z.partialRecord(sku, quantity);

export const setPlanTerms = z.strictObject({
  plan: planName,
  platform_fee_micros: z.number().int().min(0).max(MaxMicros).default(0).describe('For a calendar month.'),
  included: included.default({}).describe('Units of each SKU that the fee pays for, a month.'),
});
export type SetPlanTerms = z.infer<typeof setPlanTerms>;
export const planTerms = z.object({
  object: z.literal('plan_terms'),
  id: z.string(),
  plan: z.string(),
  platform_fee_micros: z.number().int(),
  included,
  effective_from: isoTime,
});
export type PlanTerms = z.infer<typeof planTerms>;

export const setTenantTerms = z.strictObject({
  markup_bps: basisPoints.default(0).describe("A reseller's mark-up in hundredths of a percent."),
  tax_bps: basisPoints.default(0),
  tax_label: z.string().trim().max(100).nullable().default(null),
});
export type SetTenantTerms = z.infer<typeof setTenantTerms>;
export const tenantTerms = z.object({
  object: z.literal('tenant_terms'),
  id: z.string(),
  tenant: z.string(),
  markup_bps: z.number().int(),
  tax_bps: z.number().int(),
  tax_label: z.string().nullable(),
  effective_from: isoTime,
});
export type TenantTerms = z.infer<typeof tenantTerms>;

const reference = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'letters, digits, dots, hyphens and underscores, at most 64');
const reason = z.string().trim().min(1).max(300);

export const grantCredit = z.strictObject({
  amount_micros: z.number().int().min(1).max(MaxMicros),
  reference: reference.describe("The operator's own name of the credit: granted once, however often it is sent."),
  reason,
});
export type GrantCredit = z.infer<typeof grantCredit>;
export const credit = z.object({
  object: z.literal('credit'),
  id: z.string(),
  amount_micros: z.number().int(),
  reference: z.string(),
  reason: z.string(),
  granted_at: isoTime,
});
export type Credit = z.infer<typeof credit>;

export const correctEntry = z.strictObject({
  entry: z.string().min(1).max(200).describe('The id of the entry that is wrong.'),
  quantity: quantity.describe('What it should have said.'),
  reason,
});
export type CorrectEntry = z.infer<typeof correctEntry>;

/** One entry of the ledger in its general form; a run's receipt has one for each kind of its tokens. */
export const billingEntry = z.object({
  object: z.literal('entry'),
  id: z.string(),
  kind: z.enum(['receipt', 'meter', 'correction']),
  corrects: z.string().nullable(),
  reason: z.string().nullable(),
  sku,
  unit: z.string(),
  quantity: z.number().int(),
  unit_price_micros: z.number().int().nullable(),
  per: z.number().int(),
  price_id: z.string().nullable(),
  cost_micros: z.number().int(),
  month: z.string().describe('The month whose invoice has it.'),
  key_id: z.string().nullable(),
  user_id: z.string().nullable(),
  agent: z.string().nullable(),
  project: z.string().nullable(),
  environment: z.string().nullable(),
  model: z.string().nullable(),
  node: z.string().nullable(),
  occurred_at: isoTime,
  entered_at: isoTime,
});
export type BillingEntry = z.infer<typeof billingEntry>;

/** What the parts of the platform count, and hand to the tenant's ledger. Told again under the same id, it counts once. */
export type MeterReading = {
  readonly id: string;
  readonly sku: MeteredSku;
  readonly quantity: number;
  readonly occurredAt: number;
  readonly keyId?: string | null;
  readonly userId?: string | null;
  readonly agent?: string | null;
  readonly project?: string | null;
  readonly environment?: string | null;
  readonly model?: string | null;
  readonly node?: string | null;
};

export const month = z.string().regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, 'a month like 2026-11');

export const closeInvoice = z.strictObject({ tenant: tenantRef, month });

const usageSum = {
  sku,
  model: z.string().nullable(),
  price_id: z.string().nullable(),
  unit: z.string(),
  unit_price_micros: z.number().int().nullable(),
  per: z.number().int(),
  period: z.string().describe('The month in which it was used: an earlier one where its receipt came late.'),
  quantity: z.number().int(),
  entries: z.number().int(),
  amount_micros: z.number().int(),
};
/** The sum of some entries of the ledger: those that share all of these. */
export const ledgerSum = z.object(usageSum);
export type LedgerSum = Readonly<z.infer<typeof ledgerSum>>;

export const invoiceLine = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('usage'), ...usageSum }),
  z.object({
    kind: z.enum(['included', 'tier']),
    sku,
    model: z.string().nullable(),
    price_id: z.string().nullable(),
    period: z.string(),
    quantity: z.number().int(),
    amount_micros: z.number().int(),
  }),
  z.object({
    kind: z.enum(['platform_fee', 'markup', 'credit', 'tax']),
    label: z.string(),
    amount_micros: z.number().int(),
  }),
]);
export type InvoiceLine = Readonly<z.infer<typeof invoiceLine>>;

/** The terms that an invoice was made by: with its lines of usage they give every other line. */
export const invoiceTerms = z.object({
  plan: z.string(),
  platform_fee_micros: z.number().int(),
  included,
  tiers: z.array(z.object({ price_id: z.string(), sku, unit_price_micros: z.number().int(), tiers: z.array(tier) })),
  markup_bps: z.number().int(),
  tax_bps: z.number().int(),
  tax_label: z.string().nullable(),
  credit_available_micros: z.number().int(),
});
export type InvoiceTerms = Readonly<z.infer<typeof invoiceTerms>>;

const invoiceHead = {
  object: z.literal('invoice'),
  id: z.string(),
  tenant: z.string(),
  month: z.string(),
  status: z.enum(['draft', 'closed']),
  currency: z.literal('USD'),
  usage_micros: z.number().int().describe('What the ledger says: the sum of the lines of usage.'),
  discount_micros: z.number().int().describe('Included quantities and tiers.'),
  platform_fee_micros: z.number().int(),
  markup_micros: z.number().int(),
  credit_micros: z.number().int(),
  tax_micros: z.number().int(),
  total_micros: z.number().int(),
  closed_at: isoTime.nullable(),
};
export const invoiceSummary = z.object(invoiceHead);
export type InvoiceSummary = z.infer<typeof invoiceSummary>;
export const invoice = z.object({ ...invoiceHead, terms: invoiceTerms, lines: z.array(invoiceLine) });
export type Invoice = z.infer<typeof invoice>;

export function toSummary(whole: Invoice): InvoiceSummary {
  const { terms: _, lines: __, ...head } = whole;
  return head;
}
