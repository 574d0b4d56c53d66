/**
 * The memories in D1: text and provenance, the truth that vectors and recall are checked against.
 * Every function takes a TenantScope first and sees that tenant's rows only. A deleted memory is a tombstone: its text is
 * gone, its link stays for the chain. A failure of D1 is `service_unavailable`, never an empty answer.
 */
import type { D1Database } from '@cloudflare/workers-types';
import {
  and,
  asc,
  count,
  desc,
  eq,
  getTableColumns,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  or,
  sql,
  type SQL,
} from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { alias } from 'drizzle-orm/sqlite-core';
import type { List } from '../contracts/common.ts';
import { toList } from '../contracts/common.ts';
import type { MemoryFilter } from '../contracts/memories.ts';
import type { AgentId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { TenantScope } from '../tenancy/tenant-scope.ts';
import { attempt } from './attempt.ts';
import { closes, closesAt, type ChainHead, type MemoryRecord } from './memory-chain.ts';
import type { LinkHash } from './memory-proof.ts';
import { memories } from './schema.ts';

export type MemoryPage = {
  readonly agentId: AgentId;
  readonly filter?: MemoryFilter;
  readonly limit: number;
  /** `next_cursor` of the page before. */
  readonly cursor?: string;
};

export class MemoryStore {
  readonly #db: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#db = drizzle(database);
  }

  /**
   * In one transaction, and what they supersede is closed in it. Idempotent by id: the same memory again is fine, another
   * one with its id or its place is a conflict.
   */
  async insertMemories(scope: TenantScope, records: readonly MemoryRecord[]): Promise<Result<undefined>> {
    const [first, ...rest] = records.map((record) =>
      this.#db
        .insert(memories)
        .values({ ...record, tenantId: scope.tenantId })
        .onConflictDoNothing(),
    );
    if (!first) return ok();
    const closings = records.filter((record) => closes(record).length > 0);
    const closed = closings.map((record) =>
      this.#db
        .update(memories)
        .set({ closedAt: closesAt(record), closedBy: record.id })
        .where(inTenant(scope, isOneOf(closes(record)), isOwn(record.agentId), isNull(memories.closedBy))),
    );
    const where = inTenant(scope, isOneOf(records.map(({ id }) => id)));
    const stored = this.#db.select({ id: memories.id, hash: memories.hash }).from(memories).where(where);
    const written = await attempt(() => this.#db.batch([first, ...rest, ...closed, stored]));
    if (!written.ok) return written;
    const hashes = new Map((written.value.at(-1) as LinkHash[]).map(({ id, hash }) => [id, hash]));
    const whole = records.every(({ id, hash }) => hashes.get(id) === hash);
    return whole ? ok() : err('conflict', 'Another memory has one of these ids or places.');
  }

  /** A deleted memory is not found. */
  async findMemory(scope: TenantScope, agentId: AgentId, id: string): Promise<Result<MemoryRecord | undefined>> {
    const where = inTenant(scope, eq(memories.agentId, agentId), eq(memories.id, id), isLive);
    return attempt(() => this.#db.select(columns).from(memories).where(where).get());
  }

  /** Those of the ids that the agent may recall, its own and those shared with it, in no order, none deleted. */
  async findMemories(scope: TenantScope, agentId: AgentId, ids: readonly string[]): Promise<Result<MemoryRecord[]>> {
    if (ids.length === 0) return ok([]);
    const where = inTenant(scope, isOneOf(ids), or(eq(memories.agentId, agentId), isSharedWith(agentId)), isLive);
    return attempt(() => this.#db.select(columns).from(memories).where(where).all());
  }

  /** Those of the ids that are or were the agent's own: a tombstone is found as well. */
  async findOwn(scope: TenantScope, agentId: AgentId, ids: readonly string[]): Promise<Result<MemoryRecord[]>> {
    if (ids.length === 0) return ok([]);
    const where = inTenant(scope, isOneOf(ids), isOwn(agentId));
    return attempt(() => this.#db.select(columns).from(memories).where(where).all());
  }

  /** The agent's own since then, newest first: what an index that lags behind may not show yet. */
  async listRecent(
    scope: TenantScope,
    agentId: AgentId,
    sinceMs: number,
    limit: number,
  ): Promise<Result<MemoryRecord[]>> {
    const where = inTenant(scope, eq(memories.agentId, agentId), isLive, gte(memories.createdAt, sinceMs));
    return attempt(() =>
      this.#db.select(columns).from(memories).where(where).orderBy(desc(memories.sequence)).limit(limit).all(),
    );
  }

  /** Live memories that the filter names, by the order of the chain, after the given sequence. */
  async select(
    scope: TenantScope,
    agentId: AgentId,
    filter: MemoryFilter,
    afterSequence: number,
    limit: number,
  ): Promise<Result<MemoryRecord[]>> {
    const where = inTenant(
      scope,
      eq(memories.agentId, agentId),
      gt(memories.sequence, afterSequence),
      isLive,
      ...toConditions(filter),
    );
    return attempt(() =>
      this.#db.select(columns).from(memories).where(where).orderBy(asc(memories.sequence)).limit(limit).all(),
    );
  }

  /** The live memories of the agent that were made from one of these, and those from which they were made in turn. */
  async listDerived(scope: TenantScope, agentId: AgentId, ids: readonly string[]): Promise<Result<MemoryRecord[]>> {
    const cites = sql`EXISTS (SELECT 1 FROM json_each(${memories.sources}) AS cited
      WHERE cited.value IN (SELECT value FROM json_each(${JSON.stringify(ids)})))`;
    const where = inTenant(scope, eq(memories.agentId, agentId), isLive, isMade, cites);
    return attempt(() => this.#db.select(columns).from(memories).where(where).all());
  }

  /** Newest first, without the deleted ones. */
  async listMemories(scope: TenantScope, page: MemoryPage): Promise<Result<List<MemoryRecord>>> {
    const before = page.cursor === undefined ? undefined : parseCursor(page.cursor);
    if (before === null) return err('invalid_request', 'The cursor is not one of this list.', { param: 'cursor' });
    const where = inTenant(
      scope,
      eq(memories.agentId, page.agentId),
      isLive,
      ...toConditions(page.filter ?? {}),
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

  /** Written, closed or deleted since then, in the order of the chain, without checkpoints. */
  async listChanged(
    scope: TenantScope,
    agentId: AgentId,
    { since, limit, cursor }: { readonly since: number; readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<Result<List<MemoryRecord>>> {
    const after = cursor === undefined ? 0 : parseCursor(cursor);
    if (after === null) return err('invalid_request', 'The cursor is not one of this list.', { param: 'cursor' });
    // What closes has a time of its own, that may lie before it was written: what counts is when that was.
    const closedSince = sql`EXISTS (SELECT 1 FROM memories AS closer WHERE closer.tenant_id = ${memories.tenantId}
      AND closer.id = ${memories.closedBy} AND closer.created_at >= ${since})`;
    const where = inTenant(
      scope,
      eq(memories.agentId, agentId),
      gt(memories.sequence, after),
      ne(memories.kind, 'checkpoint'),
      or(gte(memories.createdAt, since), gte(memories.deletedAt, since), closedSince),
    );
    const rows = await attempt(() =>
      this.#db
        .select(columns)
        .from(memories)
        .where(where)
        .orderBy(asc(memories.sequence))
        .limit(limit + 1)
        .all(),
    );
    return rows.ok ? ok(toList(rows.value, limit, (row) => String(row.sequence))) : rows;
  }

  /**
   * Leaves tombstones: all that the hashes do not need goes. Deleting again is fine. `opens`: those of them whose sources
   * are open again then, the newest first.
   */
  async deleteMemories(
    scope: TenantScope,
    agentId: AgentId,
    ids: readonly string[],
    nowMs: number,
    opens: readonly string[] = [],
  ): Promise<Result<undefined>> {
    const own = inTenant(scope, isOneOf(ids), isOwn(agentId), isLive);
    const remains = { text: '', salt: null, subject: null, visitor: null, deletedAt: nowMs };
    const done = await attempt(() =>
      this.#db.batch([
        // A memory of an earlier release has its source in its hash as it stands.
        this.#db
          .update(memories)
          .set({ sourceRef: null, tags: [] })
          .where(and(own, isNotNull(memories.commitment))),
        this.#db.update(memories).set(remains).where(own),
        ...opens.map((id) =>
          this.#db
            .update(memories)
            .set({ closedAt: null, closedBy: null })
            .where(inTenant(scope, eq(memories.closedBy, id), isOwn(agentId), isOpen(scope, id))),
        ),
      ]),
    );
    return done.ok ? ok() : done;
  }

  /**
   * The hashes between the checkpoints around a memory of the agent, and the one that seals them, if there is one yet; no
   * leaves where the agent never had the memory.
   */
  async listStretch(
    scope: TenantScope,
    agentId: AgentId,
    id: string,
  ): Promise<Result<{ readonly leaves: LinkHash[]; readonly checkpoint: ChainHead | null }>> {
    const around = alias(memories, 'around');
    const own = and(eq(around.tenantId, scope.tenantId), eq(around.agentId, agentId), eq(around.kind, 'checkpoint'));
    const place = sql`(SELECT sequence FROM memories WHERE ${inTenant(scope, eq(memories.id, id), isOwn(agentId), ne(memories.kind, 'checkpoint'))})`;
    const nearest = (condition: SQL, order: SQL) => sql`(SELECT ${around.sequence} FROM ${memories} AS around
      WHERE ${and(own, condition)} ORDER BY ${order} LIMIT 1)`;
    const where = inTenant(
      scope,
      eq(memories.agentId, agentId),
      sql`${place} IS NOT NULL`,
      gt(memories.sequence, sql`COALESCE(${nearest(lt(around.sequence, place), desc(around.sequence))}, 0)`),
      lte(memories.sequence, sql`COALESCE(${nearest(gt(around.sequence, place), asc(around.sequence))}, 9e15)`),
    );
    const link = { id: memories.id, sequence: memories.sequence, hash: memories.hash, kind: memories.kind };
    const found = await attempt(() =>
      this.#db.select(link).from(memories).where(where).orderBy(asc(memories.sequence)).all(),
    );
    if (!found.ok) return found;
    const last = found.value.at(-1);
    const checkpoint = last?.kind === 'checkpoint' ? last : null;
    return ok({ leaves: checkpoint ? found.value.slice(0, -1) : found.value, checkpoint });
  }

  /** How many memories there are, and how many bytes of text. */
  async measure(scope: TenantScope): Promise<Result<{ readonly memories: number; readonly textBytes: number }>> {
    const row = await attempt(() =>
      this.#db
        .select({ memories: count(), textBytes: sql<number>`COALESCE(SUM(LENGTH(CAST(${memories.text} AS BLOB))), 0)` })
        .from(memories)
        .where(inTenant(scope, isLive))
        .get(),
    );
    return row.ok ? ok(row.value ?? { memories: 0, textBytes: 0 }) : row;
  }

  /** One of these ids that some agent of the tenant has, or had. */
  async findKnownId(scope: TenantScope, ids: readonly string[]): Promise<Result<string | undefined>> {
    const where = inTenant(scope, isOneOf(ids));
    return attempt(async () => (await this.#db.select({ id: memories.id }).from(memories).where(where).get())?.id);
  }

  /** Without the deleted ones. */
  async countMemories(scope: TenantScope, agentId: AgentId): Promise<Result<number>> {
    const where = inTenant(scope, eq(memories.agentId, agentId), isLive);
    return attempt(async () => (await this.#db.select({ n: count() }).from(memories).where(where).get())?.n ?? 0);
  }
}

const { tenantId: _, ...columns } = getTableColumns(memories);

/** A memory that is there: neither forgotten nor a checkpoint. */
const isLive = and(isNull(memories.deletedAt), ne(memories.kind, 'checkpoint'));

/** Nothing has taken the place of this memory. */
function isOpen(scope: TenantScope, id: string): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM memories AS closer
    WHERE closer.tenant_id = ${scope.tenantId} AND closer.id = ${id} AND closer.closed_by IS NOT NULL)`;
}

/** In the words of the index that holds these alone. */
const isMade = sql`${memories.sources} <> '[]'`;

/** For rows that are found by an id: without the sign SQLite would go through all that the agent has instead. */
function isOwn(agentId: string): SQL {
  return sql`+${memories.agentId} = ${agentId}`;
}

/** One parameter, however many ids. */
function isOneOf(ids: readonly string[]): SQL {
  return sql`${memories.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
}

function isSharedWith(agentId: AgentId): SQL | undefined {
  const names = sql`EXISTS (SELECT 1 FROM json_each(${memories.readers}) AS reader WHERE reader.value IN ('*', ${agentId}))`;
  return and(eq(memories.scope, 'shared'), names);
}

function toConditions(filter: MemoryFilter): (SQL | undefined)[] {
  const { kind, scope, tags, subject, visitor, source, author, after, before } = filter;
  const hasTag = sql`EXISTS (SELECT 1 FROM json_each(${memories.tags}) AS tag
    WHERE tag.value IN (SELECT value FROM json_each(${JSON.stringify(tags ?? [])})))`;
  return [
    kind && inArray(memories.kind, [kind].flat()),
    scope && eq(memories.scope, scope),
    tags && hasTag,
    subject === undefined ? undefined : eq(memories.subject, subject),
    visitor === undefined ? undefined : eq(memories.visitor, visitor),
    source && eq(memories.sourceType, source),
    author === undefined ? undefined : eq(memories.author, author),
    after === undefined ? undefined : gte(memories.createdAt, Date.parse(after)),
    before === undefined ? undefined : lt(memories.createdAt, Date.parse(before)),
  ];
}

/** The only way in which this file makes a WHERE. */
function inTenant(scope: TenantScope, ...conditions: (SQL | undefined)[]): SQL | undefined {
  return and(eq(memories.tenantId, scope.tenantId), ...conditions);
}

function parseCursor(cursor: string): number | null {
  return /^[1-9][0-9]{0,14}$/.test(cursor) ? Number(cursor) : null;
}
