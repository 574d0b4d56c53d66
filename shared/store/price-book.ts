/** The price book in D1. A price is never changed: a new version takes effect, and receipts name the one they used. */
import type { D1Database } from '@cloudflare/workers-types';
import { and, desc, eq, inArray, isNotNull, lte, or, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { toIso } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import type { Price, SetPrice } from '../contracts/tenants.ts';
import type { PricedModel } from '../inference/catalog.ts';
import { attempt, isUniqueViolation } from './attempt.ts';
import { Everybody, toAudience, toScope } from '../core/price-scope.ts';
import { prices } from './schema.ts';

type PriceRecord = typeof prices.$inferSelect;

export class PriceBook {
  readonly #db: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#db = drizzle(database);
  }

  async set(id: string, price: SetPrice, now: number): Promise<Result<Price>> {
    const record: PriceRecord = {
      id,
      model: price.model,
      inputMicrosPerMtok: price.input_micros_per_mtok,
      cachedInputMicrosPerMtok: price.cached_input_micros_per_mtok,
      outputMicrosPerMtok: price.output_micros_per_mtok,
      effectiveFrom: now,
      scope: toScope(price),
      tiers: Object.keys(price.tiers).length > 0 ? JSON.stringify(price.tiers) : null,
    };
    const written = await attempt(() => this.#db.insert(prices).values(record));
    if (written.ok) return ok(toPrice(record));
    // Two versions in one millisecond: the later one takes effect in the next.
    return isUniqueViolation(written.failure.reason) ? this.set(id, price, now + 1) : written;
  }

  /** The version in force of each model, for each of whom it is for. */
  async current(now: number, scopes?: readonly string[]): Promise<Result<Price[]>> {
    const later = sql`EXISTS (SELECT 1 FROM prices AS later WHERE later.scope = ${prices.scope}
      AND later.model = ${prices.model} AND later.effective_from > ${prices.effectiveFrom}
      AND later.effective_from <= ${now})`;
    const asked = scopes ? inArray(prices.scope, [...scopes]) : undefined;
    const rows = await attempt(() =>
      this.#db
        .select()
        .from(prices)
        .where(and(lte(prices.effectiveFrom, now), sql`NOT ${later}`, asked))
        .orderBy(desc(prices.effectiveFrom))
        .all(),
    );
    return rows.ok ? ok(rows.value.map(toPrice)) : rows;
  }

  /** Every version with tiers that a receipt of this tenant may name: tickets can be of any plan that it has had. */
  async tiered(tenant: string): Promise<Result<Price[]>> {
    const scope = or(eq(prices.scope, tenant), eq(prices.scope, Everybody), sql`${prices.scope} LIKE 'plan:%'`);
    const rows = await attempt(() =>
      this.#db
        .select()
        .from(prices)
        .where(and(isNotNull(prices.tiers), scope))
        .all(),
    );
    return rows.ok ? ok(rows.value.map(toPrice)) : rows;
  }
}

export function toPricedModel(price: Price): PricedModel {
  return { id: price.id, model: price.model, price, scope: toScope(price) };
}

function toPrice(record: PriceRecord): Price {
  return {
    object: 'price',
    id: record.id,
    model: record.model,
    input_micros_per_mtok: record.inputMicrosPerMtok,
    cached_input_micros_per_mtok: record.cachedInputMicrosPerMtok,
    output_micros_per_mtok: record.outputMicrosPerMtok,
    ...toAudience(record.scope),
    tiers: record.tiers === null ? {} : (JSON.parse(record.tiers) as Price['tiers']),
    effective_from: toIso(record.effectiveFrom),
  };
}
