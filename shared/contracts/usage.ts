/** The usage ledger: one entry a run, out of a bridge's signed receipt. */
import { z } from 'zod';
import { isoTime } from './common.ts';
import { receiptOutcome } from './inference.ts';

export const usageGroup = z.enum(['key', 'agent', 'model', 'day']);
export type UsageGroup = z.infer<typeof usageGroup>;

export const usageQuery = z.object({
  group_by: usageGroup.default('day'),
  from: isoTime.optional(),
  to: isoTime.optional(),
});
export type UsageQuery = z.infer<typeof usageQuery>;

export const usageRow = z.object({
  object: z.literal('usage'),
  key_id: z.string().nullable().optional(),
  agent: z.string().nullable().optional(),
  model: z.string().optional(),
  day: z.string().optional(),
  requests: z.number().int(),
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  cost_micros: z.number().int(),
});
export type UsageRow = z.infer<typeof usageRow>;

export const ledgerEntry = z.object({
  object: z.literal('receipt'),
  id: z.string(),
  run: z.string(),
  key_id: z.string().nullable(),
  user_id: z.string().nullable().describe('The member or user who paid, where no key did.'),
  agent: z.string().nullable(),
  bridge: z.string(),
  node: z.string(),
  external: z.boolean(),
  model: z.string(),
  input_tokens: z.number().int(),
  cached_input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  counted_by: z.enum(['node', 'bridge']),
  outcome: receiptOutcome,
  price_id: z.string(),
  cost_micros: z.number().int(),
  started_at: isoTime,
  finished_at: isoTime,
});
export type LedgerEntry = z.infer<typeof ledgerEntry>;
