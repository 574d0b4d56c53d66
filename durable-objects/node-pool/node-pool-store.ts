/** All SQL about bridges: who is registered, with which public key, and what each last said that it can serve. */
import type { BridgeId } from '../../shared/core/ids.ts';
import type { AnnouncedModel, Announcement } from '../../shared/contracts/inference.ts';
import type { RegisterBridge } from '../../shared/contracts/tenants.ts';

const RecentMs = 60 * 60 * 1000;

export type BridgeRow = {
  id: BridgeId;
  name: string;
  url: string;
  public_key: string;
  registered_at: number;
  seen_at: number | null;
  models: string;
  default_model: string | null;
  /** Id of every model that was announced not long ago, and when it was last: `{id: ms}`. */
  recent_models: string;
};

export class NodePoolStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A bridge that registers again may move its address or key. */
  register(bridge: RegisterBridge, now: number): BridgeRow {
    return this.#sql
      .exec<BridgeRow>(
        `INSERT INTO bridges (id, name, url, public_key, registered_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, url = excluded.url, public_key = excluded.public_key
         RETURNING *`,
        bridge.id,
        bridge.name,
        bridge.url.replace(/\/$/, ''),
        JSON.stringify(bridge.public_key),
        now,
      )
      .one();
  }

  find(id: string): BridgeRow | undefined {
    return this.#sql.exec<BridgeRow>('SELECT * FROM bridges WHERE id = ?', id).toArray()[0];
  }

  list(): BridgeRow[] {
    return this.#sql.exec<BridgeRow>('SELECT * FROM bridges ORDER BY id').toArray();
  }

  announce(announcement: Announcement, now: number): void {
    const row = this.find(announcement.iss);
    if (!row) return;
    const recent = {
      ...recentModelsOf(row, now),
      ...Object.fromEntries(announcement.models.map(({ id }) => [id, now])),
    };
    this.#sql.exec(
      'UPDATE bridges SET seen_at = ?, models = ?, default_model = ?, recent_models = ? WHERE id = ?',
      now,
      JSON.stringify(announcement.models),
      announcement.default_model,
      JSON.stringify(recent),
      announcement.iss,
    );
  }
}

/** Models that a node had not long ago: one that is asked for meanwhile is unavailable, not unknown. */
export function recentModelsOf(row: BridgeRow, now: number): Record<string, number> {
  const recent = Object.entries(JSON.parse(row.recent_models) as Record<string, number>);
  return Object.fromEntries(recent.filter(([, seenAt]) => now - seenAt < RecentMs));
}

export function modelsOf(row: BridgeRow): AnnouncedModel[] {
  return JSON.parse(row.models) as AnnouncedModel[];
}
