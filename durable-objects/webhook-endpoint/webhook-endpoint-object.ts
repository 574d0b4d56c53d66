/**
 * WebhookEndpointObject: one per webhook, so that a slow receiver delays nobody else. Takes events durably, delivers them by
 * its one alarm, and tells the tenant's object how its receiver is doing. What to send, where and with which secrets, it
 * asks the tenant's object; it keeps no secret.
 */
import { DurableObject } from 'cloudflare:workers';
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import type { TenantId, WebhookId } from '../../shared/core/ids.ts';
import { invariant } from '../../shared/core/invariant.ts';
import { describeError, jsonLogger } from '../../shared/core/log.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { AttemptQuery, DeliveryPlan, OutgoingMessage, WebhookAttempt } from '../../shared/contracts/webhooks.ts';
import { Egress } from '../../shared/egress/egress.ts';
import { webhookOfObjectName } from '../../shared/tenancy/object-name.ts';
import { AlarmScheduler } from '../runtime/alarm-scheduler.ts';
import { EventOutbox } from '../runtime/event-outbox.ts';
import { Holding } from '../runtime/holding.ts';
import { migrate } from '../runtime/migrate.ts';
import { requireObjectName, requireOwnTenant } from '../runtime/object-identity.ts';
import { Objects, reached, type Platform } from '../stubs.ts';
import { Deliverer } from './deliverer.ts';
import { sendWebhook } from './send-webhook.ts';
import { webhookEndpointMigrations } from './webhook-endpoint-migrations.ts';
import { MaxQueued, WebhookEndpointStore } from './webhook-endpoint-store.ts';

/** How long settings hold without a look at the tenant's object; a change is told with the next events. */
const PlanMs = 5_000;
/** How often the object of a suspended tenant looks whether it may go on. */
const PauseMs = 10_000;

export class WebhookEndpointObject extends DurableObject<Platform> {
  clock: Clock = systemClock;
  readonly #tenantId: TenantId;
  readonly #webhookId: WebhookId;
  readonly #objects: Objects;
  readonly #egress: Egress;
  readonly #store: WebhookEndpointStore;
  readonly #outbox: EventOutbox;
  readonly #deliverer: Deliverer;
  readonly #alarms: AlarmScheduler;
  readonly #holding: Holding;
  /** In memory alone: a new start looks at once. */
  #pausedUntil = 0;
  #known: { readonly plan: DeliveryPlan; readonly until: number } | undefined;

  constructor(state: DurableObjectState, env: Platform) {
    super(state, env);
    this.#tenantId = requireOwnTenant(state);
    const webhookId = webhookOfObjectName(requireObjectName(state));
    invariant(webhookId, 'the name of this object carries no webhook');
    this.#webhookId = webhookId;
    migrate(state.storage, webhookEndpointMigrations);
    this.#objects = new Objects(env);
    this.#egress = Egress.of(env);
    this.#store = new WebhookEndpointStore(state.storage.sql);
    const now = () => this.clock.now();
    const tenant = () => this.#objects.tenant(this.#tenantId);
    this.#outbox = new EventOutbox(state.storage.sql, now, (events) =>
      reached(tenant().webhooks.carry(webhookId, events)),
    );
    this.#deliverer = new Deliverer({
      webhook: webhookId,
      store: this.#store,
      clock: () => this.clock,
      transaction: (work) => state.storage.transactionSync(work),
      send: (plan, message, at) => sendWebhook(this.#egress, plan, message, at, this.clock),
      notify: (draft) => {
        this.#outbox.enter(draft);
        // A run may go on for long: after the transaction, not after the run.
        queueMicrotask(() => void this.#outbox.deliver().then(() => this.#alarms.arm()));
      },
      random: Math.random,
    });
    this.#holding = new Holding(state.storage, webhookEndpointMigrations, {
      quiesce: () => this.#deliverer.stop(),
      changed: async () => {
        this.#known = undefined;
        await this.#alarms.arm();
      },
    });
    const log = jsonLogger(now, { tenant: this.#tenantId, webhook: webhookId });
    this.#alarms = new AlarmScheduler(
      state.storage,
      () => this.clock,
      [
        { name: 'webhook.deliver', dueAt: () => this.#dueAt(), run: () => this.#deliver() },
        { name: 'webhook.tell', dueAt: () => (this.#outbox.isEmpty ? undefined : 1_000), run: () => this.#tell() },
      ],
      (duty, error) => log.error('webhook.duty_failed', { duty, reason: describeError(error) }),
    );
  }

  /** Durable when this returns, or not taken. What waits already is not taken twice. */
  async accept(revision: number, messages: readonly OutgoingMessage[]): Promise<'taken' | 'full'> {
    if (this.#known && this.#known.plan.revision !== revision) this.#known = undefined;
    if (this.#store.count() >= MaxQueued || this.#store.state().givenUpRevision === revision) return 'full';
    this.#store.add(messages, this.clock.now());
    this.#deliverer.ring();
    await this.#alarms.arm();
    return 'taken';
  }

  listAttempts(query: AttemptQuery): List<WebhookAttempt> {
    return this.#store.listAttempts(this.#webhookId, query);
  }

  /** The webhook was deleted. */
  async erase(): Promise<void> {
    await this.#holding.erase();
  }

  /** Everything here, for export, restoration and erasure. */
  get holding(): Holding {
    return this.#holding;
  }

  override alarm(): Promise<void> {
    return this.#alarms.ring();
  }

  #dueAt(): number | undefined {
    const due = this.#deliverer.dueAt(this.#known?.plan.ordered ?? false);
    return due === undefined ? undefined : Math.max(due, this.#pausedUntil);
  }

  async #deliver(): Promise<void> {
    const plan = await this.#plan();
    if (plan?.paused) this.#pausedUntil = this.clock.now() + PauseMs;
    else if (plan?.enabled) await this.#deliverer.run(() => this.#plan());
    else this.#store.clear();
  }

  async #tell(): Promise<void> {
    const told = await this.#outbox.deliver();
    if (!told.ok) throw new Error(told.failure.reason ?? told.failure.code);
  }

  /** Null where the webhook is gone. */
  async #plan(): Promise<DeliveryPlan | null> {
    const now = this.clock.now();
    if (this.#known && now < this.#known.until) return this.#known.plan;
    const plan = await this.#objects.tenant(this.#tenantId).webhooks.plan(this.#webhookId);
    if (!plan.ok) throw new Error(plan.failure.reason ?? plan.failure.code);
    this.#known = plan.value ? { plan: plan.value, until: now + PlanMs } : undefined;
    return plan.value;
  }
}
