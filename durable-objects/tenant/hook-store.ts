/** All SQL about hooks, their deliveries, and the keys by which a delivery is known again. */
import { toIso } from '../../shared/core/clock.ts';
import {
  conversationIdOfDelivery,
  type AgentId,
  type DeliveryId,
  type HookId,
  type TaskId,
} from '../../shared/core/ids.ts';
import { toKeptPrincipal, type Principal } from '../../shared/core/principal.ts';
import type { Origin } from '../../shared/core/trace.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { Hook, HookDelivery, HookVerification } from '../../shared/contracts/hooks.ts';
import type { Lane } from '../../shared/contracts/tasks.ts';
import { DeliveryRetentionMs, MaxDeliveriesKept } from '../../shared/contracts/hooks.ts';

export type HookRow = {
  readonly id: HookId;
  readonly name: string;
  readonly agent: AgentId;
  readonly verification: HookVerification;
  readonly template: string;
  readonly lane: Lane;
  readonly maxAttempts: number;
  readonly enabled: boolean;
  /** Who saved it last, bound to the agent: on whose behalf the agent is asked. */
  readonly principal: Principal;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly refusedAt: number | null;
  readonly refusal: string | null;
};

export type NewDelivery = {
  readonly id: DeliveryId;
  readonly hook: HookId;
  readonly deliveryId: string | null;
  readonly event: string | null;
  readonly keys: readonly string[];
  readonly input: string;
  readonly origin: Origin;
};

export type WaitingDelivery = {
  readonly id: DeliveryId;
  readonly hook: HookId;
  readonly input: string;
  readonly attempts: number;
  readonly receivedAt: number;
  /** Null for one that an earlier release took in. */
  readonly origin: Origin | null;
};

type HookSql = {
  id: HookId;
  name: string;
  agent: AgentId;
  verification: string;
  template: string;
  lane: Lane;
  max_attempts: number;
  enabled: number;
  principal: string;
  created_at: number;
  updated_at: number;
  refused_at: number | null;
  refusal: string | null;
};
type DeliverySql = {
  id: DeliveryId;
  hook: HookId;
  delivery_id: string | null;
  event: string | null;
  status: HookDelivery['status'];
  attempts: number;
  error: string | null;
  task: TaskId | null;
  input: string;
  origin: string | null;
  received_at: number;
  handed_over_at: number | null;
};

