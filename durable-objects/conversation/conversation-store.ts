/** All SQL of a conversation: its head, its items, its responses and their event logs. */
import { err, ok, type Result } from '../../shared/core/result.ts';
import { toUnixSeconds } from '../../shared/core/clock.ts';
import type { AgentId, ConversationId, ResponseId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { Conversation, Item, ItemList, ItemQuery } from '../../shared/contracts/conversations.ts';
import type { Response } from '../../shared/contracts/responses.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';

export type ConversationRow = {
  id: ConversationId;
  owner_kind: Principal['kind'];
  owner_id: string;
  agent_id: AgentId | null;
  created_at: number;
  metadata: string;
  listed: number;
};
type ItemRow = { position: number; id: string; item: string };
type ResponseRow = { id: ResponseId; previous_id: ResponseId | null; response: string; start: string };

export class ConversationStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  create(
    head: {
      readonly id: ConversationId;
      readonly agentId: AgentId | null;
      readonly metadata: Readonly<Record<string, string>>;
      readonly listed: boolean;
    },
    owner: Principal,
    now: number,
  ): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO conversation VALUES (1, ?, ?, ?, ?, ?, ?, ?)',
      head.id,
      owner.kind,
      owner.id,
      head.agentId,
      now,
      JSON.stringify(head.metadata),
      head.listed ? 1 : 0,
    );
  }

  head(): ConversationRow | undefined {
    return this.#sql.exec<ConversationRow>('SELECT * FROM conversation').toArray()[0];
  }

  setMetadata(metadata: Readonly<Record<string, string>>): void {
    this.#sql.exec('UPDATE conversation SET metadata = ?', JSON.stringify(metadata));
  }

  addItem(item: Item, direction: 'input' | 'output', responseId: ResponseId | null, inThread: boolean): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO items (id, response_id, direction, in_thread, item) VALUES (?, ?, ?, ?, ?)',
      item.id,
      responseId,
      direction,
      inThread ? 1 : 0,
      JSON.stringify(item),
    );
  }

  /** What a turn on this thread reads: the conversation's items, oldest first. */
  threadItems(): Item[] {
    return this.#items('in_thread = 1', []);
  }

  itemsOf(responseId: ResponseId, direction: 'input' | 'output'): Item[] {
    return this.#items('response_id = ? AND direction = ?', [responseId, direction]);
  }

  /** A page of items, the conversation's own or one response's input, in OpenAI's form. */
  listItems(query: ItemQuery, responseId: ResponseId | null): Result<ItemList> {
    const filter = responseId === null ? 'in_thread = 1' : "response_id = ? AND direction = 'input'";
    const bound = responseId === null ? [] : [responseId];
    const descending = query.order === 'desc';
    let after = descending ? Number.MAX_SAFE_INTEGER : 0;
    if (query.after !== undefined) {
      const row = this.#sql
        .exec<ItemRow>(`SELECT * FROM items WHERE ${filter} AND id = ?`, ...bound, query.after)
        .toArray()[0];
      if (!row) return err('not_found', 'There is no such item in this list.', { param: 'after' });
      after = row.position;
    }
    const rows = this.#sql
      .exec<ItemRow>(
        `SELECT * FROM items WHERE ${filter} AND position ${descending ? '<' : '>'} ?
         ORDER BY position ${descending ? 'DESC' : 'ASC'} LIMIT ?`,
        ...bound,
        after,
        query.limit + 1,
      )
      .toArray();
    const data = rows.slice(0, query.limit).map(parseItem);
    return ok({
      object: 'list',
      data,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: rows.length > query.limit,
    });
  }

  findItem(id: string): Item | undefined {
    return this.#items('in_thread = 1 AND id = ?', [id])[0];
  }

  deleteItem(id: string): boolean {
    return this.#sql.exec('DELETE FROM items WHERE in_thread = 1 AND id = ?', id).rowsWritten > 0;
  }

  addResponse(response: Response, start: TurnStart): void {
    this.#sql.exec(
      'INSERT INTO responses (id, previous_id, status, response, start, created_at) VALUES (?, ?, ?, ?, ?, ?)',
      response.id,
      response.previous_response_id,
      response.status,
      JSON.stringify(response),
      JSON.stringify(start),
      response.created_at,
    );
  }

  putResponse(response: Response): void {
    this.#sql.exec(
      'UPDATE responses SET status = ?, response = ? WHERE id = ?',
      response.status,
      JSON.stringify(response),
      response.id,
    );
  }

  findResponse(id: ResponseId): { readonly response: Response; readonly start: TurnStart } | undefined {
    const row = this.#sql.exec<ResponseRow>('SELECT * FROM responses WHERE id = ?', id).toArray()[0];
    return row && { response: JSON.parse(row.response) as Response, start: JSON.parse(row.start) as TurnStart };
  }

  /** Ids of the turns that have not ended. */
  unfinished(): ResponseId[] {
    return this.#sql
      .exec<{ id: ResponseId }>("SELECT id FROM responses WHERE status IN ('queued', 'in_progress')")
      .toArray()
      .map((row) => row.id);
  }

  countStored(): number {
    return this.#sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM responses WHERE response ->> '$.store' = 1").one()
      .n;
  }

  /** The response's own rows; the thread keeps its items. */
  deleteResponse(id: ResponseId): void {
    this.#sql.exec('DELETE FROM events WHERE response_id = ?', id);
    this.#sql.exec('DELETE FROM items WHERE response_id = ? AND in_thread = 0', id);
    this.#sql.exec('DELETE FROM responses WHERE id = ?', id);
  }

  /** Everything that came before a response by `previous_response_id`, oldest first. */
  ancestry(id: ResponseId): Item[] {
    const chain: ResponseId[] = [];
    for (let at: ResponseId | null = id; at !== null;) {
      chain.unshift(at);
      at =
        this.#sql
          .exec<{ previous_id: ResponseId | null }>('SELECT previous_id FROM responses WHERE id = ?', at)
          .toArray()[0]?.previous_id ?? null;
    }
    return chain.flatMap((each) => [...this.itemsOf(each, 'input'), ...this.itemsOf(each, 'output')]);
  }

  addFrames(responseId: ResponseId, first: number, frames: readonly string[]): void {
    this.#sql.exec('INSERT INTO events VALUES (?, ?, ?)', responseId, first, JSON.stringify(frames));
  }

  /** Frames from sequence number `from` on. */
  frames(responseId: ResponseId, from: number): string[] {
    const rows = this.#sql
      .exec<{ first: number; frames: string }>(
        'SELECT first, frames FROM events WHERE response_id = ? ORDER BY first',
        responseId,
      )
      .toArray();
    return rows.flatMap((row) => (JSON.parse(row.frames) as string[]).slice(Math.max(0, from - row.first)));
  }

  #items(where: string, bound: readonly string[]): Item[] {
    return this.#sql
      .exec<ItemRow>(`SELECT * FROM items WHERE ${where} ORDER BY position`, ...bound)
      .toArray()
      .map(parseItem);
  }
}

export function toConversation(row: ConversationRow): Conversation {
  return {
    id: row.id,
    object: 'conversation',
    created_at: toUnixSeconds(row.created_at),
    metadata: JSON.parse(row.metadata) as Record<string, string>,
  };
}

function parseItem(row: ItemRow): Item {
  return JSON.parse(row.item) as Item;
}
