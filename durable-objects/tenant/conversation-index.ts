/**
 * All SQL about which conversations a tenant has, and the full text of those that lists show. What is in them, their own
 * objects know, and are asked again before anything is shown. Those that no list shows are in here as well, from their
 * first turn until they are gone: without them a deletion could not find everything.
 */
import type { ConversationId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { ConversationReport } from '../../shared/contracts/conversations.ts';

type SqlValue = string | number;

export type IndexedConversation = { readonly id: ConversationId; readonly agent: string | null };
export type FoundItem = IndexedConversation & { readonly rid: number; readonly item: string };

export type ListedQuery = {
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly agentId?: string | undefined;
  readonly visitor?: string | undefined;
  /** A pair of the metadata. */
  readonly pair?: readonly [string, string] | undefined;
  readonly createdAfter?: number | undefined;
  readonly createdBefore?: number | undefined;
};

export class ConversationIndex {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Whether it is new. */
  add(
    { id, listed }: { readonly id: ConversationId; readonly listed: boolean },
    agentId: string | null,
    principal: Principal,
    now: number,
  ): boolean {
    return (
      this.#sql.exec(
        'INSERT OR IGNORE INTO conversations (id, agent_id, owner, created_at, listed) VALUES (?, ?, ?, ?, ?)',
        id,
        agentId,
        principal.id,
        now,
        listed ? 1 : 0,
      ).rowsWritten > 0
    );
  }

  /** What was removed; undefined where there was none. */
  remove(id: string): (IndexedConversation & { readonly listed: boolean }) | undefined {
    this.#forget('conversation_id = ?', id);
    const removed = this.#sql
      .exec<IndexedConversation & { listed: number }>(
        'DELETE FROM conversations WHERE id = ? RETURNING id, agent_id AS agent, listed',
        id,
      )
      .toArray()[0];
    return removed && { ...removed, listed: removed.listed === 1 };
  }

  /** Newest first; a visitor sees its own, a key bound to an agent sees that agent's. */
  list(principal: Principal, query: ListedQuery): IndexedConversation[] {
    const { sql, bound } = this.#visible(principal, query);
    return this.#sql
      .exec<IndexedConversation>(
        `SELECT id, COALESCE(agent_id, answered_by) AS agent FROM conversations
         WHERE ${sql} AND id < ? ORDER BY id DESC LIMIT ?`,
        ...bound,
        query.cursor ?? 'd',
        query.limit,
      )
      .toArray();
  }

  /** What a listed conversation says of itself; of any other, and of one that is gone, nothing is kept. */
  put({ id, metadata, answeredBy, items }: ConversationReport): void {
    const known = this.#sql.exec(
      'UPDATE conversations SET metadata = ?, answered_by = ? WHERE id = ? AND listed = 1',
      JSON.stringify(metadata),
      answeredBy,
      id,
    );
    if (known.rowsWritten === 0) return;
    for (const item of items) {
      this.#forget('conversation_id = ? AND item_id = ?', id, item.id);
      if (item.text === null) continue;
      this.#sql.exec('INSERT INTO conversation_items (conversation_id, item_id) VALUES (?, ?)', id, item.id);
      this.#sql.exec('INSERT INTO conversation_texts (rowid, text) VALUES (last_insert_rowid(), ?)', item.text);
    }
  }

  /** Items that hold every term, what was indexed last first. */
  search(principal: Principal, query: ListedQuery, expression: string): FoundItem[] {
    const { sql, bound } = this.#visible(principal, query);
    return this.#sql
      .exec<FoundItem>(
        `SELECT i.rid, i.item_id AS item, conversations.id, COALESCE(agent_id, answered_by) AS agent
         FROM conversation_texts t JOIN conversation_items i ON i.rid = t.rowid
           JOIN conversations ON conversations.id = i.conversation_id
         WHERE t.text MATCH ? AND ${sql} AND t.rowid < ? ORDER BY t.rowid DESC LIMIT ?`,
        expression,
        ...bound,
        Number(query.cursor ?? Number.MAX_SAFE_INTEGER),
        query.limit,
      )
      .toArray();
  }

  #forget(where: string, ...bound: string[]): void {
    this.#sql.exec(
      `DELETE FROM conversation_texts WHERE rowid IN (SELECT rid FROM conversation_items WHERE ${where})`,
      ...bound,
    );
    this.#sql.exec(`DELETE FROM conversation_items WHERE ${where}`, ...bound);
  }

  #visible({ kind, id, scope }: Principal, query: ListedQuery): { readonly sql: string; readonly bound: SqlValue[] } {
    const conditions: (readonly [string, ...SqlValue[]])[] = [['listed = 1']];
    if (kind === 'visitor') conditions.push(['owner = ?', id]);
    if (scope.agent !== null) conditions.push(['agent_id = ?', scope.agent]);
    if (query.agentId !== undefined) conditions.push(['? IN (agent_id, answered_by)', query.agentId]);
    if (query.visitor !== undefined) conditions.push(['owner = ?', query.visitor]);
    if (query.pair !== undefined) {
      conditions.push(['EXISTS (SELECT 1 FROM json_each(metadata) WHERE key = ? AND value = ?)', ...query.pair]);
    }
    if (query.createdAfter !== undefined) conditions.push(['created_at >= ?', query.createdAfter]);
    if (query.createdBefore !== undefined) conditions.push(['created_at < ?', query.createdBefore]);
    return {
      sql: conditions.map(([sql]) => sql).join(' AND '),
      bound: conditions.flatMap(([, ...bound]) => bound),
    };
  }
}
