/** All SQL of a conversation: its head, its items, its responses and their event logs. */
import { err, ok, type Result } from '../../shared/core/result.ts';
import { toUnixSeconds } from '../../shared/core/clock.ts';
import type { AgentId, ConversationId, ResponseId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { Conversation, Item, ItemList, ItemQuery } from '../../shared/contracts/conversations.ts';
import { terminalStatuses, type Response } from '../../shared/contracts/responses.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';
import type { Thread } from './turn-line.ts';

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
    if (head.listed) this.#noteUnindexed(null);
  }

  head(): ConversationRow | undefined {
    return this.#sql.exec<ConversationRow>('SELECT * FROM conversation').toArray()[0];
  }

  setMetadata(metadata: Readonly<Record<string, string>>): void {
    this.#sql.exec('UPDATE conversation SET metadata = ?', JSON.stringify(metadata));
    this.#noteUnindexed(null);
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
    if (inThread) this.#noteUnindexed(item.id);
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
    if (this.#sql.exec('DELETE FROM items WHERE in_thread = 1 AND id = ?', id).rowsWritten === 0) return false;
    this.#noteUnindexed(id);
    return true;
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

  /** All of them, the oldest first. */
  responses(): { readonly id: ResponseId; readonly isOver: boolean }[] {
    return this.#sql
      .exec<{ id: ResponseId; status: Response['status'] }>('SELECT id, status FROM responses ORDER BY id')
      .toArray()
      .map(({ id, status }) => ({ id, isOver: terminalStatuses.has(status) }));
  }

  /** The number of its last event; -1 where there is none. */
  lastFrame(responseId: ResponseId): number {
    const last = this.#sql
      .exec<{ at: number }>(
        `SELECT first + json_array_length(frames) - 1 AS at FROM events
         WHERE response_id = ? ORDER BY first DESC LIMIT 1`,
        responseId,
      )
      .toArray()[0];
    return last?.at ?? -1;
  }

  /** Ids of the turns that have not ended. */
  unfinished(): ResponseId[] {
    return this.#sql
      .exec<{ id: ResponseId }>("SELECT id FROM responses WHERE status IN ('queued', 'in_progress')")
      .toArray()
      .map((row) => row.id);
  }

  /** The turns that extend the conversation: those that have begun, and those that wait for them. */
  thread(): Thread {
    const line = this.#sql
      .exec<{ id: ResponseId; interrupts: number }>('SELECT response_id AS id, interrupts FROM line ORDER BY place')
      .toArray()
      .map(({ id, interrupts }) => ({ id, interrupts: interrupts === 1 }));
    const running = this.#sql
      .exec<{ id: ResponseId }>(
        `SELECT id FROM responses WHERE status IN ('queued', 'in_progress')
         AND start ->> '$.context.kind' = 'thread' AND id NOT IN (SELECT response_id FROM line)`,
      )
      .toArray()
      .map(({ id }) => id);
    return { running, line };
  }

  isInLine(id: ResponseId): boolean {
    return this.#sql.exec('SELECT 1 FROM line WHERE response_id = ?', id).toArray().length > 0;
  }

  joinLine(id: ResponseId, interrupts: boolean): void {
    this.#sql.exec('INSERT INTO line (response_id, interrupts) VALUES (?, ?)', id, interrupts ? 1 : 0);
  }

  leaveLine(id: ResponseId): void {
    this.#sql.exec('DELETE FROM line WHERE response_id = ?', id);
  }

  /** What it was asked stands in the thread from now on, after all that was said while it waited. */
  enterThread(id: ResponseId): void {
    this.leaveLine(id);
    this.#sql.exec(
      `UPDATE items SET in_thread = 1, position = position + (
         SELECT MAX(position) FROM items
       ) + 1 - (SELECT MIN(position) FROM items WHERE response_id = ?1)
       WHERE response_id = ?1`,
      id,
    );
    this.#sql.exec('INSERT INTO unindexed (item_id) SELECT id FROM items WHERE response_id = ? ORDER BY position', id);
  }

  countStored(): number {
    return this.#sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM responses WHERE response ->> '$.store' = 1").one()
      .n;
  }

  /** The response's own rows; the thread keeps its items. */
  deleteResponse(id: ResponseId): void {
    this.leaveLine(id);
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

  /** `reserved`: events up to this number may be shown before they are stored. */
  addFrames(responseId: ResponseId, first: number, frames: readonly string[], reserved: number): void {
    this.#sql.exec(
      'INSERT INTO events (response_id, first, frames, reserved) VALUES (?, ?, ?, ?)',
      responseId,
      first,
      JSON.stringify(frames),
      reserved,
    );
  }

  /** The number below which events may have been shown, stored or not. */
  reservedFrames(responseId: ResponseId): number {
    const last = this.#sql
      .exec<{ reserved: number }>(
        'SELECT reserved FROM events WHERE response_id = ? ORDER BY first DESC LIMIT 1',
        responseId,
      )
      .toArray()[0];
    return last?.reserved ?? 0;
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

  /** What the tenant's index has not been told yet, in the order in which it happened. */
  unindexed(limit: number): { readonly position: number; readonly item_id: string | null }[] {
    return this.#sql
      .exec<{ position: number; item_id: string | null }>('SELECT * FROM unindexed ORDER BY position LIMIT ?', limit)
      .toArray();
  }

  /** Up to this one, the index has been told. */
  forgetUnindexed(upTo: number): void {
    this.#sql.exec('DELETE FROM unindexed WHERE position <= ?', upTo);
  }

  /** The agent of the newest turn of the thread. */
  lastAgent(): AgentId | null {
    return (
      this.#sql
        .exec<{ agent: AgentId | null }>(
          `SELECT start ->> '$.agent.id' AS agent FROM responses
           WHERE start ->> '$.context.kind' = 'thread' ORDER BY id DESC LIMIT 1`,
        )
        .toArray()[0]?.agent ?? null
    );
  }

  #noteUnindexed(itemId: string | null): void {
    this.#sql.exec('INSERT INTO unindexed (item_id) VALUES (?)', itemId);
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
