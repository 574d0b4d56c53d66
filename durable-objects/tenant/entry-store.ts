/**
 * All SQL about the ledger in its general form: one entry a SKU. What is metered is entered once by its id, and priced
 * once, by the version in force when it was used; the database itself refuses every other change.
 */
import { toIso } from '../../shared/core/clock.ts';
import {
  skuUnits,
  type BillingEntry,
  type LedgerSum,
  type MeterReading,
  type Sku,
} from '../../shared/contracts/billing.ts';
import type { EntryFilter, UsageGroup, UsageRow } from '../../shared/contracts/usage.ts';
import type { DailyUsage } from '../../shared/store/billing-archive.ts';

type EntryRow = Omit<
  BillingEntry,
  'object' | 'unit' | 'unit_price_micros' | 'agent' | 'month' | 'occurred_at' | 'entered_at'
> & {
  unit_micros: number | null;
  billed_month: string;
  period: string;
  agent_id: string | null;
  occurred_at: number;
  entered_at: number;
};
export type StoredEntry = BillingEntry & { readonly period: string };
export type UnratedEntry = {
  readonly id: string;
  readonly sku: Sku;
  readonly quantity: number;
  readonly occurredAt: number;
};
export type AppliedPrice = { readonly id: string; readonly unitMicros: number };

/** How a usage row names its group, and the SQL that computes it. Literals only: nothing of a request gets in here. */
const groupings: Record<UsageGroup, { readonly member: keyof UsageRow; readonly sql: string }> = {
  key: { member: 'key_id', sql: 'key_id' },
  user: { member: 'user_id', sql: 'user_id' },
  agent: { member: 'agent', sql: 'agent_id' },
  project: { member: 'project', sql: 'project' },
  environment: { member: 'environment', sql: 'environment' },
  model: { member: 'model', sql: 'model' },
  node: { member: 'node', sql: 'node' },
  sku: { member: 'sku', sql: 'sku' },
  day: { member: 'day', sql: "strftime('%Y-%m-%d', occurred_at / 1000, 'unixepoch')" },
  hour: { member: 'hour', sql: "strftime('%Y-%m-%dT%H:00:00Z', occurred_at / 1000, 'unixepoch')" },
};

