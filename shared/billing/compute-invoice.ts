/**
 * An invoice out of sums of the ledger and the terms in force. Pure, and the same code for the platform and for who
 * checks an invoice offline. Lines of usage are the ledger's own sums; everything else is worked out here, in this order:
 * included quantities, tiers, platform fee, mark-up, credits, tax. Each is rounded once, to the nearest micro, half up.
 */
import { createHash } from 'node:crypto';
import { mintId, type Id } from '../core/ids.ts';
import { computeShare } from '../core/money.ts';
import { monthStart, type Month } from '../core/month.ts';
import {
  skus,
  type Invoice,
  type InvoiceLine,
  type InvoiceTerms,
  type LedgerSum,
  type Sku,
  type Tier,
} from '../contracts/billing.ts';

export const BasisPoints = 10_000;

/** One invoice a tenant and month, so its id is made of both, and a draft has it already. */
export function invoiceIdOf(tenant: string, month: Month): Id<'invoice'> {
  const digest = createHash('sha256').update(`${tenant} ${month}`).digest();
  return mintId('invoice', monthStart(month), (bytes) => {
    bytes.set(digest.subarray(0, bytes.length));
    return bytes;
  });
}

export function computeInvoice(
  tenant: string,
  month: Month,
  sums: readonly LedgerSum[],
  terms: InvoiceTerms,
  closedAt: string | null,
): Invoice {
  const usage = sums.toSorted(bySku);
  const discounts = computeDiscounts(usage, terms);
  const usageMicros = total(usage);
  const discountMicros = 0 - total(discounts);
  const fee = terms.platform_fee_micros;
  const markup = computeShare(usageMicros - discountMicros + fee, terms.markup_bps, BasisPoints);
  const due = usageMicros - discountMicros + fee + markup;
  const credit = Math.min(due, terms.credit_available_micros);
  const tax = computeShare(due - credit, terms.tax_bps, BasisPoints);
  const line = (kind: 'platform_fee' | 'markup' | 'credit' | 'tax', label: string, amount: number): InvoiceLine[] =>
    amount === 0 ? [] : [{ kind, label, amount_micros: amount }];
  return {
    object: 'invoice',
    id: invoiceIdOf(tenant, month),
    tenant,
    month,
    status: closedAt === null ? 'draft' : 'closed',
    currency: 'USD',
    usage_micros: usageMicros,
    discount_micros: discountMicros,
    platform_fee_micros: fee,
    markup_micros: markup,
    credit_micros: credit,
    tax_micros: tax,
    total_micros: due - credit + tax,
    closed_at: closedAt,
    terms,
    lines: [
      ...usage.map((sum) => ({ kind: 'usage', ...sum }) as const),
      ...discounts,
      ...line('platform_fee', `Plan ${terms.plan}`, fee),
      ...line('markup', `Mark-up of ${percent(terms.markup_bps)}`, markup),
      ...line('credit', 'Credits', -credit),
      ...line('tax', `${terms.tax_label ?? 'Tax'} ${percent(terms.tax_bps)}`, tax),
    ],
  };
}

/**
 * What is included is taken off first, in the order of the lines. Tiers count what is left of the month, all models and
 * periods of one price together.
 */
function computeDiscounts(usage: readonly LedgerSum[], terms: InvoiceTerms): InvoiceLine[] {
  const left = new Map<Sku, number>(Object.entries(terms.included) as [Sku, number][]);
  const counted = new Map<object, number>();
  return usage.flatMap((sum) => {
    const { sku, model, price_id, period, quantity, amount_micros: amount } = sum;
    const free = Math.min(quantity, left.get(sku) ?? 0);
    left.set(sku, (left.get(sku) ?? 0) - free);
    const gift = free === 0 ? 0 : computeShare(amount, free, quantity);
    const tiered = terms.tiers.find((each) => each.price_id === price_id && each.sku === sku);
    let saved = 0;
    if (tiered) {
      const from = counted.get(tiered) ?? 0;
      const to = from + quantity - free;
      counted.set(tiered, to);
      saved = computeTierDiscount(tiered.tiers, tiered.unit_price_micros, { from, to }, sum.per);
    }
    const cut = Math.min(saved, amount - gift);
    const discount = (kind: 'included' | 'tier', units: number, micros: number): InvoiceLine[] =>
      micros === 0 ? [] : [{ kind, sku, model, price_id, period, quantity: units, amount_micros: -micros }];
    return [...discount('included', free, gift), ...discount('tier', quantity - free, cut)];
  });
}

/** How much less than the plain price the units of a range cost by graduated tiers. */
export function computeTierDiscount(
  tiers: readonly Tier[],
  unitMicros: number,
  range: { readonly from: number; readonly to: number },
  per: number,
): number {
  const exact = tiers.reduce((sum, tier) => {
    const units = Math.min(range.to, tier.to ?? range.to) - Math.max(range.from, tier.from);
    return units > 0 ? sum + BigInt(units) * BigInt(unitMicros - tier.unit_price_micros) : sum;
  }, 0n);
  return computeShare(exact, 1, per);
}

function total(lines: readonly { readonly amount_micros: number }[]): number {
  return lines.reduce((sum, line) => sum + line.amount_micros, 0);
}

function bySku(a: LedgerSum, b: LedgerSum): number {
  return skus.indexOf(a.sku) - skus.indexOf(b.sku) || compare(keyOf(a), keyOf(b));
}

function keyOf({ model, price_id, period, unit_price_micros: unit }: LedgerSum): string {
  return JSON.stringify([period, model, price_id, unit]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function percent(basisPoints: number): string {
  return `${basisPoints / 100} %`;
}
