/**
 * What D1 says about billing beside the prices of tokens: rates of what is metered, the terms of plans and tenants. All
 * of it in versions that are never changed, so whoever reads it later, for a moment in the past, reads the same.
 */
import type { D1Database } from '@cloudflare/workers-types';
import { and, desc, eq, inArray, lte } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { toIso } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import {
  skuUnits,
  type MeteredSku,
  type PlanTerms,
  type Rate,
  type SetPlanTerms,
  type SetRate,
  type SetTenantTerms,
  type TenantTerms,
  type Tier,
} from '../contracts/billing.ts';
import { attempt, isUniqueViolation } from './attempt.ts';
import { scopesOf, toAudience, toScope } from '../core/price-scope.ts';
import { planTerms, rates, tenants, tenantTerms } from './schema.ts';

/** All versions that can concern one tenant, the newest first. */
export type BillingTerms = {
  readonly plan: string;
  readonly rates: readonly Rate[];
  readonly planTerms: readonly PlanTerms[];
  readonly tenantTerms: readonly TenantTerms[];
};

export class TermsBook {
  readonly #db: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#db = drizzle(database);
  }

  async findPlan(tenant: string): Promise<Result<string>> {
    const row = await attempt(() =>
      this.#db.select({ plan: tenants.plan }).from(tenants).where(eq(tenants.id, tenant)).get(),
    );
    if (!row.ok) return row;
    return row.value ? ok(row.value.plan) : err('not_found', 'There is no such tenant.');
  }

  async of(tenant: string): Promise<Result<BillingTerms>> {
    const plan = await this.findPlan(tenant);
    if (!plan.ok) return plan;
    const found = await attempt(() =>
      this.#db.batch([
        this.#db
          .select()
          .from(rates)
          .where(inArray(rates.scope, [...scopesOf(tenant, plan.value)]))
          .orderBy(desc(rates.effectiveFrom)),
        this.#db.select().from(planTerms).where(eq(planTerms.plan, plan.value)).orderBy(desc(planTerms.effectiveFrom)),
        this.#db
          .select()
          .from(tenantTerms)
          .where(eq(tenantTerms.tenantId, tenant))
          .orderBy(desc(tenantTerms.effectiveFrom)),
      ]),
    );
    if (!found.ok) return found;
    const [rateRows, planRows, tenantRows] = found.value;
    return ok({
      plan: plan.value,
      rates: rateRows.map(toRate),
      planTerms: planRows.map(toPlanTerms),
      tenantTerms: tenantRows.map(toTenantTerms),
    });
  }

  async setRate(id: string, rate: SetRate, now: number): Promise<Result<Rate>> {
    const record = {
      id,
      scope: toScope(rate),
      sku: rate.sku,
      unitMicros: rate.unit_price_micros,
      tiers: JSON.stringify(rate.tiers),
      effectiveFrom: now,
    };
    return this.#addVersion(record, (version) => this.#db.insert(rates).values(version), toRate);
  }

  async setPlanTerms(id: string, terms: SetPlanTerms, now: number): Promise<Result<PlanTerms>> {
    const record = {
      id,
      plan: terms.plan,
      platformFeeMicros: terms.platform_fee_micros,
      included: JSON.stringify(terms.included),
      effectiveFrom: now,
    };
    return this.#addVersion(record, (version) => this.#db.insert(planTerms).values(version), toPlanTerms);
  }

  async setTenantTerms(id: string, tenantId: string, terms: SetTenantTerms, now: number): Promise<Result<TenantTerms>> {
    const { markup_bps: markupBps, tax_bps: taxBps, tax_label: taxLabel } = terms;
    const record = { id, tenantId, markupBps, taxBps, taxLabel, effectiveFrom: now };
    return this.#addVersion(record, (version) => this.#db.insert(tenantTerms).values(version), toTenantTerms);
  }

  /** The rates in force, for everybody and for each of whom there are other ones. */
  async currentRates(now: number): Promise<Result<Rate[]>> {
    const rows = await attempt(() =>
      this.#db.select().from(rates).where(lte(rates.effectiveFrom, now)).orderBy(desc(rates.effectiveFrom)).all(),
    );
    return rows.ok ? ok(newest(rows.value, (row) => `${row.sku} ${row.scope}`).map(toRate)) : rows;
  }

  async currentPlanTerms(now: number): Promise<Result<PlanTerms[]>> {
    const rows = await attempt(() =>
      this.#db
        .select()
        .from(planTerms)
        .where(and(lte(planTerms.effectiveFrom, now)))
        .orderBy(desc(planTerms.effectiveFrom))
        .all(),
    );
    return rows.ok ? ok(newest(rows.value, (row) => row.plan).map(toPlanTerms)) : rows;
  }

  /** Two versions in one millisecond: the later one takes effect in the next. */
  async #addVersion<R extends { readonly effectiveFrom: number }, T>(
    record: R,
    insert: (version: R) => PromiseLike<unknown>,
    toAnswer: (version: R) => T,
  ): Promise<Result<T>> {
    const written = await attempt(async () => insert(record));
    if (written.ok) return ok(toAnswer(record));
    if (!isUniqueViolation(written.failure.reason)) return written;
    return this.#addVersion({ ...record, effectiveFrom: record.effectiveFrom + 1 }, insert, toAnswer);
  }
}

/** Of rows that are sorted from the newest on: the first of each name. */
export function newest<T>(rows: readonly T[], nameOf: (row: T) => string): T[] {
  const found = new Map<string, T>();
  for (const row of rows) if (!found.has(nameOf(row))) found.set(nameOf(row), row);
  return [...found.values()];
}

function toRate(row: typeof rates.$inferSelect): Rate {
  const sku = row.sku as MeteredSku;
  return {
    object: 'rate',
    id: row.id,
    sku,
    ...skuUnits[sku],
    unit_price_micros: row.unitMicros,
    ...toAudience(row.scope),
    tiers: JSON.parse(row.tiers) as Tier[],
    effective_from: toIso(row.effectiveFrom),
  };
}

function toPlanTerms(row: typeof planTerms.$inferSelect): PlanTerms {
  return {
    object: 'plan_terms',
    id: row.id,
    plan: row.plan,
    platform_fee_micros: row.platformFeeMicros,
    included: JSON.parse(row.included) as PlanTerms['included'],
    effective_from: toIso(row.effectiveFrom),
  };
}

function toTenantTerms(row: typeof tenantTerms.$inferSelect): TenantTerms {
  return {
    object: 'tenant_terms',
    id: row.id,
    tenant: row.tenantId,
    markup_bps: row.markupBps,
    tax_bps: row.taxBps,
    tax_label: row.taxLabel,
    effective_from: toIso(row.effectiveFrom),
  };
}
