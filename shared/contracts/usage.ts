/** The usage ledger: one receipt a run, signed by its bridge, and readings of what else is counted. */
import { z } from 'zod';
import { billingEntry, month, sku, type BillingEntry } from './billing.ts';
import { isoTime, pageQuery } from './common.ts';
import { jobOperation, receiptOutcome } from './inference.ts';

export const usageGroup = z.enum([
  'key',
  'user',
  'agent',
  'project',
  'environment',
  'model',
  'node',
  'sku',
  'day',
  'hour',
]);
export type UsageGroup = z.infer<typeof usageGroup>;

export const usageQuery = z.object({
  group_by: usageGroup.default('day'),
  from: isoTime.optional(),
  to: isoTime.optional(),
});
export type UsageQuery = z.infer<typeof usageQuery>;

const name = z.string().nullable().optional();
const usageSums = {
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  cost_micros: z.number().int(),
};
export const usageRow = z.object({
  object: z.literal('usage'),
  key_id: name,
  user_id: name,
  agent: name,
  project: name,
  environment: name,
  model: name,
  node: name,
  sku: sku.optional(),
  unit: z.string().optional().describe('Of `quantity`, where the group is a SKU.'),
  quantity: z.number().int().optional(),
  day: z.string().optional(),
  hour: z.string().optional(),
  requests: z.number().int(),
  ...usageSums,
});
export type UsageRow = z.infer<typeof usageRow>;

export const operatorUsageGroup = z.enum(['tenant', 'day', 'model', 'sku']);
export type OperatorUsageGroup = z.infer<typeof operatorUsageGroup>;
export const operatorUsageQuery = z.object({
  group_by: operatorUsageGroup.default('tenant'),
  from: isoTime.optional(),
  to: isoTime.optional(),
});
export const operatorUsageRow = z.object({
  object: z.literal('usage'),
  tenant: z.string().optional(),
  day: z.string().optional(),
  model: z.string().optional().describe('Empty for what no model produced.'),
  sku: z.string().optional(),
  entries: z.number().int(),
  ...usageSums,
});
export type OperatorUsageRow = z.infer<typeof operatorUsageRow>;

export const ledgerEntry = z.object({
  object: z.literal('receipt'),
  id: z.string(),
  run: z.string(),
  key_id: z.string().nullable(),
  user_id: z.string().nullable().describe('The member or user who paid, where no key did.'),
  agent: z.string().nullable(),
  project: z.string().nullable(),
  environment: z.string().nullable(),
  bridge: z.string(),
  node: z.string(),
  external: z.boolean(),
  operation: jobOperation,
  model: z.string(),
  input_tokens: z.number().int(),
  cached_input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  counted_by: z.enum(['node', 'bridge']),
  outcome: receiptOutcome,
  price_id: z.string(),
  price: z
    .object({
      input_micros_per_mtok: z.number().int(),
      cached_input_micros_per_mtok: z.number().int(),
      output_micros_per_mtok: z.number().int(),
    })
    .nullable()
    .describe('What `price_id` says; null in the oldest receipts.'),
  cost_micros: z.number().int(),
  month: z.string().describe('The month whose invoice has it.'),
  batch: z.number().int().describe('The signed batch that it came in.'),
  started_at: isoTime,
  finished_at: isoTime,
  settled_at: isoTime,
});
export type LedgerEntry = z.infer<typeof ledgerEntry>;

export const exportQuery = z.object({
  from: isoTime.optional(),
  to: isoTime.optional(),
  month: month.optional().describe('What the invoice of this month has, whenever it was used.'),
});
export type ExportQuery = z.infer<typeof exportQuery>;

export const usageEventsQuery = pageQuery.extend({ from: isoTime.optional(), to: isoTime.optional() });

/** CloudEvents 1.0. */
export const usageEvent = z.object({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  time: isoTime,
  datacontenttype: z.literal('application/json'),
  data: billingEntry.omit({ object: true, id: true, occurred_at: true }),
});
export type UsageEvent = Readonly<z.infer<typeof usageEvent>>;

/** By when it was used, and by whose invoice has it. */
export type EntryFilter = { readonly fromMs: number; readonly toMs: number; readonly month: string | null };

export function toEntryFilter(query: ExportQuery): EntryFilter {
  return {
    fromMs: query.from === undefined ? 0 : Date.parse(query.from),
    toMs: query.to === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(query.to),
    month: query.month ?? null,
  };
}

/** A batch as its bridge signed it: a compact JWS over `receiptBatch`. */
export const receiptBatchRecord = z.object({
  object: z.literal('receipt_batch'),
  id: z.number().int(),
  bridge: z.string(),
  jws: z.string(),
});
export type ReceiptBatchRecord = z.infer<typeof receiptBatchRecord>;

/** The last line of an export: without it the export is cut. */
export const exportEnd = z.object({ object: z.literal('receipts.end'), lines: z.number().int() });

/** Where a page of an export goes on; undefined at its end. */
export type ExportPlace = { readonly part: 'receipts' | 'entries' | 'batches'; readonly after: string };
export type ExportPage = {
  readonly lines: readonly (LedgerEntry | BillingEntry | ReceiptBatchRecord)[];
  readonly next: ExportPlace | undefined;
};
