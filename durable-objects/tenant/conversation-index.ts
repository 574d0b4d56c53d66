/** All SQL about which conversations a tenant has. What is in them, their own objects know. */
import type { ConversationId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';

export type IndexedConversation = { readonly id: ConversationId; readonly agent: string | null };

export class ConversationIndex {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(id: ConversationId, agentId: string | null, principal: Principal, now: number): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO conversations (id, agent_id, owner, created_at) VALUES (?, ?, ?, ?)',
      id,
      agentId,
      principal.id,
      now,
    );
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM conversations WHERE id = ?', id);
  }

  /** Newest first; a visitor sees its own, a key bound to an agent sees that agent's. */
  list(principal: Principal, limit: number, cursor: string | undefined): IndexedConversation[] {
    return this.#sql
      .exec<{ id: ConversationId; agent_id: string | null }>(
        `SELECT id, agent_id FROM conversations
         WHERE id < ?1 AND (?2 IS NULL OR owner = ?2) AND (?3 IS NULL OR agent_id = ?3) ORDER BY id DESC LIMIT ?4`,
        cursor ?? 'd',
        principal.kind === 'visitor' ? principal.id : null,
        principal.scope.agent,
        limit,
      )
      .toArray()
      .map((row) => ({ id: row.id, agent: row.agent_id }));
  }
}
