/**
 * All SQL about the ledger. It is append-only and keyed by run, so a receipt that arrives twice settles once.
 */
import { toIso } from '../../shared/core/clock.ts';
import type { Receipt } from '../../shared/contracts/inference.ts';
import type { LedgerEntry, UsageGroup, UsageRow } from '../../shared/contracts/usage.ts';
import type { Ticket } from '../../shared/inference/ticket.ts';

type LedgerRow = Omit<LedgerEntry, 'object' | 'agent' | 'external' | 'started_at' | 'finished_at'> & {
  agent_id: string | null;
  external: number;
  started_at: number;
  finished_at: number;
};

/** How a usage row names its group, and the SQL that computes it. Literals only: nothing of a request gets in here. */
const groupings: Record<UsageGroup, { readonly member: 'key_id' | 'agent' | 'model' | 'day'; readonly sql: string }> = {
  key: { member: 'key_id', sql: 'key_id' },
  agent: { member: 'agent', sql: 'agent_id' },
  model: { member: 'model', sql: 'model' },
  day: { member: 'day', sql: "strftime('%Y-%m-%d', finished_at / 1000, 'unixepoch')" },
};

export class LedgerStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Those of the runs that the ledger holds already. */
  findSettled(runs: readonly string[]): Set<string> {
    const rows = this.#sql
      .exec<{ run: string }>(
        'SELECT run FROM ledger WHERE run IN (SELECT value FROM json_each(?))',
        JSON.stringify(runs),
      )
      .toArray();
    return new Set(rows.map((row) => row.run));
  }

  /** Keeps the bridge's signature over a batch as the proof of its receipts. */
  addBatch(bridge: string, jws: string): number {
    return this.#sql
      .exec<{ id: number }>('INSERT INTO receipt_batches (bridge, jws) VALUES (?, ?) RETURNING id', bridge, jws)
      .one().id;
  }

  settle(ticket: Ticket, receipt: Receipt, costMicros: number, batch: number, now: number): void {
    this.#sql.exec(
      `INSERT INTO ledger (id, run, key_id, visitor_id, user_id, agent_id, bridge, node, node_kind, external, model,
         input_tokens, cached_input_tokens, output_tokens, counted_by, outcome, price_id, cost_micros, started_at,
         finished_at, settled_at, batch)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      receipt.id,
      receipt.run,
      ticket.payer.kind === 'key' ? ticket.payer.id : null,
      ticket.payer.kind === 'visitor' ? ticket.payer.id : null,
      ticket.payer.kind === 'user' ? ticket.payer.id : null,
      ticket.agent,
      receipt.bridge,
      receipt.node,
      receipt.node_kind,
      receipt.external ? 1 : 0,
      receipt.model,
      receipt.input_tokens,
      receipt.cached_input_tokens,
      receipt.output_tokens,
      receipt.counted_by,
      receipt.outcome,
      ticket.priceId,
      costMicros,
      receipt.started_at,
      receipt.finished_at,
      now,
      batch,
    );
  }

  usage(group: UsageGroup, fromMs: number, toMs: number): UsageRow[] {
    const { member, sql } = groupings[group];
    return this.#sql
      .exec<{
        name: string | null;
        requests: number;
        input_tokens: number;
        output_tokens: number;
        cost_micros: number;
      }>(
        `SELECT ${sql} AS name, COUNT(*) AS requests, SUM(input_tokens) AS input_tokens,
                SUM(output_tokens) AS output_tokens, SUM(cost_micros) AS cost_micros
         FROM ledger WHERE finished_at >= ? AND finished_at < ? GROUP BY 1 ORDER BY 1`,
        fromMs,
        toMs,
      )
      .toArray()
      .map(({ name, ...sums }) => ({ object: 'usage', [member]: name, ...sums }));
  }

  findEntry(id: string): LedgerEntry | undefined {
    const row = this.#sql.exec<LedgerRow>('SELECT * FROM ledger WHERE id = ?', id).toArray()[0];
    if (!row) return undefined;
    return {
      object: 'receipt',
      id: row.id,
      run: row.run,
      key_id: row.key_id,
      user_id: row.user_id,
      agent: row.agent_id,
      bridge: row.bridge,
      node: row.node,
      external: row.external === 1,
      model: row.model,
      input_tokens: row.input_tokens,
      cached_input_tokens: row.cached_input_tokens,
      output_tokens: row.output_tokens,
      counted_by: row.counted_by,
      outcome: row.outcome,
      price_id: row.price_id,
      cost_micros: row.cost_micros,
      started_at: toIso(row.started_at),
      finished_at: toIso(row.finished_at),
    };
  }
}
