/** All SQL about webhooks: their settings, and how far into the event log each of them, and each of their replays, is. */
import { toIso } from '../../shared/core/clock.ts';
import type { WebhookId } from '../../shared/core/ids.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { Webhook, WebhookSettings } from '../../shared/contracts/webhooks.ts';

type WebhookRow = {
  id: WebhookId;
  settings: string;
  signature: Webhook['signature'];
  public_key: string | null;
  status: Webhook['status'];
  disabled_reason: string | null;
  secret_version: number;
  previous_until: number | null;
  revision: number;
  created_at: number;
  updated_at: number;
};

export type StoredWebhook = {
  readonly id: WebhookId;
  readonly settings: WebhookSettings;
  readonly signature: Webhook['signature'];
  readonly publicKey: string | null;
  readonly status: Webhook['status'];
  readonly disabledReason: string | null;
  readonly secretVersion: number;
  readonly previousUntil: number | null;
  readonly revision: number;
};

/** The next event of this webhook is after `position`; `until`: the last one of a replay. */
export type WebhookCursor = {
  readonly id: number;
  readonly webhook: WebhookId;
  readonly position: number;
  readonly until: number | null;
};

export class WebhookStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  create(hook: StoredWebhook, position: number, now: number): void {
    this.#sql.exec(
      'INSERT INTO webhooks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      hook.id,
      JSON.stringify(hook.settings),
      hook.signature,
      hook.publicKey,
      hook.status,
      hook.disabledReason,
      hook.secretVersion,
      hook.previousUntil,
      hook.revision,
      now,
      now,
    );
    this.addCursor(hook.id, position, null);
  }

  put(hook: StoredWebhook, now: number): void {
    this.#sql.exec(
      `UPDATE webhooks SET settings = ?, public_key = ?, status = ?, disabled_reason = ?, secret_version = ?,
         previous_until = ?, revision = ?, updated_at = ? WHERE id = ?`,
      JSON.stringify(hook.settings),
      hook.publicKey,
      hook.status,
      hook.disabledReason,
      hook.secretVersion,
      hook.previousUntil,
      hook.revision,
      now,
      hook.id,
    );
  }

  /** Its object forgets what it holds as soon as it can be reached. */
  delete(id: string): void {
    this.#sql.exec('DELETE FROM webhooks WHERE id = ?', id);
    this.#sql.exec('DELETE FROM webhook_cursors WHERE webhook = ?', id);
    this.#sql.exec('INSERT OR IGNORE INTO webhook_removals VALUES (?)', id);
  }

  count(): number {
    return this.#sql.exec<{ count: number }>('SELECT COUNT(*) AS count FROM webhooks').one().count;
  }

  find(id: string): StoredWebhook | undefined {
    return this.#rows('id = ?', [id])[0]?.stored;
  }

  show(id: string): Webhook | undefined {
    return this.#rows('id = ?', [id])[0]?.shown;
  }

  /** Those that events are sent to. */
  enabled(): StoredWebhook[] {
    return this.#rows("status <> 'disabled'", []).map(({ stored }) => stored);
  }

  list(limit: number, cursor: string | undefined): List<Webhook> {
    const rows = this.#rows('id > ?', [cursor ?? '', limit + 1], 'ORDER BY id LIMIT ?');
    return toList(
      rows.map(({ shown }) => shown),
      limit,
      ({ id }) => id,
    );
  }

  cursors(): WebhookCursor[] {
    return this.#sql
      .exec<WebhookCursor>(
        `SELECT c.id, c.webhook, c.position, c.until FROM webhook_cursors c JOIN webhooks w ON w.id = c.webhook
         WHERE w.status <> 'disabled' ORDER BY c.position, c.id`,
      )
      .toArray();
  }

  /** The position after which somebody still waits for events; undefined where nobody does. */
  heldPosition(): number | undefined {
    return (
      this.#sql
        .exec<{ held: number | null }>(
          `SELECT MIN(c.position) AS held FROM webhook_cursors c JOIN webhooks w ON w.id = c.webhook
           WHERE w.status <> 'disabled'`,
        )
        .one().held ?? undefined
    );
  }

  addCursor(webhook: WebhookId, position: number, until: number | null): void {
    this.#sql.exec('INSERT INTO webhook_cursors (webhook, position, until) VALUES (?, ?, ?)', webhook, position, until);
  }

  countReplays(webhook: string): number {
    return this.#sql
      .exec<{ count: number }>(
        'SELECT COUNT(*) AS count FROM webhook_cursors WHERE webhook = ? AND until IS NOT NULL',
        webhook,
      )
      .one().count;
  }

  /** Not where it was moved meanwhile. A replay that has reached its end is over. */
  advance({ id, position }: WebhookCursor, to: number): void {
    this.#sql.exec('UPDATE webhook_cursors SET position = ? WHERE id = ? AND position = ?', to, id, position);
    this.#sql.exec('DELETE FROM webhook_cursors WHERE id = ? AND until <= position', id);
  }

  /** What was not sent yet is not sent any more: a webhook that is enabled again begins with what comes. */
  restart(webhook: string, position: number): void {
    this.#sql.exec('DELETE FROM webhook_cursors WHERE webhook = ? AND until IS NOT NULL', webhook);
    this.#sql.exec('UPDATE webhook_cursors SET position = ? WHERE webhook = ?', position, webhook);
  }

  removals(): WebhookId[] {
    return this.#sql
      .exec<{ id: WebhookId }>('SELECT id FROM webhook_removals LIMIT 20')
      .toArray()
      .map(({ id }) => id);
  }

  removed(id: string): void {
    this.#sql.exec('DELETE FROM webhook_removals WHERE id = ?', id);
  }

  #rows(where: string, bound: readonly (string | number)[], end = 'ORDER BY id') {
    return this.#sql
      .exec<WebhookRow>(`SELECT * FROM webhooks WHERE ${where} ${end}`, ...bound)
      .toArray()
      .map((row) => ({ stored: toStored(row), shown: toWebhook(row) }));
  }
}

function toStored(row: WebhookRow): StoredWebhook {
  return {
    id: row.id,
    settings: JSON.parse(row.settings) as WebhookSettings,
    signature: row.signature,
    publicKey: row.public_key,
    status: row.status,
    disabledReason: row.disabled_reason,
    secretVersion: row.secret_version,
    previousUntil: row.previous_until,
    revision: row.revision,
  };
}

function toWebhook(row: WebhookRow): Webhook {
  return {
    object: 'webhook',
    id: row.id,
    ...(JSON.parse(row.settings) as WebhookSettings),
    signature: row.signature,
    public_key: row.public_key,
    previous_secret_until: row.previous_until === null ? null : toIso(row.previous_until),
    status: row.status,
    disabled_reason: row.disabled_reason,
    created_at: toIso(row.created_at),
    updated_at: toIso(row.updated_at),
  };
}
