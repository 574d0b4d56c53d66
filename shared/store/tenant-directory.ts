/**
 * The tenant directory in D1: slugs and active hostnames to tenants, and the tombstones of those that were deleted.
 * Whether a tenant may act, its object decides.
 */
import type { D1Database } from '@cloudflare/workers-types';
import { and, asc, desc, eq, gt } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { toIso } from '../core/clock.ts';
import type { TenantId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { toList, type List } from '../contracts/common.ts';
import { inForce, type Plan, type PlanOverrides, type TenantProfile } from '../contracts/plans.ts';
import type { CreateTenant, Tenant, TenantStatus } from '../contracts/tenants.ts';
import { attempt, isUniqueViolation } from './attempt.ts';
import { deletedTenants, hostnames, tenants } from './schema.ts';

export type TenantRecord = typeof tenants.$inferSelect;
export type Tombstone = typeof deletedTenants.$inferSelect;

const noOverrides: PlanOverrides = { features: {}, limits: {} };

export class TenantDirectory {
  readonly #db: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#db = drizzle(database);
  }

  async findIdBySlug(slug: string): Promise<Result<TenantId | undefined>> {
    const row = await attempt(() =>
      this.#db.select({ id: tenants.id }).from(tenants).where(eq(tenants.slug, slug)).get(),
    );
    return row.ok ? ok(row.value?.id as TenantId | undefined) : row;
  }

  async findIdByHostname(hostname: string): Promise<Result<TenantId | undefined>> {
    const verified = and(eq(hostnames.hostname, hostname), eq(hostnames.status, 'verified'));
    const row = await attempt(() => this.#db.select({ id: hostnames.tenantId }).from(hostnames).where(verified).get());
    return row.ok ? ok(row.value?.id as TenantId | undefined) : row;
  }

  async create(record: TenantRecord): Promise<Result<TenantRecord>> {
    const known = await this.find(record.id);
    if (known.ok) return known;
    if (known.failure.code !== 'not_found') return known;
    const written = await attempt(() => this.#db.insert(tenants).values(record));
    if (written.ok) return ok(record);
    return isUniqueViolation(written.failure.reason)
      ? err('conflict', `A tenant with the slug "${record.slug}" exists already.`, { param: 'slug' })
      : written;
  }

  /** As it was, out of an archive; the same again changes nothing. */
  async restore(record: TenantRecord): Promise<Result<undefined>> {
    const written = await attempt(() =>
      this.#db.insert(tenants).values(record).onConflictDoNothing({ target: tenants.id }),
    );
    if (written.ok) return ok();
    return isUniqueViolation(written.failure.reason)
      ? err('conflict', `A tenant with the slug "${record.slug}" exists already.`, { param: 'slug' })
      : written;
  }

  async find(id: string): Promise<Result<TenantRecord>> {
    const row = await attempt(() => this.#db.select().from(tenants).where(eq(tenants.id, id)).get());
    if (!row.ok) return row;
    return row.value ? ok(row.value) : err('not_found', 'There is no such tenant.');
  }

  async list(limit: number, cursor: string | undefined): Promise<Result<List<TenantRecord>>> {
    const rows = await attempt(() =>
      this.#db
        .select()
        .from(tenants)
        .where(cursor === undefined ? undefined : gt(tenants.id, cursor))
        .orderBy(asc(tenants.id))
        .limit(limit + 1)
        .all(),
    );
    return rows.ok ? ok(toList(rows.value, limit, (row) => row.id)) : rows;
  }

  /** Those on a plan, in pages. */
  async listByPlan(plan: string, limit: number, cursor: string | undefined): Promise<Result<List<TenantRecord>>> {
    const rows = await attempt(() =>
      this.#db
        .select()
        .from(tenants)
        .where(and(eq(tenants.plan, plan), cursor === undefined ? undefined : gt(tenants.id, cursor)))
        .orderBy(asc(tenants.id))
        .limit(limit + 1)
        .all(),
    );
    return rows.ok ? ok(toList(rows.value, limit, (row) => row.id)) : rows;
  }

  async setStatus(id: string, status: TenantStatus): Promise<Result<undefined>> {
    const done = await attempt(() => this.#db.update(tenants).set({ status }).where(eq(tenants.id, id)));
    return done.ok ? ok() : done;
  }

  async update(
    id: string,
    change: Partial<Pick<TenantRecord, 'name' | 'plan' | 'overrides'>>,
  ): Promise<Result<TenantRecord>> {
    if (Object.keys(change).length === 0) return this.find(id);
    const row = await attempt(() => this.#db.update(tenants).set(change).where(eq(tenants.id, id)).returning().get());
    if (!row.ok) return row;
    return row.value ? ok(row.value) : err('not_found', 'There is no such tenant.');
  }

  /** The hostname leads to the tenant from now on. Of two that have proven it, the first keeps it. */
  async addHostname(hostname: string, tenantId: TenantId, now: number): Promise<Result<undefined>> {
    const added = await attempt(() =>
      this.#db
        .insert(hostnames)
        .values({ hostname, tenantId, status: 'verified', createdAt: now })
        .onConflictDoNothing()
        .then(() => this.#db.select().from(hostnames).where(eq(hostnames.hostname, hostname)).get()),
    );
    if (!added.ok) return added;
    return added.value?.tenantId === tenantId ? ok() : err('conflict', 'Another tenant has this hostname.');
  }

  async removeHostname(hostname: string, tenantId: TenantId): Promise<Result<undefined>> {
    const own = and(eq(hostnames.hostname, hostname), eq(hostnames.tenantId, tenantId));
    const gone = await attempt(() => this.#db.delete(hostnames).where(own));
    return gone.ok ? ok() : gone;
  }

  /** The tombstone that keeps a slug from being used again. */
  async findTombstoneOf(slug: string, now: number): Promise<Result<Tombstone | undefined>> {
    const kept = and(eq(deletedTenants.slug, slug), gt(deletedTenants.slugFreeAt, now));
    return attempt(() =>
      this.#db.select().from(deletedTenants).where(kept).orderBy(desc(deletedTenants.slugFreeAt)).get(),
    );
  }

  async findTombstone(id: string): Promise<Result<Tombstone | undefined>> {
    return attempt(() => this.#db.select().from(deletedTenants).where(eq(deletedTenants.id, id)).get());
  }

  /** The tenant's entry becomes its tombstone: both or neither. */
  async bury(tombstone: Tombstone): Promise<Result<undefined>> {
    const done = await attempt(() =>
      this.#db.batch([
        this.#db.insert(deletedTenants).values(tombstone).onConflictDoNothing(),
        this.#db.delete(tenants).where(eq(tenants.id, tombstone.id)),
      ]),
    );
    return done.ok ? ok() : done;
  }
}

export function newTenantRecord(id: TenantId, tenant: CreateTenant, now: number): TenantRecord {
  return { id, ...tenant, overrides: noOverrides, status: 'active', createdAt: now };
}

export function toTenant(record: TenantRecord, url: string): Tenant {
  return {
    object: 'tenant',
    id: record.id,
    slug: record.slug,
    name: record.name,
    plan: record.plan,
    overrides: record.overrides,
    region: record.region,
    status: record.status,
    url,
    created_at: toIso(record.createdAt),
  };
}

/** What a tenant's object is told of its tenant. */
export function toProfile(record: TenantRecord, plan: Plan): TenantProfile {
  return {
    slug: record.slug,
    name: record.name,
    region: record.region,
    createdAt: record.createdAt,
    plan: { id: plan.id, name: plan.name },
    ...inForce(plan, record.overrides),
  };
}
