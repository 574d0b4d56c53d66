/** All SQL of the turns whose conversation is still to be searched for memories, and of what was found in them. */
import type { ResponseId } from '../../shared/core/ids.ts';
import type { NewMemory } from '../../shared/contracts/memories.ts';

export type PlannedExtraction = {
  readonly responseId: ResponseId;
  readonly attempts: number;
  /** Null before the model was asked. */
  readonly found: readonly NewMemory[] | null;
};

type Row = { response_id: ResponseId; attempts: number; found: string | null };

export class ExtractionStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  plan(id: ResponseId, dueAt: number): void {
    this.#sql.exec('INSERT OR IGNORE INTO extractions VALUES (?, ?, 0, NULL)', id, dueAt);
  }

  nextDueAt(): number | undefined {
    return (
      this.#sql.exec<{ at: number | null }>('SELECT MIN(due_at) AS at FROM extractions').toArray()[0]?.at ?? undefined
    );
  }

  due(now: number): PlannedExtraction | undefined {
    const row = this.#sql
      .exec<Row>('SELECT response_id, attempts, found FROM extractions WHERE due_at <= ? ORDER BY due_at LIMIT 1', now)
      .toArray()[0];
    return (
      row && {
        responseId: row.response_id,
        attempts: row.attempts,
        found: row.found === null ? null : (JSON.parse(row.found) as NewMemory[]),
      }
    );
  }

  /** What the model found, so that it is not asked, and paid, again. False where the turn was deleted meanwhile. */
  keepFound(id: ResponseId, found: readonly NewMemory[]): boolean {
    return (
      this.#sql.exec('UPDATE extractions SET found = ? WHERE response_id = ?', JSON.stringify(found), id).rowsWritten >
      0
    );
  }

  tryAgainAt(id: ResponseId, dueAt: number): void {
    this.#sql.exec('UPDATE extractions SET attempts = attempts + 1, due_at = ? WHERE response_id = ?', dueAt, id);
  }

  delete(id: ResponseId): void {
    this.#sql.exec('DELETE FROM extractions WHERE response_id = ?', id);
  }
}
