/** All SQL about a tenant's telemetry: one tally for each step of each tier and each series, and who was seen last when. */
import type { Series, SeriesKey, Tally, TelemetryKind } from '../../shared/telemetry/tally.ts';

export type SeriesFilter = { readonly kind: TelemetryKind | null; readonly agent: string | null };
export type PlacedSeries = Series & { readonly at: number };
type Row = { at: number; kind: TelemetryKind; agent: string; model: string; tally: string };

export class TelemetryStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(tier: string, at: number, { kind, agent, model }: SeriesKey): Tally | undefined {
    const row = this.#sql
      .exec<Pick<Row, 'tally'>>(
        'SELECT tally FROM telemetry WHERE tier = ? AND at = ? AND kind = ? AND agent = ? AND model = ?',
        tier,
        at,
        kind,
        agent,
        model,
      )
      .toArray()[0];
    return row && (JSON.parse(row.tally) as Tally);
  }

  countSeries(tier: string, at: number): number {
    return this.#sql
      .exec<{ series: number }>('SELECT COUNT(*) AS series FROM telemetry WHERE tier = ? AND at = ?', tier, at)
      .one().series;
  }

  put(tier: string, at: number, { kind, agent, model }: SeriesKey, tally: Tally): void {
    this.#sql.exec(
      `INSERT INTO telemetry VALUES (?1, ?2, ?3, ?4, ?5, ?6)
       ON CONFLICT (tier, at, kind, agent, model) DO UPDATE SET tally = ?6`,
      tier,
      at,
      kind,
      agent,
      model,
      JSON.stringify(tally),
    );
  }

  since(tier: string, from: number, { kind, agent }: SeriesFilter): PlacedSeries[] {
    return this.#sql
      .exec<Row>(
        `SELECT at, kind, agent, model, tally FROM telemetry
         WHERE tier = ?1 AND at >= ?2 AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR agent = ?4) ORDER BY at`,
        tier,
        from,
        kind,
        agent,
      )
      .toArray()
      .map((row) => ({ ...row, tally: JSON.parse(row.tally) as Tally }));
  }

  drop(tier: string, before: number): void {
    this.#sql.exec('DELETE FROM telemetry WHERE tier = ? AND at < ?', tier, before);
  }

  /** Since when something waits to be told to the operator. */
  changedAt(): number | undefined {
    return this.#sql.exec<{ changed_at: number }>('SELECT changed_at FROM telemetry_push').toArray()[0]?.changed_at;
  }

  markChanged(at: number): void {
    this.#sql.exec('INSERT OR IGNORE INTO telemetry_push VALUES (1, ?)', at);
  }

  markTold(): void {
    this.#sql.exec('DELETE FROM telemetry_push');
  }

  see(caller: string, agent: string, at: number): void {
    this.#sql.exec(
      `INSERT INTO telemetry_callers VALUES (?1, ?2, ?3)
       ON CONFLICT (caller, agent) DO UPDATE SET seen_at = MAX(seen_at, ?3)`,
      caller,
      agent,
      at,
    );
  }

  countCallers(since: number, agent: string | null): number {
    return this.#sql
      .exec<{ callers: number }>(
        `SELECT COUNT(DISTINCT caller) AS callers FROM telemetry_callers WHERE seen_at >= ?1 AND (?2 IS NULL OR agent = ?2)`,
        since,
        agent,
      )
      .one().callers;
  }

  callersByAgent(since: number): ReadonlyMap<string, number> {
    const rows = this.#sql
      .exec<{ agent: string; callers: number }>(
        'SELECT agent, COUNT(*) AS callers FROM telemetry_callers WHERE seen_at >= ? GROUP BY agent',
        since,
      )
      .toArray();
    return new Map(rows.map(({ agent, callers }) => [agent, callers]));
  }

  /** Those seen before a time go, and those that were seen longest ago where there are more than so many. */
  dropCallers(before: number, most: number): void {
    this.#sql.exec(
      `DELETE FROM telemetry_callers WHERE seen_at < MAX(?1, COALESCE(
         (SELECT seen_at FROM telemetry_callers ORDER BY seen_at DESC LIMIT 1 OFFSET ?2), 0))`,
      before,
      most,
    );
  }
}