export class HookStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  count(): number {
    return this.#sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM hooks').one().n;
  }

  find(id: string): HookRow | undefined {
    return this.#sql.exec<HookSql>('SELECT * FROM hooks WHERE id = ?', id).toArray().map(toRow)[0];
  }

  list(limit: number, cursor: string | undefined): List<Hook> {
    const rows = this.#sql
      .exec<HookSql>('SELECT * FROM hooks WHERE id < ? ORDER BY id DESC LIMIT ?', cursor ?? 'i', limit + 1)
      .toArray();
    return toList(
      rows.map((row) => toHook(toRow(row))),
      limit,
      ({ id }) => id,
    );
  }

  put(hook: Omit<HookRow, 'refusedAt' | 'refusal'>): void {
    this.#sql.exec(
      `INSERT INTO hooks (id, name, agent, verification, template, lane, max_attempts, enabled, principal,
         created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, agent = excluded.agent, verification = excluded.verification,
         template = excluded.template, lane = excluded.lane, max_attempts = excluded.max_attempts, enabled = excluded.enabled, principal = excluded.principal,
         updated_at = excluded.updated_at`,
      hook.id,
      hook.name,
      hook.agent,
      JSON.stringify(hook.verification),
      hook.template,
      hook.lane,
      hook.maxAttempts,
      hook.enabled ? 1 : 0,
      JSON.stringify(toKeptPrincipal(hook.principal)),
      hook.createdAt,
      hook.updatedAt,
    );
  }

  noteRefusal(id: HookId, reason: string, now: number): void {
    this.#sql.exec('UPDATE hooks SET refused_at = ?, refusal = ? WHERE id = ?', now, reason, id);
  }

  /** With its deliveries, also those that wait. */
  delete(id: HookId): void {
    this.#sql.exec('DELETE FROM hook_delivery_keys WHERE hook = ?', id);
    this.#sql.exec('DELETE FROM hook_deliveries WHERE hook = ?', id);
    this.#sql.exec('DELETE FROM hooks WHERE id = ?', id);
  }

  /** The delivery that one of the keys belongs to. */
  findKnown(hook: HookId, keys: readonly string[]): DeliveryId | undefined {
    for (const key of keys) {
      const row = this.#sql
        .exec<{ id: DeliveryId }>(
          `SELECT d.id FROM hook_delivery_keys k JOIN hook_deliveries d ON d.position = k.position
           WHERE k.hook = ? AND k.key = ?`,
          hook,
          key,
        )
        .toArray()[0];
      if (row) return row.id;
    }
    return undefined;
  }

  countWaiting(): number {
    return this.#sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM hook_deliveries WHERE status = 'received'").one().n;
  }

  addDelivery(delivery: NewDelivery, now: number): void {
    const { position } = this.#sql
      .exec<{ position: number }>(
        `INSERT INTO hook_deliveries (id, hook, delivery_id, event, status, attempts, input, origin, received_at, due_at)
         VALUES (?1, ?2, ?3, ?4, 'received', 0, ?5, ?6, ?7, ?7) RETURNING position`,
        delivery.id,
        delivery.hook,
        delivery.deliveryId,
        delivery.event,
        delivery.input,
        JSON.stringify(delivery.origin),
        now,
      )
      .one();
    for (const key of delivery.keys)
      this.#sql.exec('INSERT OR IGNORE INTO hook_delivery_keys VALUES (?, ?, ?)', delivery.hook, key, position);
  }

  /** Old ones go, a few at a time; never one that waits. */
  prune(now: number): void {
    const gone = this.#sql
      .exec<{ position: number }>(
        `DELETE FROM hook_deliveries WHERE position IN (
           SELECT position FROM hook_deliveries WHERE status <> 'received' AND (received_at < ?1 OR position <= (
             SELECT COALESCE(MAX(position), 0) FROM hook_deliveries) - ?2)
           ORDER BY position LIMIT 20) RETURNING position`,
        now - DeliveryRetentionMs,
        MaxDeliveriesKept,
      )
      .toArray();
    for (const { position } of gone) this.#sql.exec('DELETE FROM hook_delivery_keys WHERE position = ?', position);
  }

  nextDueAt(): number | undefined {
    const { due } = this.#sql
      .exec<{ due: number | null }>("SELECT MIN(due_at) AS due FROM hook_deliveries WHERE status = 'received'")
      .one();
    return due ?? undefined;
  }

  due(now: number, limit: number): WaitingDelivery[] {
    return this.#sql
      .exec<DeliverySql>(
        "SELECT * FROM hook_deliveries WHERE status = 'received' AND due_at <= ? ORDER BY due_at, position LIMIT ?",
        now,
        limit,
      )
      .toArray()
      .map(({ id, hook, input, attempts, received_at: receivedAt, origin }) => ({
        id,
        hook,
        input,
        attempts,
        receivedAt,
        origin: origin === null ? null : (JSON.parse(origin) as Origin),
      }));
  }

  postpone(id: DeliveryId, attempts: number, error: string, dueAt: number): void {
    this.#sql.exec(
      "UPDATE hook_deliveries SET attempts = ?, error = ?, due_at = ? WHERE id = ? AND status = 'received'",
      attempts,
      error,
      dueAt,
      id,
    );
  }

  /** What the agent is asked is with its task from now on. */
  handedOver(id: DeliveryId, attempts: number, task: TaskId, now: number): void {
    this.#sql.exec(
      `UPDATE hook_deliveries SET status = 'handed_over', attempts = ?, error = NULL, due_at = NULL, input = '', task = ?,
         handed_over_at = ? WHERE id = ? AND status = 'received'`,
      attempts,
      task,
      now,
      id,
    );
  }

  failed(id: DeliveryId, attempts: number, error: string): void {
    this.#sql.exec(
      `UPDATE hook_deliveries SET status = 'failed', attempts = ?, error = ?, due_at = NULL, input = ''
       WHERE id = ? AND status = 'received'`,
      attempts,
      error,
      id,
    );
  }

  deliveries(hook: HookId, limit: number, cursor: string | undefined): List<HookDelivery> {
    const rows = this.#sql
      .exec<DeliverySql>(
        'SELECT * FROM hook_deliveries WHERE hook = ? AND id < ? ORDER BY id DESC LIMIT ?',
        hook,
        cursor ?? 'e',
        limit + 1,
      )
      .toArray();
    return toList(rows.map(toDelivery), limit, ({ id }) => id);
  }
}

export function toHook(row: HookRow): Hook {
  return {
    object: 'hook',
    id: row.id,
    name: row.name,
    agent: row.agent,
    verification: row.verification,
    template: row.template,
    lane: row.lane,
    max_attempts: row.maxAttempts,
    enabled: row.enabled,
    path: `/hooks/${row.id}`,
    last_refusal: row.refusedAt === null ? null : { at: toIso(row.refusedAt), reason: row.refusal ?? '' },
    created_at: toIso(row.createdAt),
    updated_at: toIso(row.updatedAt),
  };
}

function toRow(row: HookSql): HookRow {
  return {
    id: row.id,
    name: row.name,
    agent: row.agent,
    verification: JSON.parse(row.verification) as HookVerification,
    template: row.template,
    lane: row.lane,
    maxAttempts: row.max_attempts,
    enabled: row.enabled === 1,
    principal: JSON.parse(row.principal) as Principal,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    refusedAt: row.refused_at,
    refusal: row.refusal,
  };
}

function toDelivery(row: DeliverySql): HookDelivery {
  return {
    object: 'hook.delivery',
    id: row.id,
    hook: row.hook,
    delivery_id: row.delivery_id,
    event: row.event,
    status: row.status,
    attempts: row.attempts,
    error: row.error,
    task: row.task,
    conversation: row.task === null ? null : conversationIdOfDelivery(row.id),
    received_at: toIso(row.received_at),
    handed_over_at: row.handed_over_at === null ? null : toIso(row.handed_over_at),
  };
}
