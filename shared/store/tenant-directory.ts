/** The tenant directory in D1: slugs and verified hostnames to tenants. Whether a tenant may act, its object decides. */
import type { D1Database } from '@cloudflare/workers-types';
import { and, asc, eq, gt } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { toIso } from '../core/clock.ts';
import type { TenantId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { toList, type List } from '../contracts/common.ts';
import type { CreateTenant, Tenant } from '../contracts/tenants.ts';
import { attempt, isUniqueViolation } from './attempt.ts';
import { hostnames, tenants } from './schema.ts';

export type TenantRecord = typeof tenants.$inferSelect;

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

  async create(id: TenantId, tenant: CreateTenant, now: number): Promise<Result<TenantRecord>> {
    const record: TenantRecord = { id, ...tenant, status: 'active', createdAt: now };
    const known = await this.find(id);
    if (known.ok) return known;
    if (known.failure.code !== 'not_found') return known;
    const written = await attempt(() => this.#db.insert(tenants).values(record));
    if (written.ok) return ok(record);
    return isUniqueViolation(written.failure.reason)
      ? err('conflict', `A tenant with the slug "${tenant.slug}" exists already.`, { param: 'slug' })
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

  async setStatus(id: string, status: TenantRecord['status']): Promise<Result<undefined>> {
    const done = await attempt(() => this.#db.update(tenants).set({ status }).where(eq(tenants.id, id)));
    return done.ok ? ok() : done;
  }
}

export function toTenant(record: TenantRecord, url: string): Tenant {
  return {
    object: 'tenant',
    id: record.id,
    slug: record.slug,
    name: record.name,
    plan: record.plan,
    region: record.region,
    status: record.status,
    url,
    created_at: toIso(record.createdAt),
  };
}
