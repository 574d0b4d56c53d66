/**
 * TenantObject: one per tenant, and so the authority on who may do what here. It admits and settles; what is asked and
 * done about one kind of thing (keys, people, agents, …) is at that kind's desk. Everything answers at once from the
 * tenant's own SQLite; a change is durable before its answer leaves (output gate), so a revoked key is refused by the
 * very next call.
 */
import { DurableObject } from 'cloudflare:workers';
import { systemClock, toIso, type Clock } from '../../shared/core/clock.ts';
import type { AgentId, ConversationId, LeaseId, RunId, TenantId } from '../../shared/core/ids.ts';
import { describeError, jsonLogger } from '../../shared/core/log.ts';
import { type Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { AdmissionRequest, Grant, Lease, Leftover, LiveAgent, Need } from '../../shared/contracts/admission.ts';
import { systemActor, type AuditActor } from '../../shared/contracts/audit.ts';
import type { Receipt, ReceiptAck } from '../../shared/contracts/inference.ts';
import { type ApiKey } from '../../shared/contracts/keys.ts';
import type { TenantProfile } from '../../shared/contracts/plans.ts';
import type { LedgerEntry, UsageGroup, UsageRow } from '../../shared/contracts/usage.ts';
import { TicketSeal } from '../../shared/inference/ticket.ts';
import { Egress } from '../../shared/egress/egress.ts';
import { TelemetryArchive } from '../../shared/store/telemetry-archive.ts';
import { Objects, reached, type Platform } from '../stubs.ts';
import type { NewTask } from '../agent/task-store.ts';
import { AlarmScheduler, type Duty } from '../runtime/alarm-scheduler.ts';
import { Holding } from '../runtime/holding.ts';
import { migrate } from '../runtime/migrate.ts';
import { requireOwnTenant } from '../runtime/object-identity.ts';
import { AgentDesk } from './agent-desk.ts';
import { AgentStore } from './agent-store.ts';
import { AlertDesk } from './alert-desk.ts';
import { AlertStore } from './alert-store.ts';
import { ApprovalListDesk } from './approval-list-desk.ts';
import { AuditDesk } from './audit-desk.ts';
import { AuditTrail } from './audit-trail.ts';
import { Billing } from './billing.ts';
import { BillingDesk } from './billing-desk.ts';
import { billingDuties } from './billing-duties.ts';
import { BillingSource } from './billing-source.ts';
import { BrandingDesk } from './branding-desk.ts';
import { BudgetDesk } from './budget-desk.ts';
import { ConversationDesk } from './conversation-desk.ts';
import { ConversationIndex } from './conversation-index.ts';
import { DomainDesk } from './domain-desk.ts';
import { DomainStore } from './domain-store.ts';
import { domainWays } from './domain-ways.ts';
import { Entitlements } from './entitlements.ts';
import { EstateStore } from './estate-store.ts';
import { EventDesk } from './event-desk.ts';
import { EventFeed } from './event-feed.ts';
import { EventLog } from './event-log.ts';
import { EventSockets, type SocketOpening } from './event-sockets.ts';
import { HookDesk } from './hook-desk.ts';
import { HookHandOver } from './hook-hand-over.ts';
import { HookStore } from './hook-store.ts';
import { IdempotencyStore, type IdempotentStart } from './idempotency-store.ts';
import { KeyDesk, type NewKey } from './key-desk.ts';
import { KeyStore } from './key-store.ts';
import { LedgerStore } from './ledger-store.ts';
import { People } from './people.ts';
import { readingsOfEvents } from './metered-events.ts';
import { PeopleDesk } from './people-desk.ts';
import type { ReachedThreshold } from './budget-store.ts';
import { KillSwitch } from './kill-switch.ts';
import { SettingStore } from './setting-store.ts';
import { TenancyDesk } from './tenancy-desk.ts';
import { Telemetry } from './telemetry.ts';
import { TelemetryDesk } from './telemetry-desk.ts';
import { telemetryPush } from './telemetry-push.ts';
import { TelemetryStore } from './telemetry-store.ts';
import { ToolPinDesk } from './tool-pin-desk.ts';
import { ToolPinStore } from './tool-pin-store.ts';
import { Treasury } from './treasury.ts';
import { tenantMigrations } from './tenant-migrations.ts';
import { TurnRunStore } from './turn-run-store.ts';
import { Vault } from './vault.ts';
import { WebhookDesk } from './webhook-desk.ts';
import { DueNow, WebhookFanOut } from './webhook-fan-out.ts';
import { WebhookStore } from './webhook-store.ts';
import { Admission, type TurnRun } from './admission.ts';
import { Settling } from './settling.ts';

export class TenantObject extends DurableObject<Platform> {
  clock: Clock = systemClock;
  readonly #tenantId: TenantId;
  readonly #admission: Admission;
  readonly #settling: Settling;
  readonly #keys: KeyStore;
  readonly #agents: AgentStore;
  readonly #ledger: LedgerStore;
  readonly #treasury: Treasury;
  readonly #killSwitch: KillSwitch;
  readonly #conversations: ConversationIndex;
  readonly #idempotency: IdempotencyStore;
  readonly #settings: SettingStore;
  readonly #people: People;
  readonly #events: EventLog;
  readonly #sockets: EventSockets;
  readonly #trail: AuditTrail;
  readonly #alarms: AlarmScheduler;
  readonly #keyDesk: KeyDesk;
  readonly #peopleDesk: PeopleDesk;
  readonly #agentDesk: AgentDesk;
  readonly #budgetDesk: BudgetDesk;
  readonly #billing: Billing;
  readonly #billingDesk: BillingDesk;
  readonly #auditDesk: AuditDesk;
  readonly #brandingDesk: BrandingDesk;
  readonly #eventDesk: EventDesk;
  readonly #webhookDesk: WebhookDesk;
  readonly #webhooks: WebhookStore;
  readonly #fanOut: WebhookFanOut;
  readonly #objects: Objects;
  readonly #conversationDesk: ConversationDesk;
  readonly #approvals: ApprovalListDesk;
  readonly #toolPins: ToolPinDesk;
  readonly #vault: Vault;
  readonly #hookDesk: HookDesk;
  readonly #tenancy: TenancyDesk;
  readonly #telemetryDesk: TelemetryDesk;
  readonly #alertDesk: AlertDesk;
  readonly #domains: DomainDesk;
  readonly #holding: Holding;

  constructor(state: DurableObjectState, env: Platform) {
    super(state, env);
    this.#tenantId = requireOwnTenant(state);
    migrate(state.storage, tenantMigrations);
    const { sql } = state.storage;
    this.#keys = new KeyStore(sql);
    this.#agents = new AgentStore(sql);
    this.#ledger = new LedgerStore(sql);
    const turnRuns = new TurnRunStore(sql);
    this.#conversations = new ConversationIndex(sql);
    this.#idempotency = new IdempotencyStore(sql);
    this.#settings = new SettingStore(sql);
    const now = () => this.clock.now();
    this.#killSwitch = new KillSwitch(this.#settings, this.#agents, turnRuns, (conversation) =>
      new Objects(env).conversation(this.#tenantId, conversation).stopTurns(),
    );
    const entitlements = new Entitlements(this.#settings);
    this.#treasury = new Treasury(
      sql,
      () => entitlements.rateLimit,
      (threshold) => this.#enterThreshold(threshold),
    );
    const feed = new EventFeed(
      () => this.#events,
      (reader) => this.#admission.stands(reader).ok,
      () => state.storage.sync(),
    );
    this.#sockets = new EventSockets(state, {
      log: () => this.#events,
      mayRead: (reader) => this.#admission.stands(reader).ok,
      meter: (reading) => void this.#billingDesk.meter([reading]),
      now,
    });
    this.#events = new EventLog(
      sql,
      () => this.clock,
      () => {
        feed.ring();
        void this.#sockets.ring();
        void this.#alarms.arm();
      },
    );
    this.#trail = new AuditTrail(state.storage, this.#tenantId, this.#events, () => this.clock);
    this.#people = new People(sql, { now }, (member) =>
      this.#trail.enter({ kind: 'user', id: member.id }, 'member.joined', { target: member.id }),
    );
    const transact = <T>(work: () => T): T => state.storage.transactionSync(work);
    this.#conversationDesk = new ConversationDesk({
      index: this.#conversations,
      transact,
      findAgent: (ref) => this.#agents.findNewest(ref)?.id,
      deleted: ({ id, agent }) =>
        this.#events.enter('conversation.deleted', { id }, { agent: agent as AgentId | null }),
    });
    this.#admission = new Admission({
      keys: this.#keys,
      people: this.#people,
      agents: this.#agents,
      treasury: this.#treasury,
      killSwitch: this.#killSwitch,
      turnRuns,
      conversations: this.#conversations,
      settings: this.#settings,
      events: this.#events,
      trail: this.#trail,
      transact,
      now,
    });
    this.#keyDesk = new KeyDesk(this.#keys, this.#treasury.rates, this.#agents, entitlements, this.#trail, now);
    this.#peopleDesk = new PeopleDesk(this.#people, this.#trail);
    this.#agentDesk = new AgentDesk(
      this.#agents,
      entitlements,
      this.#killSwitch,
      () => this.#alarms.arm(),
      this.#trail,
      now,
    );
    this.#budgetDesk = new BudgetDesk(this.#treasury.budgets, this.#agents, this.#keys, this.#trail, now);
    this.#auditDesk = new AuditDesk(this.#trail);
    this.#brandingDesk = new BrandingDesk(this.#settings, this.#trail, now);
    const estate = new EstateStore(sql);
    this.#eventDesk = new EventDesk(
      state.storage,
      this.#events,
      feed,
      () => this.#admission.isThere,
      (events, from) => {
        this.#billing.meter(readingsOfEvents(events), now());
        if (from) estate.noteSize(from);
        this.#trail.enterStateChanges(events);
      },
    );
    this.#approvals = new ApprovalListDesk(sql, this.#trail);
    this.#toolPins = new ToolPinDesk(new ToolPinStore(sql), this.#trail, now);
    this.#vault = new Vault(this.#tenantId, sql, this.#trail, env, now);
    this.#billing = new Billing(this.#tenantId, sql);
    const telemetryStore = new TelemetryStore(sql);
    const telemetry = new Telemetry(telemetryStore);
    this.#telemetryDesk = new TelemetryDesk({
      telemetry,
      isThere: () => this.#admission.isThere,
      transact,
      arm: () => this.#alarms.arm(),
      now,
    });
    this.#settling = new Settling({
      tenantId: this.#tenantId,
      seal: new TicketSeal(env.PLATFORM_SIGNING_KEY, env.PLATFORM_PREVIOUS_SIGNING_KEY),
      ledger: this.#ledger,
      billing: this.#billing,
      treasury: this.#treasury,
      turnRuns,
      telemetry,
      isThere: () => this.#admission.isThere,
      transact,
      now,
    });
    const source = new BillingSource(this.#tenantId, env.DB);
    this.#billingDesk = new BillingDesk({
      billing: this.#billing,
      ledger: this.#ledger,
      trail: this.#trail,
      book: () => source.book(),
      prices: () => source.prices(now()),
      now,
      transact,
      exists: () => this.#settings.get('status') !== undefined,
      arm: () => this.#alarms.arm(),
    });
    this.#objects = new Objects(env);
    this.#webhooks = new WebhookStore(sql);
    this.#webhookDesk = new WebhookDesk({
      storage: state.storage,
      store: this.#webhooks,
      log: this.#events,
      vault: this.#vault,
      agents: this.#agents,
      trail: this.#trail,
      findUrlFault: (url) => Egress.of(env).findFault(url),
      mayAct: () => this.#admission.standing().ok,
      now,
    });
    this.#alertDesk = new AlertDesk({
      store: new AlertStore(sql),
      telemetry,
      agents: this.#agents,
      webhooks: this.#webhooks,
      events: this.#events,
      trail: this.#trail,
      transact,
      isActive: () => this.#admission.standing().ok,
      arm: () => this.#alarms.arm(),
      now,
    });
    this.#fanOut = new WebhookFanOut(
      this.#webhooks,
      this.#events,
      (id, revision, messages) => reached(this.#objects.webhookEndpoint(this.#tenantId, id).accept(revision, messages)),
      transact,
    );
    const isSuspended = () => !this.#admission.standing().ok;
    const hooks = { store: new HookStore(sql), agents: this.#agents, isSuspended, now };
    this.#hookDesk = new HookDesk({
      ...hooks,
      vault: this.#vault,
      trail: this.#trail,
      transact,
      arm: () => this.#alarms.arm(),
    });
    const handOver = new HookHandOver({
      ...hooks,
      stands: (principal) => this.#admission.stands(principal).ok,
      createTask: (task) => this.#createTask(task),
      random: Math.random,
    });
    this.#domains = new DomainDesk(
      new DomainStore(sql),
      entitlements,
      this.#trail,
      domainWays(env, this.#tenantId, { clock: () => this.clock, arm: () => this.#alarms.arm() }),
      now,
    );
    this.#tenancy = new TenancyDesk(
      this.#tenantId,
      state.storage,
      this.#settings,
      entitlements,
      this.#killSwitch,
      estate,
      this.#trail,
    );
    this.#holding = new Holding(state.storage, tenantMigrations, {
      changed: async () => {
        this.#settings.reload();
        this.#trail.reload();
        await this.#alarms.arm();
      },
    });
    const log = jsonLogger(now, { tenant: this.#tenantId });
    this.#alarms = new AlarmScheduler(
      {
        // The runtime's alarm goes by the runtime's time, whatever clock the duties go by.
        setAlarm: (at) => state.storage.setAlarm(systemClock.now() + Number(at) - this.clock.now()),
        deleteAlarm: () => state.storage.deleteAlarm(),
      },
      () => this.clock,
      [
        this.#killSwitch.duty(),
        {
          name: 'webhooks.fan_out',
          dueAt: () => (this.#admission.standing().ok ? this.#fanOut.dueAt() : undefined),
          run: (at) => this.#fanOut.run(at),
        },
        {
          name: 'webhooks.remove',
          dueAt: () => (this.#webhooks.removals().length > 0 ? DueNow : undefined),
          run: () => this.#removeEndpoints(),
        },
        this.#pruneEvents(entitlements),
        handOver.duty(),
        this.#domains.duty,
        this.#alertDesk.duty(),
        telemetryPush(this.#tenantId, telemetryStore, new TelemetryArchive(env.DB)),
        ...billingDuties({
          tenant: this.#tenantId,
          billing: this.#billing,
          desk: this.#billingDesk,
          source,
          databaseBytes: () => sql.databaseSize + estate.objectBytes(),
        }),
      ],
      (duty, error) => log.error('tenant.duty_failed', { duty, reason: describeError(error) }),
    );
    // Also what a crash cut off before its alarm was set.
    if (this.#settings.get('status') !== undefined) {
      this.#billing.begin(now());
      state.waitUntil(this.#alarms.arm());
    }
  }

  get keys(): KeyDesk {
    return this.#keyDesk;
  }

  get people(): PeopleDesk {
    return this.#peopleDesk;
  }

  get agents(): AgentDesk {
    return this.#agentDesk;
  }

  get budgets(): BudgetDesk {
    return this.#budgetDesk;
  }

  get conversations(): ConversationDesk {
    return this.#conversationDesk;
  }

  get approvals(): ApprovalListDesk {
    return this.#approvals;
  }

  get toolPins(): ToolPinDesk {
    return this.#toolPins;
  }

  get billing(): BillingDesk {
    return this.#billingDesk;
  }

  get vault(): Vault {
    return this.#vault;
  }

  get branding(): BrandingDesk {
    return this.#brandingDesk;
  }

  get webhooks(): WebhookDesk {
    return this.#webhookDesk;
  }

  get hooks(): HookDesk {
    return this.#hookDesk;
  }

  get tenancy(): TenancyDesk {
    return this.#tenancy;
  }

  get alerts(): AlertDesk {
    return this.#alertDesk;
  }

  get telemetry(): TelemetryDesk {
    return this.#telemetryDesk;
  }

  get domains(): DomainDesk {
    return this.#domains;
  }

  /** Everything here, for export, restoration and erasure. */
  get holding(): Holding {
    return this.#holding;
  }

  get audit(): AuditDesk {
    return this.#auditDesk;
  }

  get events(): EventDesk {
    return this.#eventDesk;
  }

  /** The object's birth; a second call for the same tenant changes nothing. */
  provision(adminKey: NewKey, actor: AuditActor, profile?: TenantProfile): Result<ApiKey> {
    if (!this.#admission.isThere) {
      this.ctx.storage.transactionSync(() => {
        this.#trail.enter(actor, 'tenant.created', { target: this.#tenantId });
        this.#billing.begin(this.clock.now());
        this.#settings.set('status', 'active');
      });
      this.ctx.waitUntil(this.#alarms.arm());
    }
    if (profile) this.#tenancy.setProfile(profile, actor);
    return this.#keyDesk.create(adminKey, actor);
  }

  /** The tenant's own switch: from now on no run begins, and the turns that are under way are cancelled. */
  async stop(actor: AuditActor): Promise<void> {
    this.#switchRuns(actor, true);
    await this.#alarms.arm();
  }

  resume(actor: AuditActor): void {
    this.#switchRuns(actor, false);
  }

  admit(request: AdmissionRequest): Result<Grant> {
    return this.#admission.admit(request);
  }

  admitTask(principal: Principal, agentId: AgentId, conversation: ConversationId): Result<LiveAgent> {
    return this.#admission.admitTask(principal, agentId, conversation);
  }

  admitRun(principal: Principal, turn: TurnRun, need: Need): Result<Lease | null> {
    return this.#admission.admitRun(principal, turn, need);
  }

  admitOwnRun(principal: Principal, agent: AgentId, need: Need): Result<Lease | null> {
    return this.#admission.admitOwnRun(principal, agent, need);
  }

  stands(principal: Principal): Result<undefined> {
    return this.#admission.stands(principal);
  }

  checkStanding(principal: Principal, agent: AgentId | null): Result<undefined> {
    return this.#admission.checkStanding(principal, agent);
  }

  holdConversation(principal: Principal, agent: AgentId | null, conversation: ConversationId, listed = false): void {
    this.#admission.holdConversation(principal, agent, conversation, listed);
  }

  returnLeftover(left: Leftover): void {
    this.#admission.returnLeftover(left);
  }

  noteLostRun(run: RunId, lease: LeaseId, need: Need, releaseAt: number): void {
    this.#admission.noteLostRun(run, lease, need, releaseAt);
  }

  enterAuthFailure(claimed: AuditActor, reason: string, times = 1): void {
    this.#admission.enterAuthFailure(claimed, reason, times);
  }

  settle(bridge: string, receipts: readonly Receipt[], jws: string): ReceiptAck {
    return this.#settling.settle(bridge, receipts, jws);
  }

  usage(group: UsageGroup, fromMs: number, toMs: number): UsageRow[] {
    return this.#billing.entries.usage(group, fromMs, toMs);
  }

  findReceipt(id: string): Result<LedgerEntry> {
    const entry = this.#ledger.findEntry(id);
    return entry ? ok(entry) : err('not_found', 'There is no such receipt.');
  }

  /** The agent that the tenant's chat page speaks with: the one set, else the first. */
  findChatAgent(): Result<LiveAgent> {
    const standing = this.#admission.standing();
    if (!standing.ok) return standing;
    const first = this.#settings.get('chat_agent') ?? this.#agents.list(1, undefined).data[0]?.id;
    const agent = first === undefined ? undefined : this.#agents.findLive(first, 'prod');
    return agent ? ok(agent) : err('not_found', 'This tenant has no published agent yet.');
  }

  beginIdempotent(scope: string, fingerprint: string): Result<IdempotentStart> {
    return this.#idempotency.begin(scope, fingerprint, this.clock.now());
  }

  completeIdempotent(scope: string, status: number, body: string): void {
    this.#idempotency.complete(scope, status, body);
  }

  abandonIdempotent(scope: string): void {
    this.#idempotency.abandon(scope);
  }

  /** Sockets of the event log; only the edge comes here, with a reader that was admitted. */
  override fetch(request: Request): Response {
    const opening = new URL(request.url).searchParams.get('opening');
    return opening === null
      ? new Response(null, { status: 404 })
      : this.#sockets.open(JSON.parse(opening) as SocketOpening);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#sockets.ended(socket);
    socket.close();
  }

  override alarm(): Promise<void> {
    return this.#alarms.ring();
  }

  /** Events go when their time is over and no webhook waits for them. */
  #pruneEvents(entitlements: Entitlements): Duty {
    const held = () => this.#webhooks.heldPosition() ?? Number.MAX_SAFE_INTEGER;
    return {
      name: 'events.prune',
      dueAt: () => this.#events.pruneDueAt(entitlements.eventRetentionDays, held()),
      run: () => this.#events.prune(entitlements.eventRetentionDays, held()),
    };
  }

  async #createTask(task: NewTask): Promise<Result<unknown>> {
    const made = await reached(this.#objects.agent(this.#tenantId, task.agentId).tasks.create(task));
    return made.ok ? made.value : made;
  }

  #switchRuns(actor: AuditActor, stopped: boolean): void {
    if (this.#killSwitch.isTenantStopped === stopped) return;
    this.ctx.storage.transactionSync(() => {
      this.#trail.enter(actor, stopped ? 'tenant.stopped' : 'tenant.resumed', { target: this.#tenantId });
      if (stopped) this.#killSwitch.stopTurns(null);
      this.#settings.set('stopped', stopped ? 'yes' : 'no');
    });
  }

  /** The objects of deleted webhooks forget what they hold. */
  async #removeEndpoints(): Promise<void> {
    for (const id of this.#webhooks.removals()) {
      await this.#objects.webhookEndpoint(this.#tenantId, id).erase();
      this.#webhooks.removed(id);
    }
  }

  #enterThreshold({ budget, name, percent, limitMicros, spentMicros, windowStart }: ReachedThreshold): void {
    const details = {
      name,
      percent,
      limit_micros: limitMicros,
      spent_micros: spentMicros,
      window_started_at: toIso(windowStart),
    };
    this.#trail.enter(systemActor, 'budget.threshold_reached', { target: budget, details });
  }
}
