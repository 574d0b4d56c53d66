/**
 * The desk of a tenant's alerts, and the duty that looks at them every half minute. A change of state, its entry in the
 * history and its event are one; the event goes out by the webhooks that the alert names, or by those that listen.
 */
import { RpcTarget } from 'cloudflare:workers';
import { toIso } from '../../shared/core/clock.ts';
import type { AlertId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import {
  MaxAlerts,
  type Alert,
  type AlertIncident,
  type AlertSettings,
  type UpdateAlert,
} from '../../shared/contracts/alerts.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { AgentStore } from './agent-store.ts';
import { decideAlert, measure } from './alert-rules.ts';
import type { AlertStore, StoredAlert } from './alert-store.ts';
import type { AuditNote, AuditTrail } from './audit-trail.ts';
import type { EventLog } from './event-log.ts';
import type { Telemetry } from './telemetry.ts';
import type { WebhookStore } from './webhook-store.ts';

const EveryMs = 30_000;
const KeptMs = 90 * 24 * 60 * 60_000;
const noAlert = () => err('not_found', 'There is no such alert.');

export type AlertDeskParts = {
  readonly store: AlertStore;
  readonly telemetry: Telemetry;
  readonly agents: AgentStore;
  readonly webhooks: WebhookStore;
  readonly events: EventLog;
  readonly trail: AuditTrail;
  readonly transact: (work: () => void) => void;
  readonly isActive: () => boolean;
  readonly arm: () => Promise<void>;
  readonly now: () => number;
};

export class AlertDesk extends RpcTarget {
  readonly #parts: AlertDeskParts;
  readonly #store: AlertStore;

  constructor(parts: AlertDeskParts) {
    super();
    this.#parts = parts;
    this.#store = parts.store;
  }

  find(id: string): Result<Alert> {
    const found = this.#store.find(id);
    return found ? ok(found) : noAlert();
  }

  list(limit: number, cursor: string | undefined): List<Alert> {
    return this.#store.list(limit, cursor);
  }

  incidents(id: string, limit: number, cursor: string | undefined): Result<List<AlertIncident>> {
    return this.#store.find(id) ? ok(this.#store.incidents(id, limit, cursor)) : noAlert();
  }

  /** A repeated run of the same request finds the alert, and enters nothing. */
  async create(id: AlertId, settings: AlertSettings, actor: AuditActor): Promise<Result<Alert>> {
    const isNew = this.#store.find(id) === undefined;
    if (isNew && this.#store.count() >= MaxAlerts) return err('conflict', `A tenant has at most ${MaxAlerts} alerts.`);
    const checked = this.#check(settings);
    if (!checked.ok) return checked;
    const made = this.#parts.trail.change(
      actor,
      'alert.created',
      () => {
        this.#store.create(id, settings, this.#parts.now());
        return this.find(id);
      },
      (alert) => (isNew ? noteAlert(alert) : undefined),
    );
    await this.#parts.arm();
    return made;
  }

  /** An alert that is changed is judged anew. */
  async update(id: string, change: UpdateAlert, actor: AuditActor): Promise<Result<Alert>> {
    const before = this.#parts.store.all().find((alert) => alert.id === id);
    if (!before) return noAlert();
    const settings = { ...before.settings, ...change } as AlertSettings;
    const checked = this.#check(settings);
    if (!checked.ok) return checked;
    const changed = this.#parts.trail.change(
      actor,
      'alert.updated',
      () => {
        const now = this.#parts.now();
        this.#store.update(id, settings, now);
        if (!settings.enabled) this.#step({ ...before, settings }, null, now);
        return this.find(id);
      },
      noteAlert,
    );
    await this.#parts.arm();
    return changed;
  }

  delete(id: string, actor: AuditActor): Result<undefined> {
    return this.#parts.trail.change(
      actor,
      'alert.deleted',
      () => (this.#store.delete(id) ? ok() : noAlert()),
      () => ({ target: id }),
    );
  }

  duty(): Duty {
    return {
      name: 'alerts.check',
      dueAt: () => {
        const last = this.#parts.isActive() ? this.#store.lastCheck() : undefined;
        return last === undefined ? undefined : last + EveryMs;
      },
      run: (now) =>
        this.#parts.transact(() => {
          for (const alert of this.#store.all().filter(({ settings }) => settings.enabled)) {
            const { agent, metric, window_minutes: minutes } = alert.settings;
            const tally = this.#parts.telemetry.sumUp(minutes, agent, now);
            this.#step(alert, measure(metric, tally, minutes), now);
          }
        }),
    };
  }

  #check({ agent, webhooks }: AlertSettings): Result<undefined> {
    if (agent !== null && !this.#parts.agents.find(agent).ok) {
      return err('invalid_request', 'agent names no agent of this tenant.', { param: 'agent' });
    }
    return webhooks.every((id) => this.#parts.webhooks.find(id))
      ? ok()
      : err('invalid_request', 'webhooks names a webhook that this tenant does not have.', { param: 'webhooks' });
  }

  #step({ id, settings, ...before }: StoredAlert, value: number | null, now: number): void {
    const { change, ...standing } = decideAlert(settings, before, value, now);
    this.#store.stand(id, standing, value, now);
    if (!change) return;
    const { name, metric, agent, comparison, threshold, webhooks, window_minutes } = settings;
    if (change.kind === 'fired') this.#store.addIncident(id, change.beganAt, now, value ?? 0, threshold);
    else this.#store.resolve(id, now, now - KeptMs);
    const data = { id, name, metric, comparison, threshold, window_minutes, value, webhooks };
    const since = toIso(change.kind === 'fired' ? change.beganAt : before.since);
    this.#parts.events.enter(`alert.${change.kind}`, { ...data, since }, { agent });
  }
}

function noteAlert({ id, name, metric, comparison, threshold }: Alert): AuditNote {
  return { target: id, details: { name, metric, comparison, threshold } };
}
