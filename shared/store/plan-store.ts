/** The plans in D1. A plan that tenants are on cannot go; who is on it, the tenant directory knows. */
import type { D1Database } from '@cloudflare/workers-types';
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { toIso } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { toList, type List } from '../contracts/common.ts';
import { noLimits, withLimits, type CreatePlan, type Plan, type UpdatePlan } from '../contracts/plans.ts';
import { attempt, isUniqueViolation } from './attempt.ts';
import { plans, tenants } from './schema.ts';

const noPlan = (id: string) => err('not_found', `There is no plan "${id}".`);

export class PlanStore {
  readonly #db: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#db = drizzle(database);
  }

  async find(id: string): Promise<Result<Plan>> {
    const row = await attempt(() => this.#db.select().from(plans).where(eq(plans.id, id)).get());
    if (!row.ok) return row;
    return row.value ? ok(toPlan(row.value)) : noPlan(id);
  }

  async list(limit: number, cursor: string | undefined): Promise<Result<List<Plan>>> {
    const after = cursor === undefined ? undefined : gt(plans.id, cursor);
    const rows = await attempt(() =>
      this.#db
        .select()
        .from(plans)
        .where(after)
        .orderBy(asc(plans.id))
        .limit(limit + 1)
        .all(),
    );
    return rows.ok ? ok(toList(rows.value.map(toPlan), limit, (each) => each.id)) : rows;
  }

  async create({ id, name, features, limits }: CreatePlan, now: number): Promise<Result<Plan>> {
    const row = { id, name, features, limits, createdAt: now, updatedAt: now };
    const written = await attempt(() => this.#db.insert(plans).values(row));
    if (written.ok) return ok(toPlan(row));
    return isUniqueViolation(written.failure.reason)
      ? err('conflict', `A plan "${id}" exists already.`, { param: 'id' })
      : written;
  }

  async update(id: string, { name, features, limits }: UpdatePlan, now: number): Promise<Result<Plan>> {
    const before = await this.find(id);
    if (!before.ok) return before;
    const next = {
      ...(name === undefined ? {} : { name }),
      ...(features === undefined ? {} : { features }),
      ...(limits === undefined ? {} : { limits: withLimits(before.value.limits, limits) }),
      updatedAt: now,
    };
    const row = await attempt(() => this.#db.update(plans).set(next).where(eq(plans.id, id)).returning().get());
    if (!row.ok) return row;
    return row.value ? ok(toPlan(row.value)) : noPlan(id);
  }

  /** In one statement, so that no tenant comes onto a plan that goes. */
  async delete(id: string): Promise<Result<undefined>> {
    const unused = sql`NOT EXISTS (SELECT 1 FROM ${tenants} WHERE ${tenants.plan} = ${id})`;
    const gone = await attempt(() =>
      this.#db
        .delete(plans)
        .where(and(eq(plans.id, id), unused))
        .returning({ id: plans.id })
        .get(),
    );
    if (!gone.ok) return gone;
    if (gone.value) return ok();
    const still = await this.find(id);
    return still.ok ? err('conflict', `Tenants are on the plan "${id}". Move them to another one first.`) : still;
  }
}

/** A limit that a plan was made without is no limit. */
function toPlan(row: typeof plans.$inferSelect): Plan {
  return {
    object: 'plan',
    id: row.id,
    name: row.name,
    features: row.features,
    limits: { ...noLimits, ...row.limits },
    created_at: toIso(row.createdAt),
    updated_at: toIso(row.updatedAt),
  };
}
