/**
 * The desk of a tenant's webhooks: what is asked and done over RPC. Each change, its entry in the audit trail and its event
 * are one. Secrets lie sealed in the vault; they leave for the webhook's own object alone.
 */
import { RpcTarget } from 'cloudflare:workers';
import { toIso } from '../../shared/core/clock.ts';
import { parseJsonTemplate } from '../../shared/core/json-template.ts';
import type { WebhookId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { CarriedEvent } from '../../shared/contracts/events.ts';
import {
  MaxWebhooks,
  type CreateWebhook,
  type DeliveryPlan,
  type ReplayWebhook,
  type UpdateWebhook,
  type Webhook,
  type WebhookReplay,
  type WebhookSettings,
} from '../../shared/contracts/webhooks.ts';
import type { AgentStore } from './agent-store.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { EventLog } from './event-log.ts';
import type { Vault } from './vault.ts';
import type { StoredWebhook, WebhookStore } from './webhook-store.ts';

const MaxReplays = 10;
const noWebhook = () => err('not_found', 'There is no such webhook.');
const secretName = (id: string) => `webhook:${id}` as const;

export type NewWebhook = CreateWebhook & {
  readonly id: WebhookId;
  /** To sign with: `whsec_…`, or `whsk_…` with its public key. */
  readonly secret: string;
  readonly publicKey: string | null;
};

type WebhookDeps = {
  readonly storage: DurableObjectStorage;
  readonly store: WebhookStore;
  readonly log: EventLog;
  readonly vault: Vault;
  readonly agents: AgentStore;
  readonly trail: AuditTrail;
  readonly findUrlFault: (url: string) => string | undefined;
  /** Whether the tenant may act, and so anything be sent for it. */
  readonly mayAct: () => boolean;
  readonly now: () => number;
};

export class WebhookDesk extends RpcTarget {
  readonly #deps: WebhookDeps;

  constructor(deps: WebhookDeps) {
    super();
    this.#deps = deps;
  }

  find(id: string): Result<Webhook> {
    const found = this.#deps.store.show(id);
    return found ? ok(found) : noWebhook();
  }

  list(limit: number, cursor: string | undefined): List<Webhook> {
    return this.#deps.store.list(limit, cursor);
  }

  /** A repeated run of the same request finds the webhook, and enters nothing. */
  create(wanted: NewWebhook, actor: AuditActor): Result<Webhook> {
    const known = this.#deps.store.show(wanted.id);
    if (known) return ok(known);
    const { id, secret, publicKey, signature, ...settings } = wanted;
    const fault = this.#findFault(settings);
    if (fault) return fault;
    if (this.#deps.store.count() >= MaxWebhooks)
      return err('conflict', `A tenant has at most ${MaxWebhooks} webhooks.`);
    return this.#deps.trail.change(
      actor,
      'webhook.created',
      () => {
        const kept = this.#deps.vault.keepOwn(secretName(id), 1, secret, 2);
        if (!kept.ok) return kept;
        const state = {
          status: 'active',
          disabledReason: null,
          secretVersion: 1,
          previousUntil: null,
          revision: 1,
        } as const;
        this.#deps.store.create(
          { id, settings, signature, publicKey, ...state },
          this.#deps.log.head(),
          this.#deps.now(),
        );
        return this.find(id);
      },
      note,
    );
  }

  update(id: string, { enabled, ...change }: UpdateWebhook, actor: AuditActor): Result<Webhook> {
    const hook = this.#deps.store.find(id);
    if (!hook) return noWebhook();
    const settings = { ...hook.settings, ...change } as WebhookSettings;
    const fault = this.#findFault(settings);
    if (fault) return fault;
    const wasOff = hook.status === 'disabled';
    const status = enabled === undefined ? hook.status : !enabled ? 'disabled' : wasOff ? 'active' : hook.status;
    const disabledReason = status !== 'disabled' ? null : wasOff ? hook.disabledReason : 'switched off';
    return this.#deps.trail.change(
      actor,
      'webhook.updated',
      () => {
        this.#deps.store.put(
          { ...hook, settings, status, disabledReason, revision: hook.revision + 1 },
          this.#deps.now(),
        );
        if (wasOff && status !== 'disabled') this.#deps.store.restart(id, this.#deps.log.head());
        return this.find(id);
      },
      note,
    );
  }

  delete(id: string, actor: AuditActor): Result<undefined> {
    return this.#deps.trail.change(
      actor,
      'webhook.deleted',
      () => {
        if (!this.#deps.store.find(id)) return noWebhook();
        this.#deps.store.delete(id);
        this.#deps.vault.dropOwn(secretName(id));
        return ok();
      },
      () => ({ target: id }),
    );
  }

  /** The same new secret a second time changes nothing: a repeated run of the same request. */
  rotateSecret(
    id: string,
    secret: string,
    publicKey: string | null,
    graceSeconds: number,
    actor: AuditActor,
  ): Result<Webhook> {
    const hook = this.#deps.store.find(id);
    if (!hook) return noWebhook();
    const present = this.#deps.vault.openOwn(secretName(id), hook.secretVersion);
    if (present.ok && present.value === secret) return this.find(id);
    const now = this.#deps.now();
    return this.#deps.trail.change(
      actor,
      'webhook.secret_rotated',
      () => {
        const secretVersion = hook.secretVersion + 1;
        const kept = this.#deps.vault.keepOwn(secretName(id), secretVersion, secret, 2);
        if (!kept.ok) return kept;
        const previousUntil = graceSeconds === 0 ? null : now + graceSeconds * 1000;
        this.#deps.store.put({ ...hook, publicKey, secretVersion, previousUntil, revision: hook.revision + 1 }, now);
        return this.find(id);
      },
      () => ({ target: id, details: { grace_seconds: graceSeconds } }),
    );
  }

  /** An event that goes to this webhook alone, through the log like every other. */
  test(id: string, { traceparent }: AuditActor): Result<string> {
    const hook = this.#requireEnabled(id);
    if (!hook.ok) return hook;
    return ok(this.#deps.log.enter('webhook.test', { id }, { traceparent }));
  }

  replay(id: string, { event, since, until }: ReplayWebhook): Result<WebhookReplay> {
    const hook = this.#requireEnabled(id);
    if (!hook.ok) return hook;
    if (this.#deps.store.countReplays(id) >= MaxReplays) {
      return err('conflict', `At most ${MaxReplays} replays of a webhook run at once.`);
    }
    const now = this.#deps.now();
    const one = event === undefined ? undefined : this.#deps.log.positionOf(event);
    if (event !== undefined && one === undefined)
      return err('not_found', 'There is no such event any more.', { param: 'event' });
    const from = since === undefined ? now : Date.parse(since);
    const to = until === undefined ? now : Date.parse(until);
    const span = one === undefined ? this.#deps.log.span(from, to) : { first: one, last: one };
    if (span) this.#deps.store.addCursor(hook.value.id, span.first - 1, span.last);
    this.#deps.log.wake();
    return ok({
      object: 'webhook.replay',
      webhook: id,
      since: since === undefined ? null : toIso(from),
      until: since === undefined ? null : toIso(to),
      event: event ?? null,
    });
  }

  /** For the webhook's own object; undefined where there is no such webhook any more. */
  plan(id: WebhookId): Result<DeliveryPlan | null> {
    const hook = this.#deps.store.find(id);
    if (!hook) return ok(null);
    const { secretVersion, previousUntil, settings } = hook;
    const versions = [
      secretVersion,
      ...(previousUntil !== null && previousUntil > this.#deps.now() ? [secretVersion - 1] : []),
    ];
    const secrets: string[] = [];
    for (const version of versions) {
      const opened = this.#deps.vault.openOwn(secretName(id), version);
      if (!opened.ok) return opened;
      secrets.push(opened.value);
    }
    return ok({
      revision: hook.revision,
      enabled: hook.status !== 'disabled',
      paused: !this.#deps.mayAct(),
      url: settings.url,
      secrets,
      timeoutMs: settings.timeout_seconds * 1000,
      ordered: settings.ordered,
    });
  }

  /** What a webhook's object tells of its receiver: into the log, and what it means for the webhook with it. */
  carry(id: WebhookId, events: readonly CarriedEvent[]): void {
    this.#deps.storage.transactionSync(() => {
      for (const event of this.#deps.log.carry(events)) {
        const hook = this.#deps.store.find(id);
        const next = hook && stateAfter(hook, event);
        if (next) this.#deps.store.put(next, this.#deps.now());
      }
    });
  }

  #requireEnabled(id: string): Result<StoredWebhook> {
    const hook = this.#deps.store.find(id);
    if (!hook) return noWebhook();
    return hook.status === 'disabled'
      ? err('conflict', 'The webhook is disabled. Enable it first: PATCH {"enabled": true}.')
      : ok(hook);
  }

  #findFault({ url, agent, transform }: WebhookSettings): Result<never> | undefined {
    const fault = this.#deps.findUrlFault(url);
    if (fault !== undefined) return err('invalid_request', `"url": ${fault}`, { param: 'url' });
    const found = agent === null ? undefined : this.#deps.agents.find(agent);
    if (found && !(found.ok && found.value.id === agent)) {
      return err('invalid_request', '"agent" is no id of an agent of this tenant.', { param: 'agent' });
    }
    const template = transform.kind === 'template' ? parseJsonTemplate(transform.template) : undefined;
    return template && !template.ok
      ? err('invalid_request', template.failure.message, { param: 'transform.template' })
      : undefined;
  }
}

function stateAfter(hook: StoredWebhook, event: CarriedEvent): StoredWebhook | undefined {
  switch (event.type) {
    case 'webhook.endpoint_failing':
      return { ...hook, status: 'failing' };
    case 'webhook.endpoint_recovered':
      return { ...hook, status: 'active' };
    case 'webhook.endpoint_disabled':
      return { ...hook, status: 'disabled', disabledReason: event.data.reason };
    default:
      return undefined;
  }
}

function note({ id, url, events }: Webhook) {
  return { target: id, details: { url, events } };
}
