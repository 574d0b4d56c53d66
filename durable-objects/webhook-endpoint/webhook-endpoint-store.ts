/** All SQL of a webhook's object: its queue, its latest attempts, and how its receiver is doing. */
import { toIso } from '../../shared/core/clock.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { AttemptQuery, OutgoingMessage, WebhookAttempt } from '../../shared/contracts/webhooks.ts';
import { goodHealth, type Health, type Verdict } from './delivery-rules.ts';

export const MaxQueued = 10_000;
const KeptAttempts = 2_000;

export type Queued = OutgoingMessage & { readonly sequence: number; readonly due: number; readonly attempts: number };

/** What one attempt was, and what is done with its event. */
export type Attempt = {
  readonly message: Queued;
  readonly at: number;
  readonly durationMs: number;
  readonly verdict: Verdict;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number | null;
  readonly answer: string | null;
  readonly fault: string | null;
};

type AttemptRow = {
  sequence: number;
  event: string;
  type: string;
  number: number;
  at: number;
  duration_ms: number;
  outcome: WebhookAttempt['outcome'];
  next_at: number | null;
  url: string;
  headers: string;
  body: string;
  status: number | null;
  answer: string | null;
  fault: string | null;
};

/** `givenUpRevision`: the settings under which the receiver was disabled; others begin anew. */
export type EndpointState = { readonly health: Health; readonly givenUpRevision: number };

export class WebhookEndpointStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** What is in the queue already stays as it is. */
  add(messages: readonly OutgoingMessage[], now: number): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO queue (id, type, body, traceparent, due)
       SELECT value ->> '$.id', value ->> '$.type', value ->> '$.body', value ->> '$.traceparent', ? FROM json_each(?) ORDER BY key`,
      now,
      JSON.stringify(messages),
    );
  }

  count(): number {
    return this.#sql.exec<{ count: number }>('SELECT COUNT(*) AS count FROM queue').one().count;
  }

  /** What is due, the longest due first. */
  due(now: number, limit: number): Queued[] {
    return this.#sql
      .exec<Queued>('SELECT * FROM queue WHERE due <= ? ORDER BY due, sequence LIMIT ?', now, limit)
      .toArray();
  }

  /** The first of the queue, whenever it is due. */
  first(limit: number): Queued[] {
    return this.#sql.exec<Queued>('SELECT * FROM queue ORDER BY sequence LIMIT ?', limit).toArray();
  }

  /** When the next is due, of those that are not `busy`. */
  nextDue(ordered: boolean, busy: ReadonlySet<number>): number | undefined {
    const rows = this.#sql.exec<{ sequence: number; due: number }>(
      `SELECT sequence, due FROM queue ORDER BY ${ordered ? 'sequence' : 'due, sequence'} LIMIT ?`,
      busy.size + 1,
    );
    return rows.toArray().find(({ sequence }) => !busy.has(sequence))?.due;
  }

  /** Enters attempts and what becomes of their events. Inside a transaction of the caller's. */
  settle(attempts: readonly Attempt[]): void {
    const over = attempts.filter(({ verdict: { kind } }) => kind === 'delivered' || kind === 'exhausted');
    if (over.length > 0) {
      this.#sql.exec(
        'DELETE FROM queue WHERE sequence IN (SELECT value FROM json_each(?))',
        JSON.stringify(over.map(({ message }) => message.sequence)),
      );
    }
    for (const { message, verdict } of attempts) {
      if (verdict.kind !== 'retried') continue;
      const { sequence, attempts: before } = message;
      this.#sql.exec('UPDATE queue SET due = ?, attempts = ? WHERE sequence = ?', verdict.at, before + 1, sequence);
    }
    this.#sql.exec(
      `INSERT INTO attempts (event, type, number, at, duration_ms, outcome, next_at, url, headers, body, status, answer, fault)
       SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
         value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12 FROM json_each(?) ORDER BY key`,
      JSON.stringify(attempts.map(toRow)),
    );
    // The latest of each event that still waits is kept beyond: it says when the next one is.
    this.#sql.exec(
      `DELETE FROM attempts WHERE sequence <= (SELECT MAX(sequence) FROM attempts) - ?
         AND NOT EXISTS (SELECT 1 FROM queue WHERE queue.id = event AND queue.attempts = number)`,
      KeptAttempts,
    );
  }

  clear(): void {
    this.#sql.exec('DELETE FROM queue');
  }

  state(): EndpointState {
    const row = this.#sql
      .exec<{ health: string; given_up_revision: number }>('SELECT health, given_up_revision FROM state')
      .toArray()[0];
    return row
      ? { health: JSON.parse(row.health) as Health, givenUpRevision: row.given_up_revision }
      : { health: goodHealth, givenUpRevision: 0 };
  }

  keep({ health, givenUpRevision }: EndpointState): void {
    this.#sql.exec('INSERT OR REPLACE INTO state VALUES (1, ?, ?)', JSON.stringify(health), givenUpRevision);
  }

  /** Newest first. */
  listAttempts(webhook: string, { limit, cursor, event }: AttemptQuery): List<WebhookAttempt> {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number.parseInt(cursor, 10);
    const rows = this.#sql
      .exec<AttemptRow>(
        `SELECT * FROM attempts WHERE sequence < ?1 AND (?2 IS NULL OR event = ?2) ORDER BY sequence DESC LIMIT ?3`,
        Number.isSafeInteger(before) ? before : 0,
        event ?? null,
        limit + 1,
      )
      .toArray();
    const list = toList(rows, limit, ({ sequence }) => String(sequence));
    return { ...list, data: list.data.map((row) => toAttempt(webhook, row)) };
  }
}

function toRow({ message, at, durationMs, verdict, url, headers, status, answer, fault }: Attempt): unknown[] {
  return [
    message.id,
    message.type,
    message.attempts + 1,
    at,
    durationMs,
    verdict.kind,
    verdict.kind === 'retried' ? verdict.at : null,
    url,
    JSON.stringify(headers),
    message.body,
    status,
    answer,
    fault,
  ];
}

function toAttempt(webhook: string, row: AttemptRow): WebhookAttempt {
  return {
    object: 'webhook.attempt',
    id: `${row.event}/${row.sequence}`,
    webhook,
    event: row.event,
    type: row.type,
    number: row.number,
    at: toIso(row.at),
    duration_ms: row.duration_ms,
    outcome: row.outcome,
    next_attempt_at: row.next_at === null ? null : toIso(row.next_at),
    request: { url: row.url, headers: JSON.parse(row.headers) as Record<string, string>, body: row.body },
    response: row.status === null ? null : { status: row.status, body: row.answer ?? '' },
    fault: row.fault,
  };
}
