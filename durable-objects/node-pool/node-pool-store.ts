/** All SQL about bridges: who is enrolled, with which public keys, and what each last said that it can serve. */
import type { BridgeId, EnrolmentId } from '../../shared/core/ids.ts';
import type { CreateEnrolment, EnrolRequest, Transport } from '../../shared/contracts/bridges.ts';
import type { AnnouncedModel, Announcement } from '../../shared/contracts/inference.ts';
import type { BridgeKeyRow } from './bridge-rules.ts';

const RecentMs = 60 * 60 * 1000;

export type BridgeRow = {
  id: BridgeId;
  name: string;
  transport: Transport;
  /** Empty where the bridge has no address. */
  url: string;
  registered_at: number;
  revoked_at: number | null;
  seen_at: number | null;
  models: string;
  default_model: string | null;
  /** Id of every model that was announced not long ago, and when it was last: `{id: ms}`. */
  recent_models: string;
  /** The job key that it last said it holds. */
  job_key: string | null;
};

export type EnrolmentRow = {
  id: EnrolmentId;
  name: string;
  transport: Transport;
  url: string | null;
  bridge: BridgeId | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
  refusals: number;
  last_refusal: string | null;
};

export class NodePoolStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  addEnrolment(id: EnrolmentId, terms: CreateEnrolment, now: number): EnrolmentRow {
    return this.#sql
      .exec<EnrolmentRow>(
        `INSERT INTO enrolments (id, name, transport, url, bridge, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
         RETURNING *`,
        id,
        terms.name,
        terms.transport,
        terms.url ?? null,
        terms.bridge ?? null,
        now,
        now + terms.expires_in_seconds * 1_000,
      )
      .one();
  }

  findEnrolment(id: string): EnrolmentRow | undefined {
    return this.#sql.exec<EnrolmentRow>('SELECT * FROM enrolments WHERE id = ?', id).toArray()[0];
  }

  /** The newest first. */
  listEnrolments(limit: number): EnrolmentRow[] {
    return this.#sql.exec<EnrolmentRow>('SELECT * FROM enrolments ORDER BY id DESC LIMIT ?', limit).toArray();
  }

  refuseEnrolment(id: string, reason: string): void {
    this.#sql.exec('UPDATE enrolments SET refusals = refusals + 1, last_refusal = ? WHERE id = ?', reason, id);
  }

  useEnrolment(id: string, bridge: BridgeId, now: number): void {
    this.#sql.exec('UPDATE enrolments SET used_at = ?, bridge = ? WHERE id = ?', now, bridge, id);
  }

  /** A bridge that is known keeps its history and takes the enrolment's name, way and address. */
  register({ iss, url }: EnrolRequest, enrolment: EnrolmentRow, now: number): BridgeRow {
    const address = enrolment.url ?? url ?? '';
    return this.#sql
      .exec<BridgeRow>(
        `INSERT INTO bridges (id, name, transport, url, registered_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, transport = excluded.transport, url = excluded.url
         RETURNING *`,
        iss,
        enrolment.name,
        enrolment.transport,
        address.replace(/\/$/, ''),
        now,
      )
      .one();
  }

  /** The newest first. */
  keysOf(bridge: string): BridgeKeyRow[] {
    return this.#sql
      .exec<BridgeKeyRow>(
        'SELECT x, accepted_at, ends_at FROM bridge_keys WHERE bridge = ? ORDER BY accepted_at DESC, ends_at IS NULL DESC',
        bridge,
      )
      .toArray();
  }

  /** Keys are kept for good: they prove the receipts of their time. */
  addKey(bridge: string, x: string, now: number): void {
    this.#sql.exec(
      'INSERT INTO bridge_keys (bridge, x, accepted_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      bridge,
      x,
      now,
    );
  }

  /** Ends all keys but one at `endsAt`; one that ends earlier stays so. */
  endOtherKeys(bridge: string, x: string, endsAt: number): void {
    this.#sql.exec(
      'UPDATE bridge_keys SET ends_at = ? WHERE bridge = ? AND x <> ? AND (ends_at IS NULL OR ends_at > ?)',
      endsAt,
      bridge,
      x,
      endsAt,
    );
  }

  revoke(id: string, now: number): void {
    this.#sql.exec('UPDATE bridges SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL', now, id);
  }

  /** False where the token was used before. What can no longer be valid is forgotten. */
  useToken(id: string, until: number, now: number): boolean {
    this.#sql.exec('DELETE FROM used_tokens WHERE until <= ?', now);
    const known = this.#sql.exec('SELECT 1 FROM used_tokens WHERE id = ?', id).toArray().length > 0;
    if (!known) this.#sql.exec('INSERT INTO used_tokens (id, until) VALUES (?, ?)', id, until);
    return !known;
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
      'UPDATE bridges SET seen_at = ?, models = ?, default_model = ?, recent_models = ?, job_key = ? WHERE id = ?',
      now,
      JSON.stringify(announcement.models),
      announcement.default_model,
      JSON.stringify(recent),
      announcement.job_key ?? null,
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
