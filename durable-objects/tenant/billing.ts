/**
 * A tenant's billing: which month an entry belongs to, what it costs, and the invoice of a month. Every entry is in
 * exactly one invoice, that of the month it was used in, or of the first month still open where that one is closed: so
 * the invoices together are the ledger. A closed month never changes. Knows no platform; what it needs of D1 it is given.
 */
import { mintId } from '../../shared/core/ids.ts';
import { toIso } from '../../shared/core/clock.ts';
import { computeQuantityCost } from '../../shared/core/money.ts';
import { monthEnd, monthOf, nextMonth, type Month } from '../../shared/core/month.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { computeInvoice } from '../../shared/billing/compute-invoice.ts';
import {
  toSummary,
  type BillingEntry,
  type CorrectEntry,
  type Credit,
  type GrantCredit,
  type Invoice,
  type InvoiceSummary,
  type InvoiceTerms,
  type LedgerSum,
  type MeterReading,
  type Rate,
} from '../../shared/contracts/billing.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import { priceOfSku, type Price } from '../../shared/contracts/tenants.ts';
import type { BillingTerms } from '../../shared/store/terms-book.ts';
import { EntryStore } from './entry-store.ts';
import { InvoiceStore } from './invoice-store.ts';

/** A month is closed so long after its end, that late receipts still find it open. */
export const CloseGraceMs = 72 * 60 * 60 * 1000;
const HourMs = 60 * 60 * 1000;
const MaxDrafts = 12;
const RateBatch = 500;

/** What D1 says, read before anything is decided: versions that are never changed. */
export type BillingBook = { readonly terms: BillingTerms; readonly tiered: readonly Price[] };

export class Billing {
  readonly entries: EntryStore;
  readonly invoices: InvoiceStore;
  readonly #tenant: string;

  constructor(tenant: string, sql: SqlStorage) {
    this.#tenant = tenant;
    this.entries = new EntryStore(sql);
    this.invoices = new InvoiceStore(sql);
  }

  /** From when on there is something to bill. Once; later calls change nothing. */
  begin(now: number): void {
    if (this.invoices.state('open_month') !== undefined) return;
    const first = this.entries.firstMonth();
    this.invoices.setState('open_month', first ?? monthOf(now));
    this.invoices.setState('storage_hour', String(Math.floor(now / HourMs)));
    this.invoices.setState('usage_pushed_at', first === undefined ? String(now) : '0');
  }

  /** The first month that is not closed. */
  openMonth(now: number): Month {
    this.begin(now);
    return this.invoices.state('open_month')!;
  }

  /** The month whose invoice has what was used at `usedAt`: not a closed one, and none that a fast clock made up. */
  monthFor(usedAt: number, now: number, open: Month = this.openMonth(now)): Month {
    const latest = later(open, monthOf(now));
    return later(open, earlier(monthOf(usedAt), latest));
  }

  /** Enters what was counted; what is there already by its id stays as it is. Tells how much was new. */
  meter(readings: readonly MeterReading[], now: number): number {
    return readings.filter((reading) => {
      const usable = Number.isSafeInteger(reading.quantity) && reading.quantity >= 0;
      const { occurredAt } = reading;
      return usable && this.entries.meter(reading, this.monthFor(occurredAt, now), monthOf(occurredAt), now);
    }).length;
  }

  /** Prices what is entered and has no price yet, each by the version in force when it was used. */
  rate({ terms }: BillingBook): void {
    for (let batch = this.entries.unrated(RateBatch); batch.length > 0; batch = this.entries.unrated(RateBatch)) {
      for (const { id, sku, quantity, occurredAt } of batch) {
        const rate = rateAt(terms.rates, sku, occurredAt);
        const price = rate && { id: rate.id, unitMicros: rate.unit_price_micros };
        this.entries.rate(id, price, rate ? computeQuantityCost(quantity, rate.unit_price_micros, rate.per) : 0);
      }
    }
  }

  /** A correction is an entry of its own, in the month of what it corrects; it says how much is to be added. */
  correct({ entry: ref, quantity, reason }: CorrectEntry, now: number): Result<BillingEntry> {
    const entry = this.entries.find(ref);
    if (!entry) return err('not_found', 'There is no such entry, or it has no price yet.', { param: 'entry' });
    const refuse = (message: string) => err('conflict', message, { param: 'entry' });
    if (entry.kind === 'correction') return refuse('A correction is not corrected; correct the entry that it names.');
    if (entry.month < this.openMonth(now)) {
      return refuse(`The month ${entry.month} is closed. Grant a credit instead.`);
    }
    const { unit_price_micros: unitMicros, per, cost_micros: cost } = entry;
    if (unitMicros === null && cost > 0) return refuse('The entry does not say its price, so it cannot be recomputed.');
    const before = this.entries.corrected(ref);
    if (quantity === before.quantity) return refuse(`The entry already says ${quantity}.`);
    const costMicros = computeQuantityCost(quantity, unitMicros ?? 0, per) - before.costMicros;
    const id = `${mintId('correction', now)}`;
    this.entries.correct(id, entry, { quantity: quantity - before.quantity, costMicros, reason }, now);
    const { period: _, ...made } = this.entries.find(id)!;
    return ok(made);
  }

