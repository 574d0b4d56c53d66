/** All SQL of a tenant's event log. Positions count up and are never used again; ids are unique, so an event is in once. */
import { toIso } from '../../shared/core/clock.ts';
import { selectTypes, type EventDraft, type EventFilter, type PlatformEvent } from '../../shared/contracts/events.ts';

export type PlacedEvent = {
  readonly position: number;
  readonly event: PlatformEvent;
  readonly traceparent: string | null;
};

type EventRow = {
  position: number;
  id: string;
  type: string;
  agent: string | null;
  environment: PlatformEvent['environment'];
  at: number;
  data: string;
  traceparent: string | null;
};

export class EventStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Whether it is new. */
  add(
    id: string,
    at: number,
    { type, data, agent = null, environment = null, traceparent = null }: EventDraft,
  ): boolean {
    return (
      this.#sql.exec(
        'INSERT OR IGNORE INTO events (id, type, agent, environment, at, data, traceparent) VALUES (?, ?, ?, ?, ?, ?, ?)',
        id,
        type,
        agent,
        environment,
        at,
        JSON.stringify(data),
        traceparent,
      ).rowsWritten > 0
    );
  }

  /** In the order in which they were entered, after a position. */
  after(position: number, filter: EventFilter, limit: number): PlacedEvent[] {
    return this.#read('position > ?1', 'ASC', position, filter, limit);
  }

  /** Newest first, before a position. */
  before(position: number, filter: EventFilter, limit: number): PlacedEvent[] {
    return this.#read('position < ?1', 'DESC', position, filter, limit);
  }

  positionOf(id: string): number | undefined {
    return this.#sql.exec<{ position: number }>('SELECT position FROM events WHERE id = ?', id).toArray()[0]?.position;
  }

  /** The position of the last event, 0 before the first. */
  head(): number {
    return this.#sql.exec<{ head: number | null }>('SELECT MAX(position) AS head FROM events').one().head ?? 0;
  }

  span(since: number, until: number): { readonly first: number; readonly last: number } | undefined {
    const { first, last } = this.#sql
      .exec<{ first: number | null; last: number | null }>(
        'SELECT MIN(position) AS first, MAX(position) AS last FROM events WHERE at >= ? AND at <= ?',
        since,
        until,
      )
      .one();
    return first === null || last === null ? undefined : { first, last };
  }

  oldest(): { readonly position: number; readonly at: number } | undefined {
    return this.#sql
      .exec<{ position: number; at: number }>('SELECT position, at FROM events ORDER BY position LIMIT 1')
      .toArray()[0];
  }

  /** Deletes the oldest, at most `limit`, of those up to `position` that are older than `before` or beyond the newest `keep`. */
  prune(position: number, before: number, keep: number, limit: number): number {
    return this.#sql.exec(
      `DELETE FROM events WHERE position IN (
         SELECT position FROM events WHERE position <= ? AND (at < ? OR position <= ?) ORDER BY position LIMIT ?)`,
      position,
      before,
      this.head() - keep,
      limit,
    ).rowsWritten;
  }

  #read(range: string, order: 'ASC' | 'DESC', position: number, filter: EventFilter, limit: number): PlacedEvent[] {
    return this.#sql
      .exec<EventRow>(
        `SELECT * FROM events
         WHERE ${range} AND (?2 IS NULL OR type IN (SELECT value FROM json_each(?2)))
           AND (?3 IS NULL OR agent = ?3) AND (?4 IS NULL OR environment = ?4) AND (?5 IS NULL OR at >= ?5)
         ORDER BY position ${order} LIMIT ?6`,
        position,
        filter.type === undefined ? null : JSON.stringify(selectTypes(filter.type)),
        filter.agent ?? null,
        filter.environment ?? null,
        filter.since === undefined ? null : Date.parse(filter.since),
        limit,
      )
      .toArray()
      .map(toPlaced);
  }
}

function toPlaced({ position, id, type, agent, environment, at, data, traceparent }: EventRow): PlacedEvent {
  return {
    position,
    traceparent,
    event: {
      object: 'event',
      id,
      type,
      timestamp: toIso(at),
      agent,
      environment,
      data: JSON.parse(data) as Record<string, unknown>,
    },
  };
}
