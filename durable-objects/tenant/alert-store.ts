/** All SQL about alerts: their settings, how they stand, and when they have fired. */
import { toIso } from '../../shared/core/clock.ts';
import type { AlertId } from '../../shared/core/ids.ts';
import type { Alert, AlertIncident, AlertSettings, AlertStateName } from '../../shared/contracts/alerts.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { AlertStanding } from './alert-rules.ts';

export type StoredAlert = AlertStanding & { readonly id: AlertId; readonly settings: AlertSettings };

type AlertRow = {
  id: AlertId;
  settings: string;
  state: AlertStateName;
  since: number;
  value: number | null;
  checked_at: number | null;
  created_at: number;
  updated_at: number;
};
type IncidentRow = Omit<AlertIncident, 'object' | `${string}_at`> & {
  position: number;
  began_at: number;
  fired_at: number;
  resolved_at: number | null;
};

export class AlertStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  create(id: AlertId, settings: AlertSettings, now: number): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO alerts VALUES (?1, ?2, 'ok', ?3, NULL, NULL, ?3, ?3)`,
      id,
      JSON.stringify(settings),
      now,
    );
  }

  update(id: string, settings: AlertSettings, now: number): void {
    this.#sql.exec('UPDATE alerts SET settings = ?, updated_at = ? WHERE id = ?', JSON.stringify(settings), now, id);
  }

  /** What it fired for is kept no longer than it is. */
  delete(id: string): boolean {
    this.#sql.exec('DELETE FROM alert_incidents WHERE alert = ?', id);
    return this.#sql.exec('DELETE FROM alerts WHERE id = ?', id).rowsWritten > 0;
  }

  count(): number {
    return this.#sql.exec<{ alerts: number }>('SELECT COUNT(*) AS alerts FROM alerts').one().alerts;
  }

  find(id: string): Alert | undefined {
    const row = this.#sql.exec<AlertRow>('SELECT * FROM alerts WHERE id = ?', id).toArray()[0];
    return row && toAlert(row);
  }

  list(limit: number, cursor: string | undefined): List<Alert> {
    const rows = this.#sql
      .exec<AlertRow>('SELECT * FROM alerts WHERE id > ? ORDER BY id LIMIT ?', cursor ?? '', limit + 1)
      .toArray();
    return toList(rows.map(toAlert), limit, ({ id }) => id);
  }

  all(): StoredAlert[] {
    return this.#sql
      .exec<AlertRow>('SELECT * FROM alerts ORDER BY id')
      .toArray()
      .map(({ id, settings, state, since }) => ({ id, settings: JSON.parse(settings) as AlertSettings, state, since }));
  }

  /** When those that are looked at were last looked at; undefined where there is none. */
  lastCheck(): number | undefined {
    const { enabled, checked } = this.#sql
      .exec<{ enabled: number; checked: number | null }>(
        `SELECT COUNT(*) AS enabled, MIN(COALESCE(checked_at, 0)) AS checked FROM alerts
         WHERE json_extract(settings, '$.enabled')`,
      )
      .one();
    return enabled === 0 ? undefined : (checked ?? 0);
  }

  stand(id: string, { state, since }: AlertStanding, value: number | null, now: number): void {
    this.#sql.exec(
      'UPDATE alerts SET state = ?, since = ?, value = ?, checked_at = ? WHERE id = ?',
      state,
      since,
      value,
      now,
      id,
    );
  }

  addIncident(id: string, beganAt: number, firedAt: number, value: number, threshold: number): void {
    this.#sql.exec(
      'INSERT INTO alert_incidents (alert, began_at, fired_at, value, threshold) VALUES (?, ?, ?, ?, ?)',
      id,
      beganAt,
      firedAt,
      value,
      threshold,
    );
  }

  /** Of the incidents that are over, those before a time go. */
  resolve(id: string, now: number, keptSince: number): void {
    this.#sql.exec('UPDATE alert_incidents SET resolved_at = ? WHERE alert = ? AND resolved_at IS NULL', now, id);
    this.#sql.exec('DELETE FROM alert_incidents WHERE alert = ? AND resolved_at < ?', id, keptSince);
  }

  incidents(id: string, limit: number, cursor: string | undefined): List<AlertIncident> {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number.parseInt(cursor, 10);
    const rows = this.#sql
      .exec<IncidentRow>(
        'SELECT * FROM alert_incidents WHERE alert = ? AND position < ? ORDER BY position DESC LIMIT ?',
        id,
        Number.isSafeInteger(before) ? before : 0,
        limit + 1,
      )
      .toArray();
    const list = toList(rows, limit, ({ position }) => String(position));
    return { ...list, data: list.data.map(toIncident) };
  }
}

function toAlert(row: AlertRow): Alert {
  return {
    object: 'alert',
    id: row.id,
    ...(JSON.parse(row.settings) as AlertSettings),
    state: row.state,
    since: toIso(row.since),
    value: row.value,
    checked_at: row.checked_at === null ? null : toIso(row.checked_at),
    created_at: toIso(row.created_at),
    updated_at: toIso(row.updated_at),
  };
}

function toIncident(row: IncidentRow): AlertIncident {
  return {
    object: 'alert.incident',
    alert: row.alert,
    began_at: toIso(row.began_at),
    fired_at: toIso(row.fired_at),
    resolved_at: row.resolved_at === null ? null : toIso(row.resolved_at),
    value: row.value,
    threshold: row.threshold,
  };
}
