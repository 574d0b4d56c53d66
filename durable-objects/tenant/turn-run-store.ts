/**
 * All SQL about the turns that may be running: which conversation had its last run admitted, and when. It is how a kill
 * switch finds them; a row that is left behind is harmless, and goes when no turn can last so long.
 */
import type { AgentId, ConversationId, RunId } from '../../shared/core/ids.ts';
import { MaxRunMs } from '../../shared/inference/reservation.ts';

export class TurnRunStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  note(conversation: ConversationId, agent: AgentId | null, run: RunId, now: number): void {
    this.#sql.exec('DELETE FROM turn_runs WHERE admitted_at < ? AND stopping = 0', now - MaxRunMs);
    this.#sql.exec(
      'INSERT OR REPLACE INTO turn_runs (conversation, agent, run, admitted_at) VALUES (?, ?, ?, ?)',
      conversation,
      agent,
      run,
      now,
    );
  }

  /** The runs are over; their turns may go on. */
  noteSettled(runs: readonly string[]): void {
    this.#sql.exec(
      'UPDATE turn_runs SET run = NULL WHERE run IN (SELECT value FROM json_each(?))',
      JSON.stringify(runs),
    );
  }

  /** Those of one agent, or with null all. */
  markStopping(agent: AgentId | null): void {
    this.#sql.exec('UPDATE turn_runs SET stopping = 1 WHERE ?1 IS NULL OR agent = ?1', agent);
  }

  hasStopping(): boolean {
    return this.#sql.exec('SELECT 1 FROM turn_runs WHERE stopping = 1 LIMIT 1').toArray().length > 0;
  }

  /** Those with a run under way first. */
  stopping(limit: number): ConversationId[] {
    return this.#sql
      .exec<{ conversation: ConversationId }>(
        'SELECT conversation FROM turn_runs WHERE stopping = 1 ORDER BY run IS NULL, admitted_at DESC LIMIT ?',
        limit,
      )
      .toArray()
      .map(({ conversation }) => conversation);
  }

  remove(conversation: ConversationId): void {
    this.#sql.exec('DELETE FROM turn_runs WHERE conversation = ? AND stopping = 1', conversation);
  }
}
