/** The price book in D1. A price is never changed: a new version takes effect, and receipts name the one they used. */
import type { D1Database } from '@cloudflare/workers-types';
import { desc, lte } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { toIso } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import type { Price, SetPrice } from '../contracts/tenants.ts';
import type { PricedModel } from '../inference/catalog.ts';
import { attempt, isUniqueViolation } from './attempt.ts';
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
    };
    const written = await attempt(() => this.#db.insert(prices).values(record));
    if (written.ok) return ok(toPrice(record));
    // Two versions in one millisecond: the later one takes effect in the next.
    return isUniqueViolation(written.failure.reason) ? this.set(id, price, now + 1) : written;
  }

  /** The version in force of each model. */
  async current(now: number): Promise<Result<Price[]>> {
    const rows = await attempt(() =>
      this.#db.select().from(prices).where(lte(prices.effectiveFrom, now)).orderBy(desc(prices.effectiveFrom)).all(),
    );
    if (!rows.ok) return rows;
    const newest = new Map<string, PriceRecord>();
    for (const row of rows.value) if (!newest.has(row.model)) newest.set(row.model, row);
    return ok([...newest.values()].map(toPrice));
  }
}

export function toPricedModel(price: Price): PricedModel {
  return { id: price.id, model: price.model, price };
}

function toPrice(record: PriceRecord): Price {
  return {
    object: 'price',
    id: record.id,
    model: record.model,
    input_micros_per_mtok: record.inputMicrosPerMtok,
    cached_input_micros_per_mtok: record.cachedInputMicrosPerMtok,
    output_micros_per_mtok: record.outputMicrosPerMtok,
    effective_from: toIso(record.effectiveFrom),
  };
}
