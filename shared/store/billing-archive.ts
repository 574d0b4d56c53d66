/** The operator's copies in D1 of what tenants' objects hold: closed invoices, and daily sums of their ledgers. */
import type { D1Database } from '@cloudflare/workers-types';
import { and, asc, eq, gt, gte, lt, or, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { err, ok, type Result } from '../core/result.ts';
import { toSummary, type Invoice, type InvoiceSummary, type Sku } from '../contracts/billing.ts';
import { toList, type List } from '../contracts/common.ts';
import type { OperatorUsageGroup, OperatorUsageRow } from '../contracts/usage.ts';
import { attempt } from './attempt.ts';
import { invoices, usageDaily } from './schema.ts';

/** What was used on one day, of one SKU and model. */
export type DailyUsage = {
  readonly day: string;
  readonly sku: Sku;
  readonly model: string | null;
  readonly quantity: number;
  readonly costMicros: number;
  readonly entries: number;
};

const Chunk = 10;
const groupColumns = {
  tenant: usageDaily.tenantId,
  day: usageDaily.day,
  model: usageDaily.model,
  sku: usageDaily.sku,
} as const;

export class BillingArchive {
  readonly #db: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#db = drizzle(database);
  }

  /** Idempotent: the same invoice again changes nothing. Another one under its id would be a fault of ours. */
  async addInvoice(invoice: Invoice): Promise<Result<undefined>> {
    const document = JSON.stringify(invoice);
    const stored = await attempt(async () => {
      const row = {
        tenantId: invoice.tenant,
        id: invoice.id,
        month: invoice.month,
        totalMicros: invoice.total_micros,
        closedAt: Date.parse(invoice.closed_at!),
        document,
      };
      await this.#db.insert(invoices).values(row).onConflictDoNothing();
      const where = and(eq(invoices.tenantId, invoice.tenant), eq(invoices.id, invoice.id));
      return this.#db.select({ document: invoices.document }).from(invoices).where(where).get();
    });
    if (!stored.ok) return stored;
    return stored.value?.document === document ? ok() : err('conflict', 'Another invoice has this id.');
  }

  async listInvoices(
    limit: number,
    cursor: string | undefined,
    filter: { readonly month?: string | undefined; readonly tenant?: string | undefined },
  ): Promise<Result<List<InvoiceSummary>>> {
    const [month = '', tenant = ''] = cursor?.split(' ') ?? [];
    const after = or(gt(invoices.month, month), and(eq(invoices.month, month), gt(invoices.tenantId, tenant)));
    const rows = await attempt(() =>
      this.#db
        .select({ document: invoices.document })
        .from(invoices)
        .where(
          and(
            cursor === undefined ? undefined : after,
            filter.month === undefined ? undefined : eq(invoices.month, filter.month),
            filter.tenant === undefined ? undefined : eq(invoices.tenantId, filter.tenant),
          ),
        )
        .orderBy(asc(invoices.month), asc(invoices.tenantId))
        .limit(limit + 1)
        .all(),
    );
    if (!rows.ok) return rows;
    const found = rows.value.map(({ document }) => toSummary(JSON.parse(document) as Invoice));
    return ok(toList(found, limit, (each) => `${each.month} ${each.tenant}`));
  }

  /** Sets the sums of whole days: told twice, they are the same. */
  async setDailyUsage(tenantId: string, rows: readonly DailyUsage[]): Promise<Result<undefined>> {
    const statements = Array.from({ length: Math.ceil(rows.length / Chunk) }, (_, at) =>
      this.#db
        .insert(usageDaily)
        .values(rows.slice(at * Chunk, (at + 1) * Chunk).map((row) => ({ ...row, model: row.model ?? '', tenantId })))
        .onConflictDoUpdate({
          target: [usageDaily.tenantId, usageDaily.day, usageDaily.sku, usageDaily.model],
          set: {
            quantity: sql`excluded.quantity`,
            costMicros: sql`excluded.cost_micros`,
            entries: sql`excluded.entries`,
          },
        }),
    );
    const [first, ...rest] = statements;
    if (!first) return ok();
    const written = await attempt(() => this.#db.batch([first, ...rest]));
    return written.ok ? ok() : written;
  }

  async usage(group: OperatorUsageGroup, fromDay: string, toDay: string): Promise<Result<OperatorUsageRow[]>> {
    const column = groupColumns[group];
    const rows = await attempt(() =>
      this.#db
        .select({
          name: sql<string>`${column}`,
          entries: sql<number>`SUM(${usageDaily.entries})`,
          cost_micros: sql<number>`SUM(${usageDaily.costMicros})`,
          ...sumsOf({
            input_tokens: ['input_tokens', 'cached_input_tokens', 'embedding_tokens'],
            output_tokens: ['output_tokens'],
          }),
        })
        .from(usageDaily)
        .where(and(gte(usageDaily.day, fromDay), lt(usageDaily.day, toDay)))
        .groupBy(column)
        .orderBy(column)
        .all(),
    );
    if (!rows.ok) return rows;
    return ok(rows.value.map(({ name, ...sums }) => ({ object: 'usage', [group]: name, ...sums })));
  }
}

function sumsOf(named: { readonly input_tokens: readonly Sku[]; readonly output_tokens: readonly Sku[] }) {
  const sumOf = (skus: readonly Sku[]) =>
    sql<number>`SUM(CASE WHEN ${usageDaily.sku} IN (SELECT value FROM json_each(${JSON.stringify(skus)}))
      THEN ${usageDaily.quantity} ELSE 0 END)`;
  return { input_tokens: sumOf(named.input_tokens), output_tokens: sumOf(named.output_tokens) };
}
