/**
 * Which embedding spaces may hold vectors of a tenant: the one that each memory was written into, and those of models, which
 * are entered before their first vector. Whoever erases or exports a tenant looks into all of them.
 */
import type { D1Database } from '@cloudflare/workers-types';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { eq } from 'drizzle-orm';
import { ok, type Result } from '../core/result.ts';
import type { TenantScope } from '../tenancy/tenant-scope.ts';
import { attempt } from './attempt.ts';
import { embeddingSpaces, memories } from './schema.ts';

export type SpaceEntry = { readonly space: string; readonly dimensions: number; readonly createdAt: number };

export class SpaceRegister {
  readonly #db: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#db = drizzle(database);
  }

  /** Again is fine. */
  async enter({ tenantId }: TenantScope, entry: SpaceEntry): Promise<Result<undefined>> {
    const row = { ...entry, tenantId };
    const entered = await attempt(() => this.#db.insert(embeddingSpaces).values(row).onConflictDoNothing());
    return entered.ok ? ok() : entered;
  }

  async list({ tenantId }: TenantScope): Promise<Result<string[]>> {
    const rows = await attempt(() =>
      this.#db
        .selectDistinct({ space: memories.embeddingSpace })
        .from(memories)
        .where(eq(memories.tenantId, tenantId))
        .union(
          this.#db
            .select({ space: embeddingSpaces.space })
            .from(embeddingSpaces)
            .where(eq(embeddingSpaces.tenantId, tenantId)),
        )
        .all(),
    );
    return rows.ok ? ok(rows.value.map(({ space }) => space)) : rows;
  }
}