export class EntryStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** False where there is an entry of this id already. */
  meter(reading: MeterReading, month: string, period: string, now: number): boolean {
    const { rowsWritten } = this.#sql.exec(
      `INSERT OR IGNORE INTO meter_entries (id, kind, sku, quantity, per, billed_month, period, key_id, user_id, agent_id,
         project, environment, model, node, occurred_at, entered_at)
       VALUES (?, 'meter', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      reading.id,
      reading.sku,
      reading.quantity,
      skuUnits[reading.sku].per,
      month,
      period,
      reading.keyId ?? null,
      reading.userId ?? null,
      reading.agent ?? null,
      reading.project ?? null,
      reading.environment ?? null,
      reading.model ?? null,
      reading.node ?? null,
      reading.occurredAt,
      now,
    );
    return rowsWritten > 0;
  }

  unrated(limit: number): UnratedEntry[] {
    return this.#sql
      .exec<{ id: string; sku: Sku; quantity: number; occurred_at: number }>(
        `SELECT id, sku, quantity, occurred_at FROM meter_entries WHERE cost_micros IS NULL ORDER BY entered_at LIMIT ?`,
        limit,
      )
      .toArray()
      .map(({ occurred_at: occurredAt, ...row }) => ({ ...row, occurredAt }));
  }

  /** Since when the oldest one waits. */
  oldestUnrated(): number | undefined {
    return this.#sql
      .exec<{ entered_at: number }>(
        'SELECT entered_at FROM meter_entries WHERE cost_micros IS NULL ORDER BY entered_at LIMIT 1',
      )
      .toArray()[0]?.entered_at;
  }

  rate(id: string, price: AppliedPrice | undefined, costMicros: number): void {
    this.#sql.exec(
      'UPDATE meter_entries SET price_id = ?, unit_micros = ?, cost_micros = ? WHERE id = ? AND cost_micros IS NULL',
      price?.id ?? null,
      price?.unitMicros ?? null,
      costMicros,
      id,
    );
  }

  find(id: string): StoredEntry | undefined {
    const row = this.#sql
      .exec<EntryRow>('SELECT * FROM entries WHERE source = ? AND id = ?', sourceOf(id), id)
      .toArray()[0];
    return row && toStored(row);
  }

  /** What an entry says together with all its corrections. */
  corrected(id: string): { readonly quantity: number; readonly costMicros: number; readonly times: number } {
    const row = this.#sql
      .exec<{ quantity: number; cost: number; times: number }>(
        `SELECT SUM(quantity) AS quantity, SUM(cost_micros) AS cost, COUNT(*) AS times FROM (
           SELECT quantity, cost_micros FROM entries WHERE source = ? AND id = ?
           UNION ALL SELECT quantity, cost_micros FROM meter_entries WHERE corrects = ?)`,
        sourceOf(id),
        id,
        id,
      )
      .one();
    return { quantity: row.quantity, costMicros: row.cost, times: row.times };
  }

  /** `entry` as it was, with what the correction adds to it or takes off it. */
  correct(
    id: string,
    entry: StoredEntry,
    change: { readonly quantity: number; readonly costMicros: number; readonly reason: string },
    now: number,
  ): void {
    this.#sql.exec(
      `INSERT INTO meter_entries VALUES (?, 'correction', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      entry.id,
      change.reason,
      entry.sku,
      change.quantity,
      entry.unit_price_micros,
      entry.per,
      entry.price_id,
      change.costMicros,
      entry.month,
      entry.period,
      entry.key_id,
      entry.user_id,
      entry.agent,
      entry.project,
      entry.environment,
      entry.model,
      entry.node,
      Date.parse(entry.occurred_at),
      now,
    );
  }

  usage(group: UsageGroup, fromMs: number, toMs: number): UsageRow[] {
    const { member, sql } = groupings[group];
    return this.#sql
      .exec<{
        name: string | null;
        requests: number;
        input_tokens: number;
        output_tokens: number;
        cost_micros: number;
        quantity: number;
      }>(
        `SELECT ${sql} AS name, SUM(requests) AS requests,
           SUM(CASE WHEN sku IN ('input_tokens', 'cached_input_tokens', 'embedding_tokens') THEN quantity ELSE 0 END)
             AS input_tokens,
           SUM(CASE sku WHEN 'output_tokens' THEN quantity ELSE 0 END) AS output_tokens,
           SUM(cost_micros) AS cost_micros, SUM(quantity) AS quantity
         FROM entries WHERE occurred_at >= ? AND occurred_at < ? GROUP BY 1 ORDER BY 1`,
        fromMs,
        toMs,
      )
      .toArray()
      .map(({ name, quantity, ...sums }) => ({
        object: 'usage',
        [member]: name,
        ...sums,
        ...(group === 'sku' ? { unit: skuUnits[name as Sku].unit, quantity } : {}),
      }));
  }

  /** What the invoice of a month has, summed up by what makes a line. */
  sums(month: string): LedgerSum[] {
    return this.#sql
      .exec<Omit<LedgerSum, 'unit'>>(
        `SELECT sku, model, price_id, unit_micros AS unit_price_micros, per, period, SUM(quantity) AS quantity,
           COUNT(*) AS entries, SUM(cost_micros) AS amount_micros
         FROM entries WHERE billed_month = ? GROUP BY sku, model, price_id, unit_micros, per, period`,
        month,
      )
      .toArray()
      .map((row) => ({ ...row, unit: skuUnits[row.sku].unit }));
  }

  /** The sums of every day of which something was entered from `sinceMs` on. */
  daily(sinceMs: number): DailyUsage[] {
    return this.#sql
      .exec<{ day: string; sku: Sku; model: string | null; quantity: number; cost: number; entries: number }>(
        `SELECT occurred_at / 86400000 AS number, strftime('%Y-%m-%d', occurred_at / 1000, 'unixepoch') AS day, sku, model,
           SUM(quantity) AS quantity, SUM(cost_micros) AS cost, COUNT(*) AS entries
         FROM entries WHERE occurred_at / 86400000 IN (
           SELECT finished_at / 86400000 FROM ledger WHERE settled_at >= ?
           UNION SELECT occurred_at / 86400000 FROM meter_entries WHERE entered_at >= ?)
         GROUP BY number, day, sku, model`,
        sinceMs,
        sinceMs,
      )
      .toArray()
      .map(({ day, sku, model, quantity, cost, entries }) => ({
        day,
        sku,
        model,
        quantity,
        costMicros: cost,
        entries,
      }));
  }

  /** By id from `after` on: metered entries and corrections, or with `receipts` the parts of receipts among them. */
  page(filter: EntryFilter, after: string, limit: number, receipts: boolean): BillingEntry[] {
    const source = sourceOf(after);
    return this.#sql
      .exec<EntryRow>(
        `SELECT * FROM entries WHERE source >= ? AND (source > ? OR id > ?) AND (? OR kind <> 'receipt')
           AND occurred_at >= ? AND occurred_at < ? AND (? IS NULL OR billed_month = ?)
         ORDER BY source, id LIMIT ?`,
        source,
        source,
        after,
        receipts ? 1 : 0,
        filter.fromMs,
        filter.toMs,
        filter.month,
        filter.month,
        limit,
      )
      .toArray()
      .map((row) => {
        const { period: _, ...entry } = toStored(row);
        return entry;
      });
  }

  /** The month of the first entry there is. */
  firstMonth(): string | undefined {
    const { first } = this.#sql
      .exec<{ first: string | null }>(
        `SELECT MIN(month) AS first FROM (SELECT MIN(billed_month) AS month FROM ledger
           UNION ALL SELECT MIN(billed_month) FROM meter_entries)`,
      )
      .one();
    return first ?? undefined;
  }
}

/** What an entry is a part of: a receipt, or itself. */
function sourceOf(id: string): string {
  return id.replace(/^(rcp_[^.]+)\.(?:input|cached|output)$/, '$1');
}

function toStored(row: EntryRow): StoredEntry {
  return {
    object: 'entry',
    id: row.id,
    kind: row.kind,
    corrects: row.corrects,
    reason: row.reason,
    sku: row.sku,
    unit: skuUnits[row.sku].unit,
    quantity: row.quantity,
    unit_price_micros: row.unit_micros,
    per: row.per,
    price_id: row.price_id,
    cost_micros: row.cost_micros,
    month: row.billed_month,
    key_id: row.key_id,
    user_id: row.user_id,
    agent: row.agent_id,
    project: row.project,
    environment: row.environment,
    model: row.model,
    node: row.node,
    period: row.period,
    occurred_at: toIso(row.occurred_at),
    entered_at: toIso(row.entered_at),
  };
}
