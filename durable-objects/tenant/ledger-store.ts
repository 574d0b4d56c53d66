/**
 * All SQL about reservations and the ledger. The ledger is append-only and keyed by run, so a receipt that arrives
 * twice settles once. A reservation is held until its receipt comes or until it has long expired.
 */
import { toIso } from '../../shared/core/clock.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { ReservationRequest } from '../../shared/contracts/admission.ts';
import type { Receipt } from '../../shared/contracts/inference.ts';
import type { LedgerEntry, UsageGroup, UsageRow } from '../../shared/contracts/usage.ts';
import type { Reservation } from './settlement.ts';

type ReservationRow = {
  run: string;
  key_id: string | null;
  visitor_id: string | null;
  agent_id: string | null;
  bridge: string;
  model: string;
  price_id: string;
  input_price: number;
  cached_input_price: number;
  output_price: number;
  max_micros: number;
};

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

  reserve(principal: Principal, agentId: string | null, request: ReservationRequest, now: number): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO reservations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      request.run,
      principal.kind === 'key' ? principal.id : null,
      principal.kind === 'visitor' ? principal.id : null,
      agentId,
      request.bridge,
      request.model,
      request.priceId,
      request.price.input_micros_per_mtok,
      request.price.cached_input_micros_per_mtok,
      request.price.output_micros_per_mtok,
      request.maxMicros,
      request.maxOutputTokens,
      now,
      request.expiresAt,
    );
  }

  findReservation(run: string): Reservation | undefined {
    const row = this.#sql.exec<ReservationRow>('SELECT * FROM reservations WHERE run = ?', run).toArray()[0];
    if (!row) return undefined;
    return {
      run: row.run,
      keyId: row.key_id,
      visitorId: row.visitor_id,
      agentId: row.agent_id,
      bridge: row.bridge,
      model: row.model,
      priceId: row.price_id,
      price: {
        input_micros_per_mtok: row.input_price,
        cached_input_micros_per_mtok: row.cached_input_price,
        output_micros_per_mtok: row.output_price,
      },
      maxMicros: row.max_micros,
    };
  }

  /** A run that was admitted but never reached a bridge. */
  release(run: string): void {
    this.#sql.exec('DELETE FROM reservations WHERE run = ?', run);
  }

  isSettled(run: string): boolean {
    return this.#sql.exec('SELECT 1 FROM ledger WHERE run = ?', run).toArray().length > 0;
  }

  /** Keeps the bridge's signature over a batch as the proof of its receipts. */
  addBatch(bridge: string, jws: string): number {
    return this.#sql
      .exec<{ id: number }>('INSERT INTO receipt_batches (bridge, jws) VALUES (?, ?) RETURNING id', bridge, jws)
      .one().id;
  }

  settle(reservation: Reservation, receipt: Receipt, costMicros: number, batch: number, now: number): void {
    this.#sql.exec(
      'INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      receipt.id,
      receipt.run,
      reservation.keyId,
      reservation.visitorId,
      reservation.agentId,
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
      reservation.priceId,
      costMicros,
      receipt.started_at,
      receipt.finished_at,
      now,
      batch,
    );
    this.release(receipt.run);
  }

  /** The earliest moment at which a reservation may be given up, or undefined where none is held. */
  findNextExpiry(): number | undefined {
    return (
      this.#sql.exec<{ at: number | null }>('SELECT MIN(expires_at) AS at FROM reservations').one().at ?? undefined
    );
  }

  releaseExpired(before: number): number {
    return this.#sql.exec('DELETE FROM reservations WHERE expires_at < ?', before).rowsWritten;
  }

  outstandingMicros(): number {
    return this.#sql.exec<{ micros: number | null }>('SELECT SUM(max_micros) AS micros FROM reservations').one().micros ?? 0;
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
