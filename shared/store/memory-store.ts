/**
 * The memories in D1: text and provenance, the truth that vectors and recall are checked against.
 * Every function takes a TenantScope first and sees that tenant's rows only. A deleted memory is a tombstone: its text is
 * gone, its link stays for the chain. A failure of D1 is `service_unavailable`, never an empty answer.
 */
import type { D1Database } from '@cloudflare/workers-types';
import { and, asc, count, desc, eq, getTableColumns, gt, isNull, lt, sql, type SQL } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { List } from '../contracts/common.ts';
import { toList } from '../contracts/common.ts';
import type { Memory } from '../contracts/memories.ts';
import { toIso } from '../core/clock.ts';
import type { AgentId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { TenantScope } from '../tenancy/tenant-scope.ts';
import { attempt } from './attempt.ts';
import type { MemoryRecord } from './memory-chain.ts';
import { memories } from './schema.ts';

export type MemoryPage = {
  readonly agentId: AgentId;
  readonly kind?: MemoryRecord['kind'];
  readonly limit: number;
  /** `next_cursor` of the page before. */
  readonly cursor?: string;
};

export class MemoryStore {
  readonly #db: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#db = drizzle(database);
  }

  /** Idempotent by id: the same memory again is fine, another one with its id or its place is a conflict. */
  async insertMemory(scope: TenantScope, record: MemoryRecord): Promise<Result<undefined>> {
    const stored = await attempt(async () => {
      await this.#db
        .insert(memories)
        .values({ ...record, tenantId: scope.tenantId })
        .onConflictDoNothing();
      const where = inTenant(scope, eq(memories.id, record.id));
      return this.#db.select({ hash: memories.hash }).from(memories).where(where).get();
    });
    if (!stored.ok) return stored;
    return stored.value?.hash === record.hash ? ok() : err('conflict', 'Another memory has this id or this place.');
  }

  /** Many at once, in one transaction; otherwise as insertMemory. */
  async insertMemories(scope: TenantScope, records: readonly MemoryRecord[]): Promise<Result<undefined>> {
    const [first, ...rest] = records.map((record) =>
      this.#db
        .insert(memories)
        .values({ ...record, tenantId: scope.tenantId })
        .onConflictDoNothing(),
    );
    if (!first) return ok();
    const written = await attempt(() => this.#db.batch([first, ...rest]));
    if (!written.ok) return written;
    const ids = JSON.stringify(records.map(({ id }) => id));
    const where = inTenant(scope, sql`${memories.id} IN (SELECT value FROM json_each(${ids}))`);
    const stored = await attempt(() =>
      this.#db.select({ id: memories.id, hash: memories.hash }).from(memories).where(where).all(),
    );
    if (!stored.ok) return stored;
    const hashes = new Map(stored.value.map(({ id, hash }) => [id, hash]));
    const whole = records.every(({ id, hash }) => hashes.get(id) === hash);
    return whole ? ok() : err('conflict', 'Another memory has one of these ids or places.');
  }

  /** A deleted memory is not found. */
  async findMemory(scope: TenantScope, agentId: AgentId, id: string): Promise<Result<MemoryRecord | undefined>> {
    const where = inTenant(scope, eq(memories.agentId, agentId), eq(memories.id, id), isNull(memories.deletedAt));
    return attempt(() => this.#db.select(columns).from(memories).where(where).get());
  }

  /** Those of the ids that are memories of the agent and not deleted, in no order. One parameter, however many ids. */
  async findMemories(scope: TenantScope, agentId: AgentId, ids: readonly string[]): Promise<Result<MemoryRecord[]>> {
    if (ids.length === 0) return ok([]);
    const where = inTenant(
      scope,
      eq(memories.agentId, agentId),
      sql`${memories.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
      isNull(memories.deletedAt),
    );
    return attempt(() => this.#db.select(columns).from(memories).where(where).all());
  }

  /** Newest first, without the deleted ones. */
  async listMemories(scope: TenantScope, page: MemoryPage): Promise<Result<List<MemoryRecord>>> {
    const before = page.cursor === undefined ? undefined : parseCursor(page.cursor);
    if (before === null) return err('invalid_request', 'The cursor is not one of this list.', { param: 'cursor' });
    const where = inTenant(
      scope,
      eq(memories.agentId, page.agentId),
      isNull(memories.deletedAt),
      page.kind === undefined ? undefined : eq(memories.kind, page.kind),
      before === undefined ? undefined : lt(memories.sequence, before),
    );
    const rows = await attempt(() =>
      this.#db
        .select(columns)
        .from(memories)
        .where(where)
        .orderBy(desc(memories.sequence))
        .limit(page.limit + 1)
        .all(),
    );
    return rows.ok ? ok(toList(rows.value, page.limit, (row) => String(row.sequence))) : rows;
  }

  /** The agent's chain, the deleted ones included, in the order of the sequence, after the given one. */
  async listChain(
    scope: TenantScope,
    agentId: AgentId,
    afterSequence: number,
    limit: number,
  ): Promise<Result<MemoryRecord[]>> {
    const where = inTenant(scope, eq(memories.agentId, agentId), gt(memories.sequence, afterSequence));
    return attempt(() =>
      this.#db.select(columns).from(memories).where(where).orderBy(asc(memories.sequence)).limit(limit).all(),
    );
  }

  /** Leaves a tombstone. Deleting it again is fine; what never was is `not_found`. */
  async deleteMemory(scope: TenantScope, agentId: AgentId, id: string, nowMs: number): Promise<Result<undefined>> {
    const own = inTenant(scope, eq(memories.agentId, agentId), eq(memories.id, id));
    const found = await attempt(async () => {
      await this.#db
        .update(memories)
        .set({ text: '', deletedAt: nowMs })
        .where(and(own, isNull(memories.deletedAt)));
      return this.#db.select({ id: memories.id }).from(memories).where(own).get();
    });
    if (!found.ok) return found;
    return found.value ? ok() : err('not_found');
  }

  /** Without the deleted ones. */
  async countMemories(scope: TenantScope, agentId: AgentId): Promise<Result<number>> {
    const where = inTenant(scope, eq(memories.agentId, agentId), isNull(memories.deletedAt));
    return attempt(async () => (await this.#db.select({ n: count() }).from(memories).where(where).get())?.n ?? 0);
  }
}

/** A memory in the form of the wire. */
export function toMemory(record: MemoryRecord): Memory {
  return {
    object: 'memory',
    id: record.id,
    agent: record.agentId,
    kind: record.kind,
    scope: record.scope,
    text: record.text,
    provenance: toProvenance(record),
    confidence: record.confidence,
    valid_from: record.validFrom === null ? null : toIso(record.validFrom),
    valid_until: record.validUntil === null ? null : toIso(record.validUntil),
    supersedes: record.supersedes,
    embedding_space: record.embeddingSpace,
    sequence: record.sequence,
    content_hash: record.contentHash,
    previous_hash: record.previousHash,
    hash: record.hash,
    created_at: toIso(record.createdAt),
  };
}

export function toProvenance(record: MemoryRecord): Memory['provenance'] {
  return {
    source: { type: record.sourceType, ref: record.sourceRef },
    author: record.author,
    recorded_at: toIso(record.createdAt),
  };
}

const { tenantId: _, ...columns } = getTableColumns(memories);

/** The only way in which this file makes a WHERE. */
function inTenant(scope: TenantScope, ...conditions: (SQL | undefined)[]): SQL | undefined {
  return and(eq(memories.tenantId, scope.tenantId), ...conditions);
}

function parseCursor(cursor: string): number | null {
  return /^[1-9][0-9]{0,14}$/.test(cursor) ? Number(cursor) : null;
}
