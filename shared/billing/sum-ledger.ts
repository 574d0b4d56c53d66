/** The ledger in its general form out of its own lines, and its sums: what an invoice's lines of usage have to say. */
import { splitTokenCost } from '../core/money.ts';
import { monthOf } from '../core/month.ts';
import { skuUnits, type BillingEntry, type LedgerSum, type Sku } from '../contracts/billing.ts';
import type { JobOperation } from '../contracts/inference.ts';
import type { LedgerEntry } from '../contracts/usage.ts';

/** What the input of an operation is counted as, where not as `input_tokens`; the view `entries` says the same in SQL. */
const inputSkus: { readonly [Operation in JobOperation]?: Sku } = {
  embeddings: 'embedding_tokens',
  transcription: 'audio_seconds',
  speech: 'speech_characters',
};

/** What one entry adds to a sum. */
export type LedgerPart = {
  readonly id: string;
  readonly sku: Sku;
  readonly model: string | null;
  readonly priceId: string | null;
  readonly unitMicros: number | null;
  readonly period: string;
  readonly quantity: number;
  readonly costMicros: number;
};

/** A receipt has one part for each kind of its tokens. Without its price, the whole cost stands on the input. */
export function partsOfReceipt(receipt: LedgerEntry): LedgerPart[] {
  const { id, model, price, cost_micros: cost, price_id: priceId, output_tokens: output } = receipt;
  const cached = Math.min(receipt.cached_input_tokens, receipt.input_tokens);
  const tokens = { input: receipt.input_tokens, cached: receipt.cached_input_tokens, output };
  const costs = price ? splitTokenCost(price, tokens, cost) : { input: cost, cached: 0, output: 0 };
  const period = monthOf(Date.parse(receipt.finished_at));
  const part = (
    name: string,
    sku: Sku,
    quantity: number,
    unit: number | undefined,
    costMicros: number,
  ): LedgerPart => ({
    id: `${id}.${name}`,
    sku,
    model,
    priceId,
    unitMicros: unit ?? null,
    period,
    quantity,
    costMicros,
  });
  const inputSku = inputSkus[receipt.operation] ?? 'input_tokens';
  const input = part('input', inputSku, tokens.input - cached, price?.input_micros_per_mtok, costs.input);
  return [
    input,
    ...(tokens.cached > 0
      ? [part('cached', 'cached_input_tokens', cached, price?.cached_input_micros_per_mtok, costs.cached)]
      : []),
    ...(output > 0 ? [part('output', 'output_tokens', output, price?.output_micros_per_mtok, costs.output)] : []),
  ];
}

export function partOfEntry(entry: BillingEntry): LedgerPart {
  return {
    id: entry.id,
    sku: entry.sku,
    model: entry.model,
    priceId: entry.price_id,
    unitMicros: entry.unit_price_micros,
    period: monthOf(Date.parse(entry.occurred_at)),
    quantity: entry.quantity,
    costMicros: entry.cost_micros,
  };
}

export function sumParts(parts: readonly LedgerPart[]): LedgerSum[] {
  const groups = Map.groupBy(parts, ({ sku, model, priceId, unitMicros, period }) =>
    JSON.stringify([sku, model, priceId, unitMicros, period]),
  );
  return [...groups.values()].map((group) => {
    const { sku, model, priceId, unitMicros, period } = group[0]!;
    return {
      sku,
      model,
      price_id: priceId,
      ...skuUnits[sku],
      unit_price_micros: unitMicros,
      period,
      quantity: group.reduce((sum, { quantity }) => sum + quantity, 0),
      entries: group.length,
      amount_micros: group.reduce((sum, { costMicros }) => sum + costMicros, 0),
    };
  });
}
