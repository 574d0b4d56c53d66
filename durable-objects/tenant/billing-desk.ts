/**
 * The desk of a tenant's billing: what is metered, asked and done over RPC. A correction, a credit and the closing of a
 * month are one with their entries in the audit trail.
 */
import { RpcTarget } from 'cloudflare:workers';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type {
  BillingEntry,
  CorrectEntry,
  Credit,
  GrantCredit,
  Invoice,
  InvoiceSummary,
  MeterReading,
  TenantTerms,
} from '../../shared/contracts/billing.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { OwnPrice } from '../../shared/contracts/tenants.ts';
import type { EntryFilter, ExportPage, ExportPlace } from '../../shared/contracts/usage.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { Billing, BillingBook } from './billing.ts';
import type { LedgerStore } from './ledger-store.ts';

const ExportPageSize = 500;

export type BillingDeskDeps = {
  readonly billing: Billing;
  readonly ledger: LedgerStore;
  readonly trail: AuditTrail;
  readonly book: () => Promise<Result<BillingBook>>;
  readonly prices: () => Promise<Result<OwnPrice[]>>;
  readonly now: () => number;
  /** Runs work as one transaction. */
  readonly transact: <T>(work: () => T) => T;
  /** Whether there is such a tenant at all. */
  readonly exists: () => boolean;
  /** Something is due that was not. */
  readonly arm: () => Promise<void>;
};

const noTenant = () => err('not_found', 'There is no such tenant.');

export class BillingDesk extends RpcTarget {
  readonly #deps: BillingDeskDeps;

  constructor(deps: BillingDeskDeps) {
    super();
    this.#deps = deps;
  }

  /** Counts what is not a run on a model. Idempotent by the readings' ids; says how many were new. */
  async meter(readings: readonly MeterReading[]): Promise<Result<number>> {
    const { billing, now, transact, exists, arm } = this.#deps;
    if (!exists()) return noTenant();
    const entered = transact(() => billing.meter(readings, now()));
    await arm();
    return ok(entered);
  }

  correct(change: CorrectEntry, actor: AuditActor): Result<BillingEntry> {
    const { billing, trail, now, exists } = this.#deps;
    if (!exists()) return noTenant();
    return trail.change(
      actor,
      'entry.corrected',
      () => billing.correct(change, now()),
      ({ id, quantity, cost_micros }) => ({ target: change.entry, details: { correction: id, quantity, cost_micros } }),
    );
  }

  grantCredit(credit: GrantCredit, actor: AuditActor): Result<Credit> {
    const { billing, trail, now, exists } = this.#deps;
    if (!exists()) return noTenant();
    const known = billing.invoices.findCredit(credit.reference) !== undefined;
    return trail.change(
      actor,
      'credit.granted',
      () => billing.grantCredit(credit, now()),
      ({ id, amount_micros }) => (known ? undefined : { target: id, details: { amount_micros } }),
    );
  }

  /** The terms are in D1; that they were changed is on this tenant's trail. */
  noteTerms({ id, markup_bps, tax_bps }: TenantTerms, actor: AuditActor): Result<undefined> {
    if (!this.#deps.exists()) return noTenant();
    this.#deps.trail.enter(actor, 'terms.changed', { target: id, details: { markup_bps, tax_bps } });
    return ok();
  }

  async close(month: string, actor: AuditActor): Promise<Result<Invoice>> {
    const { billing, trail, book, now, exists, arm } = this.#deps;
    if (!exists()) return noTenant();
    const read = await book();
    if (!read.ok) return read;
    const closed = trail.change(
      actor,
      'invoice.closed',
      () => billing.close(month, read.value, now()),
      ({ id, total_micros }) => ({ target: id, details: { month, total_micros } }),
    );
    await arm();
    return closed;
  }

  /** What counts for this tenant now. */
  prices(): Promise<Result<OwnPrice[]>> {
    return this.#deps.exists() ? this.#deps.prices() : Promise.resolve(noTenant());
  }

  async invoice(ref: string): Promise<Result<Invoice>> {
    const read = await this.#rated();
    return read.ok ? this.#deps.billing.invoice(ref, read.value, this.#deps.now()) : read;
  }

  async invoices(limit: number, cursor: string | undefined): Promise<Result<List<InvoiceSummary>>> {
    const read = await this.#rated();
    return read.ok ? ok(this.#deps.billing.list(limit, cursor, read.value, this.#deps.now())) : read;
  }

  /** Entries in their general form, by id: what was used, for other systems. */
  entries(filter: EntryFilter, after: string, limit: number): BillingEntry[] {
    return this.#deps.billing.entries.page(filter, after, limit, true);
  }

  /** A page of the export: receipts, then what else was entered, then the signed batches of the receipts. */
  async exportPage(filter: EntryFilter, place: ExportPlace): Promise<Result<ExportPage>> {
    if (place.part === 'receipts' && place.after === '') {
      const read = await this.#rated();
      if (!read.ok) return read;
    }
    const { ledger, billing } = this.#deps;
    const { part, after } = place;
    const lines =
      part === 'receipts'
        ? ledger.page(filter, after, ExportPageSize)
        : part === 'entries'
          ? billing.entries.page(filter, after, ExportPageSize, false)
          : ledger.batches(filter, Number(after), ExportPageSize);
    const next = ({ receipts: 'entries', entries: 'batches', batches: undefined } as const)[part];
    if (lines.length === ExportPageSize) return ok({ lines, next: { part, after: String(lines.at(-1)!.id) } });
    return ok({ lines, next: next && { part: next, after: next === 'batches' ? '0' : '' } });
  }

  /** The terms, with everything priced that was entered: what is shown is what an invoice would say. */
  async #rated(): Promise<Result<BillingBook>> {
    const { billing, book, transact, exists } = this.#deps;
    if (!exists()) return noTenant();
    const read = await book();
    if (read.ok) transact(() => billing.rate(read.value));
    return read;
  }
}
