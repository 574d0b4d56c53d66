/** All SQL about closed invoices, credits, and how far a tenant's billing has come. */
import { toIso } from '../../shared/core/clock.ts';
import type { Credit, GrantCredit, Invoice } from '../../shared/contracts/billing.ts';

type StateName = 'open_month' | 'storage_hour' | 'usage_pushed_at';

export class InvoiceStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(invoice: Invoice, closedAt: number): void {
    this.#sql.exec(
      'INSERT INTO invoices (month, id, document, credit_micros, closed_at) VALUES (?, ?, ?, ?, ?)',
      invoice.month,
      invoice.id,
      JSON.stringify(invoice),
      invoice.credit_micros,
      closedAt,
    );
  }

  find(ref: string): Invoice | undefined {
    return this.#sql
      .exec<{ document: string }>('SELECT document FROM invoices WHERE id = ? OR month = ?', ref, ref)
      .toArray()
      .map(({ document }) => JSON.parse(document) as Invoice)[0];
  }

  /** Closed ones before a month, the newest first. */
  list(beforeMonth: string, limit: number): Invoice[] {
    return this.#sql
      .exec<{ document: string }>(
        'SELECT document FROM invoices WHERE month < ? ORDER BY month DESC LIMIT ?',
        beforeMonth,
        limit,
      )
      .toArray()
      .map(({ document }) => JSON.parse(document) as Invoice);
  }

  /** One that the operator has no copy of yet. */
  findUnarchived(): Invoice | undefined {
    return this.#sql
      .exec<{ document: string }>('SELECT document FROM invoices WHERE archived = 0 ORDER BY month LIMIT 1')
      .toArray()
      .map(({ document }) => JSON.parse(document) as Invoice)[0];
  }

  markArchived(month: string): void {
    this.#sql.exec('UPDATE invoices SET archived = 1 WHERE month = ?', month);
  }

  findCredit(reference: string): Credit | undefined {
    const row = this.#sql
      .exec<Omit<Credit, 'object' | 'granted_at'> & { granted_at: number }>(
        'SELECT id, amount_micros, reference, reason, granted_at FROM credits WHERE reference = ?',
        reference,
      )
      .toArray()[0];
    return row && { object: 'credit', ...row, granted_at: toIso(row.granted_at) };
  }

  addCredit(id: string, credit: GrantCredit, now: number): void {
    this.#sql.exec(
      'INSERT INTO credits VALUES (?, ?, ?, ?, ?)',
      credit.reference,
      id,
      credit.amount_micros,
      credit.reason,
      now,
    );
  }

  /** Granted and not yet used by a closed invoice. */
  creditLeft(): number {
    return this.#sql
      .exec<{ left: number }>(
        `SELECT (SELECT COALESCE(SUM(amount_micros), 0) FROM credits)
              - (SELECT COALESCE(SUM(credit_micros), 0) FROM invoices) AS left`,
      )
      .one().left;
  }

  state(name: StateName): string | undefined {
    return this.#sql.exec<{ value: string }>('SELECT value FROM billing_state WHERE name = ?', name).toArray()[0]
      ?.value;
  }

  setState(name: StateName, value: string): void {
    this.#sql.exec(
      'INSERT INTO billing_state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      name,
      value,
    );
  }
}