  grantCredit(credit: GrantCredit, now: number): Result<Credit> {
    const known = this.invoices.findCredit(credit.reference);
    if (known?.amount_micros === credit.amount_micros) return ok(known);
    if (known) return err('conflict', 'Another credit has this reference.', { param: 'reference' });
    this.invoices.addCredit(mintId('credit', now), credit, now);
    return ok(this.invoices.findCredit(credit.reference)!);
  }

  /** An invoice by its id or month: as it was closed, or as it would be now. */
  invoice(ref: string, book: BillingBook, now: number): Result<Invoice> {
    const closed = this.invoices.find(ref);
    if (closed) return ok(closed);
    const draft = this.#openMonths(now).flatMap((month) => {
      const made = this.#compute(month, book, now, null);
      return made.id === ref || month === ref ? [made] : [];
    })[0];
    return draft ? ok(draft) : err('not_found', 'There is no such invoice.');
  }

  /** The newest first. `cursor`: the month before which the page begins. */
  list(limit: number, cursor: string | undefined, book: BillingBook, now: number): List<InvoiceSummary> {
    const drafts = this.#openMonths(now)
      .filter((month) => cursor === undefined || month < cursor)
      .map((month) => this.#compute(month, book, now, null));
    const closed = this.invoices.list(cursor ?? '~', limit + 1);
    return toList([...drafts, ...closed].map(toSummary).slice(0, limit + 1), limit, ({ month }) => month);
  }

  /** Closes a month for good. Months are closed in their order, and only when they are over. */
  close(month: Month, book: BillingBook, now: number): Result<Invoice> {
    const refuse = (message: string) => err('conflict', message, { param: 'month' });
    const open = this.openMonth(now);
    if (month < open) return refuse(`The month ${month} is closed already, or before this tenant's first.`);
    if (monthEnd(month) > now) return refuse(`The month ${month} is not over yet.`);
    if (month > open) return refuse(`The month ${open} is still open; close it first.`);
    this.rate(book);
    const invoice = this.#compute(month, book, now, toIso(now));
    this.invoices.add(invoice, now);
    this.invoices.setState('open_month', nextMonth(month));
    return ok(invoice);
  }

  /** When the first open month is to be closed. */
  closeDueAt(): number | undefined {
    const open = this.invoices.state('open_month');
    return open === undefined ? undefined : monthEnd(open) + CloseGraceMs;
  }

  #compute(month: Month, book: BillingBook, now: number, closedAt: string | null): Invoice {
    const sums = this.entries.sums(month);
    // Earlier drafts would use the credit first; it is shown where it will be used, in the first open month.
    const credit = closedAt !== null || month === this.openMonth(now) ? this.invoices.creditLeft() : 0;
    return computeInvoice(this.#tenant, month, sums, termsOf(month, book, sums, credit), closedAt);
  }

  /** The newest first. */
  #openMonths(now: number): Month[] {
    const months: Month[] = [];
    const last = later(this.openMonth(now), monthOf(now));
    for (let month = this.openMonth(now); month <= last && months.length < MaxDrafts; month = nextMonth(month)) {
      months.unshift(month);
    }
    return months;
  }
}

/** The terms in force at the end of the month. */
function termsOf(
  month: Month,
  { terms, tiered }: BillingBook,
  sums: readonly LedgerSum[],
  credit: number,
): InvoiceTerms {
  const end = monthEnd(month);
  const plan = terms.planTerms.find(({ effective_from }) => Date.parse(effective_from) < end);
  const own = terms.tenantTerms.find(({ effective_from }) => Date.parse(effective_from) < end);
  return {
    plan: terms.plan,
    platform_fee_micros: plan?.platform_fee_micros ?? 0,
    included: plan?.included ?? {},
    tiers: tiersOf(sums, terms.rates, tiered),
    markup_bps: own?.markup_bps ?? 0,
    tax_bps: own?.tax_bps ?? 0,
    tax_label: own?.tax_label ?? null,
    credit_available_micros: credit,
  };
}

function tiersOf(sums: readonly LedgerSum[], rates: readonly Rate[], tiered: readonly Price[]): InvoiceTerms['tiers'] {
  const used = new Map(sums.map(({ sku, price_id }) => [`${sku} ${price_id}`, { sku, price_id }]));
  return [...used.values()].flatMap(({ sku, price_id }) => {
    const rate = rates.find(({ id, tiers }) => id === price_id && tiers.length > 0);
    if (rate) return [{ price_id: rate.id, sku, unit_price_micros: rate.unit_price_micros, tiers: rate.tiers }];
    const price = tiered.find(({ id }) => id === price_id);
    const tiers = price && sku in price.tiers ? price.tiers[sku as keyof Price['tiers']] : undefined;
    return price && tiers
      ? [{ price_id: price.id, sku, unit_price_micros: priceOfSku(price, sku as 'input_tokens'), tiers }]
      : [];
  });
}

/** The rate in force then: the tenant's own, else its plan's, else everybody's. `rates` are sorted, the newest first. */
export function rateAt(rates: readonly Rate[], sku: string, at: number): Rate | undefined {
  const inForce = rates.filter((rate) => rate.sku === sku && Date.parse(rate.effective_from) <= at);
  return inForce.find(({ tenant }) => tenant !== null) ?? inForce.find(({ plan }) => plan !== null) ?? inForce.at(0);
}

function later(a: Month, b: Month): Month {
  return a > b ? a : b;
}

function earlier(a: Month, b: Month): Month {
  return a < b ? a : b;
}
