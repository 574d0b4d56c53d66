/**
 * All SQL that tells which objects a tenant has, and how large they are. Agents are found in the audit trail as well: one that was deleted has
 * left an object behind, and the trail forgets nobody.
 */
import type { AgentId, ConversationId, WebhookId } from '../../shared/core/ids.ts';
import { conversationOfObjectName } from '../../shared/tenancy/object-name.ts';

/** How large the database of another object of the tenant is, a conversation's or that of agents, as that object says. */
export type ObjectSize = { readonly name: string; readonly bytes: number };

export class EstateStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  agents(after: string, limit: number): AgentId[] {
    return this.#sql
      .exec<{ id: AgentId }>(
        `SELECT id FROM agents WHERE id > ?1
         UNION SELECT target FROM audit WHERE action = 'agent.created' AND target > ?1 ORDER BY 1 LIMIT ?2`,
        after,
        limit,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /** Also those that no list shows: of a response without a conversation, of a chat completion that is being answered. */
  conversations(after: string, limit: number): ConversationId[] {
    return this.#sql
      .exec<{ id: ConversationId }>('SELECT id FROM conversations WHERE id > ? ORDER BY id LIMIT ?', after, limit)
      .toArray()
      .map(({ id }) => id);
  }

  /** A conversation that is gone meanwhile is not noted again. */
  noteSize({ name, bytes }: ObjectSize): void {
    const conversation = conversationOfObjectName(name);
    if (conversation) this.#sql.exec('UPDATE conversations SET bytes = ? WHERE id = ?', bytes, conversation);
    else this.#sql.exec('INSERT OR REPLACE INTO agent_objects (name, bytes) VALUES (?, ?)', name, bytes);
  }

  /** Of all its conversations and agents together, as each said last. */
  objectBytes(): number {
    return this.#sql
      .exec<{ bytes: number }>(
        `SELECT (SELECT COALESCE(SUM(bytes), 0) FROM conversations) + (SELECT COALESCE(SUM(bytes), 0) FROM agent_objects)
           AS bytes`,
      )
      .one().bytes;
  }

  /** Also deleted ones whose objects have not forgotten everything yet. */
  webhooks(after: string, limit: number): WebhookId[] {
    return this.#sql
      .exec<{ id: WebhookId }>(
        `SELECT id FROM webhooks WHERE id > ?1 UNION SELECT id FROM webhook_removals WHERE id > ?1 ORDER BY 1 LIMIT ?2`,
        after,
        limit,
      )
      .toArray()
      .map(({ id }) => id);
  }
}
