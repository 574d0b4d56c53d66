/**
 * All SQL about the ledger. It is append-only and keyed by run, so a receipt that arrives twice settles once.
 */
import { toIso } from '../../shared/core/clock.ts';
import { splitTokenCost } from '../../shared/core/money.ts';
import type { Receipt } from '../../shared/contracts/inference.ts';
import type { EntryFilter, LedgerEntry, ReceiptBatchRecord } from '../../shared/contracts/usage.ts';
import type { Ticket } from '../../shared/inference/ticket.ts';

type Kept = Omit<LedgerEntry, 'object' | 'agent' | 'external' | 'price' | 'month' | `${string}_at`>;
type LedgerRow = Kept & {
  agent_id: string | null;
  external: number;
  input_price: number | null;
  cached_price: number | null;
  output_price: number | null;
  billed_month: string;
  started_at: number;
  finished_at: number;
  settled_at: number;
};

/** A receipt that is to be entered. `month`: the one whose invoice has it. */
export type NewEntry = {
  readonly ticket: Ticket;
  readonly receipt: Receipt;
  readonly costMicros: number;
  readonly month: string;
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

  /** All of a batch in one statement: what a statement costs by itself is more than what a row does. */
  settle(entries: readonly NewEntry[], batch: number, now: number): void {
    this.#sql.exec(
      `INSERT INTO ledger (id, run, key_id, visitor_id, user_id, agent_id, bridge, node, node_kind, external, model,
         input_tokens, cached_input_tokens, output_tokens, counted_by, outcome, price_id, cost_micros, started_at,
         finished_at, project, environment, operation, input_price, cached_price, output_price, input_micros,
         cached_micros, billed_month, settled_at, batch)
       SELECT ${Array.from({ length: EntryColumns }, (_, at) => `value ->> ${at}`).join(', ')}, ?, ? FROM json_each(?)`,
      now,
      batch,
      JSON.stringify(entries.map(toRow)),
    );
  }

  findEntry(id: string): LedgerEntry | undefined {
    const row = this.#sql.exec<LedgerRow>('SELECT * FROM ledger WHERE id = ?', id).toArray()[0];
    return row && toEntry(row);
  }

  /** Receipts by id from `after` on, each with the number of its batch. */
  page(filter: EntryFilter, after: string, limit: number): LedgerEntry[] {
    return this.#sql
      .exec<LedgerRow>(
        `SELECT * FROM ledger WHERE id > ? AND finished_at >= ? AND finished_at < ? AND (? IS NULL OR billed_month = ?)
         ORDER BY id LIMIT ?`,
        after,
        filter.fromMs,
        filter.toMs,
        filter.month,
        filter.month,
        limit,
      )
      .toArray()
      .map(toEntry);
  }

  /** The signed batches that receipts of the filter came in. */
  batches(filter: EntryFilter, after: number, limit: number): ReceiptBatchRecord[] {
    return this.#sql
      .exec<{ id: number; bridge: string; jws: string }>(
        `SELECT id, bridge, jws FROM receipt_batches WHERE id > ? AND id IN (
           SELECT batch FROM ledger WHERE finished_at >= ? AND finished_at < ? AND (? IS NULL OR billed_month = ?))
         ORDER BY id LIMIT ?`,
        after,
        filter.fromMs,
        filter.toMs,
        filter.month,
        filter.month,
        limit,
      )
      .toArray()
      .map((row) => ({ object: 'receipt_batch', ...row }));
  }
}

const EntryColumns = 29;

function toRow({ ticket, receipt, costMicros, month }: NewEntry): readonly (string | number | null)[] {
  const { payer, price } = ticket;
  const { input_tokens: input, cached_input_tokens: cached, output_tokens: output } = receipt;
  const costs = splitTokenCost(price, { input, cached, output }, costMicros);
  return [
    receipt.id,
    receipt.run,
    payer.kind === 'key' ? payer.id : null,
    payer.kind === 'visitor' ? payer.id : null,
    payer.kind === 'user' ? payer.id : null,
    ticket.agent,
    receipt.bridge,
    receipt.node,
    receipt.node_kind,
    receipt.external ? 1 : 0,
    receipt.model,
    input,
    cached,
    output,
    receipt.counted_by,
    receipt.outcome,
    ticket.priceId,
    costMicros,
    receipt.started_at,
    receipt.finished_at,
    ticket.project,
    ticket.environment,
    receipt.operation,
    price.input_micros_per_mtok,
    price.cached_input_micros_per_mtok,
    price.output_micros_per_mtok,
    costs.input,
    costs.cached,
    month,
  ];
}

function toEntry(row: LedgerRow): LedgerEntry {
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
    operation: row.operation,
    project: row.project,
    environment: row.environment,
    price:
      row.input_price === null
        ? null
        : {
            input_micros_per_mtok: row.input_price,
            cached_input_micros_per_mtok: row.cached_price!,
            output_micros_per_mtok: row.output_price!,
          },
    month: row.billed_month,
    batch: row.batch,
    started_at: toIso(row.started_at),
    finished_at: toIso(row.finished_at),
    settled_at: toIso(row.settled_at),
  };
}
