/** All SQL of an outbox: events that an object has entered and its tenant's object has not taken yet. */
import type { CarriedEvent } from '../../shared/contracts/events.ts';
import type { ObjectMigration } from './migrate.ts';

/** For the migrations of every object that has an outbox. */
export const outboxMigration: ObjectMigration = {
  id: 'outbox',
  sql: 'CREATE TABLE outbox (position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, event TEXT NOT NULL)',
};

export class OutboxStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  put(events: readonly CarriedEvent[]): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO outbox (id, event) SELECT value ->> 'id', value FROM json_each(?)`,
      JSON.stringify(events),
    );
  }

  first(limit: number): CarriedEvent[] {
    return this.#sql
      .exec<{ event: string }>('SELECT event FROM outbox ORDER BY position LIMIT ?', limit)
      .toArray()
      .map((row) => JSON.parse(row.event) as CarriedEvent);
  }

  remove(ids: readonly string[]): void {
    this.#sql.exec('DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
  }

  isEmpty(): boolean {
    return this.#sql.exec('SELECT 1 FROM outbox LIMIT 1').toArray().length === 0;
  }
}
