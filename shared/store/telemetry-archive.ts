/** The operator's copies in D1 of what tenants' objects have counted: one tally a tenant, step and kind. */
import type { D1Database } from '@cloudflare/workers-types';
import { and, eq, gte, lt, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { ok, type Result } from '../core/result.ts';
import type { Tally, TelemetryKind } from '../telemetry/tally.ts';
import { attempt } from './attempt.ts';
import { telemetryTallies, tenants } from './schema.ts';

export type ArchivedTally = {
  readonly tier: string;
  readonly at: number;
  readonly kind: TelemetryKind;
  readonly tally: Tally;
};
export type TenantTally = ArchivedTally & { readonly tenant: string; readonly slug: string };

/** Of each tier, steps before this time go. */
export type Horizon = { readonly tier: string; readonly before: number };

const Chunk = 15;

export class TelemetryArchive {
  readonly #db: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#db = drizzle(database);
  }

  /** Sets the sums of whole steps: told twice, they are the same. */
  async put(
    tenantId: string,
    rows: readonly ArchivedTally[],
    horizons: readonly Horizon[],
  ): Promise<Result<undefined>> {
    const inserts = Array.from({ length: Math.ceil(rows.length / Chunk) }, (_, at) =>
      this.#db
        .insert(telemetryTallies)
        .values(rows.slice(at * Chunk, (at + 1) * Chunk).map((row) => ({ ...row, tenantId })))
        .onConflictDoUpdate({
          target: [telemetryTallies.tenantId, telemetryTallies.tier, telemetryTallies.at, telemetryTallies.kind],
          set: { tally: sql`excluded.tally` },
        }),
    );
    const removals = horizons.map(({ tier, before }) =>
      this.#db
        .delete(telemetryTallies)
        .where(
          and(
            eq(telemetryTallies.tenantId, tenantId),
            eq(telemetryTallies.tier, tier),
            lt(telemetryTallies.at, before),
          ),
        ),
    );
    const [first, ...rest] = [...inserts, ...removals];
    if (!first) return ok();
    const written = await attempt(() => this.#db.batch([first, ...rest]));
    return written.ok ? ok() : written;
  }

  async since(tier: string, from: number, kind: TelemetryKind | null): Promise<Result<TenantTally[]>> {
    const wanted = and(
      eq(telemetryTallies.tier, tier),
      gte(telemetryTallies.at, from),
      kind === null ? undefined : eq(telemetryTallies.kind, kind),
    );
    return attempt(() =>
      this.#db
        .select({
          tenant: telemetryTallies.tenantId,
          slug: tenants.slug,
          tier: telemetryTallies.tier,
          at: telemetryTallies.at,
          kind: telemetryTallies.kind,
          tally: telemetryTallies.tally,
        })
        .from(telemetryTallies)
        .innerJoin(tenants, eq(tenants.id, telemetryTallies.tenantId))
        .where(wanted)
        .orderBy(telemetryTallies.tenantId, telemetryTallies.at)
        .all(),
    );
  }
}
