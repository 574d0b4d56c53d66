/**
 * TenantObject: one per tenant. Owns its keys, people, agents, secrets, ledger, audit trail, list of conversations and idempotency
 * records, and so the authority on who may do what here. Every method answers at once from the tenant's own SQLite;
 * a change is durable before its answer leaves (output gate), so a revoked key is refused by the very next call.
 */
import { DurableObject } from 'cloudflare:workers';
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import type { AgentId, BudgetId, ConversationId, LeaseId, MemberId, RunId, TenantId } from '../../shared/core/ids.ts';
import { authorize, type Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type {
  AdmissionRequest,
  Credential,
  Grant,
  Lease,
  Leftover,
  LiveAgent,
  RateGrant,
} from '../../shared/contracts/admission.ts';
import type {
  Agent,
  AgentDefinition,
  AgentVersion,
  CreateAgent,
  Environment,
  UpdateAgent,
} from '../../shared/contracts/agents.ts';
import type { AuditActor, AuditEntry, AuditPage, AuditQuery } from '../../shared/contracts/audit.ts';
import type { Budget, CreateBudget, UpdateBudget } from '../../shared/contracts/budgets.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { Receipt, ReceiptAck } from '../../shared/contracts/inference.ts';
import type { Issuer } from '../../shared/contracts/issuers.ts';
import { visitorPermissions, type ApiKey } from '../../shared/contracts/keys.ts';
import type { CreateMember, Member, UpdateMember } from '../../shared/contracts/members.ts';
import type { CreateSecret, RevealedSecret, RotatedDataKey, Secret } from '../../shared/contracts/secrets.ts';
import type { LedgerEntry, UsageGroup, UsageRow } from '../../shared/contracts/usage.ts';
import { TicketSeal } from '../../shared/inference/ticket.ts';
import type { Platform } from '../platform.ts';
import { migrate } from '../runtime/migrate.ts';
import { requireOwnTenant } from '../runtime/object-identity.ts';
import { AgentDesk } from './agent-desk.ts';
import { AgentStore } from './agent-store.ts';
import { AuditTrail } from './audit-trail.ts';
import { BudgetDesk } from './budget-desk.ts';
import { ConversationIndex, type IndexedConversation } from './conversation-index.ts';
import { IdempotencyStore, type IdempotentStart } from './idempotency-store.ts';
import type { NewIssuer } from './issuer-store.ts';
import { KeyDesk, type NewKey } from './key-desk.ts';
import { KeyStore } from './key-store.ts';
import { LedgerStore } from './ledger-store.ts';
import { People } from './people.ts';
import { PeopleDesk } from './people-desk.ts';
import { decideSettlement } from './settlement.ts';
import { SettingStore } from './setting-store.ts';
import { RateStore } from './rate-store.ts';
import { Treasury } from './treasury.ts';
import { tenantMigrations } from './tenant-migrations.ts';
import { Vault } from './vault.ts';

export class TenantObject extends DurableObject<Platform> {
  clock: Clock = systemClock;
  readonly #tenantId: TenantId;
  readonly #seal: TicketSeal;
  readonly #keys: KeyStore;
  readonly #agents: AgentStore;
  readonly #ledger: LedgerStore;
  readonly #treasury: Treasury;
  readonly #rates: RateStore;
  readonly #conversations: ConversationIndex;
  readonly #idempotency: IdempotencyStore;
  readonly #settings: SettingStore;
  readonly #people: People;
  readonly #trail: AuditTrail;
  readonly #keyDesk: KeyDesk;
  readonly #peopleDesk: PeopleDesk;
  readonly #agentDesk: AgentDesk;
  readonly #budgetDesk: BudgetDesk;
  readonly #vault: Vault;

  constructor(state: DurableObjectState, env: Platform) {
    super(state, env);
    this.#tenantId = requireOwnTenant(state);
    this.#seal = new TicketSeal(env.PLATFORM_SIGNING_KEY);
    migrate(state.storage, tenantMigrations);
    const { sql } = state.storage;
    this.#keys = new KeyStore(sql);
    this.#agents = new AgentStore(sql);
    this.#ledger = new LedgerStore(sql);
    this.#treasury = new Treasury(sql);
    this.#rates = new RateStore(sql);
    this.#conversations = new ConversationIndex(sql);
    this.#idempotency = new IdempotencyStore(sql);
    this.#settings = new SettingStore(sql);
    this.#trail = new AuditTrail(state.storage, this.#tenantId, () => this.clock);
    this.#keyDesk = new KeyDesk(this.#keys, this.#rates, this.#trail);
    this.#budgetDesk = new BudgetDesk(this.#treasury.budgets, this.#trail);
    this.#agentDesk = new AgentDesk(this.#agents, this.#trail);
    this.#people = new People(sql, { now: () => this.clock.now() }, (member) =>
      this.#trail.enter({ kind: 'user', id: member.id }, 'member.joined', { target: member.id }),
    );
    this.#peopleDesk = new PeopleDesk(this.#people, this.#trail);
    this.#vault = new Vault(this.#tenantId, sql, this.#trail, env);
  }

  /** The object's birth; a second call for the same tenant changes nothing. */
  provision(adminKey: NewKey, actor: AuditActor): Result<ApiKey> {
    if (this.#settings.get('status') === undefined) {
      this.ctx.storage.transactionSync(() => {
        this.#trail.enter(actor, 'tenant.created', { target: this.#tenantId });
        this.#settings.set('status', 'active');
      });
    }
    return this.createKey(adminKey, actor);
  }

  setStatus(status: 'active' | 'suspended', actor: AuditActor): Result<undefined> {
    const before = this.#settings.get('status');
    if (before === undefined) return err('not_found', 'There is no such tenant.');
    if (before === status) return ok();
    this.ctx.storage.transactionSync(() => {
      // The setting last: it is kept in memory, and that is not rolled back.
      const action = status === 'suspended' ? 'tenant.suspended' : 'tenant.reactivated';
      this.#trail.enter(actor, action, { target: this.#tenantId });
      this.#settings.set('status', status);
    });
    return ok();
  }

  /** The one way in: who is it, may they, on which agent, and what it may cost at most. */
  admit(request: AdmissionRequest): Result<Grant> {
    const now = this.clock.now();
    const known = this.#identify(request.credential, now);
    if (!known.ok) {
      this.enterAuthFailure(claimOf(request.credential), known.failure.reason ?? known.failure.code);
      return known;
    }
    if (this.#settings.get('status') !== 'active') return err('tenant_suspended');
    const principal = known.value;
    const agent =
      request.agentRef === null
        ? null
        : (this.#agents.findLive(request.agentRef, principal.scope.environment ?? 'prod') ?? null);
    const permitted = authorize(principal, request.permission, 'own');
    if (!permitted.ok) return permitted;
    const reach = request.reach === 'own' ? 'own' : { agent: agent?.id ?? null };
    const allowed = authorize(principal, request.permission, reach);
    if (request.agentIsModel && !(agent && allowed.ok)) return err('model_not_found', undefined, { param: 'model' });
    if (!allowed.ok) return allowed;
    if (request.agentRef !== null && agent === null) return err('not_found', 'There is no such agent.');
    if (request.conversation?.listed)
      this.#conversations.add(request.conversation.id, agent?.id ?? principal.scope.agent, principal, now);
    const { spend } = request;
    if (spend?.returning) this.returnLeftover(spend.returning);
    const rate = this.#takeRate(principal, spend !== undefined, now);
    if (!rate.ok) return rate;
    const lease = spend ? this.#lease(principal, agent?.id ?? null, spend.needMicros, true) : ok(null);
    return lease.ok ? ok({ principal, agent, lease: lease.value, rate: rate.value }) : lease;
  }

  /** One more run of a principal that was admitted before: may it still act, and what does the run draw on. */
  admitRun(principal: Principal, agentId: AgentId | null, needMicros: number): Result<Lease | null> {
    if (this.#settings.get('status') !== 'active') return err('tenant_suspended');
    const stands =
      principal.kind === 'key'
        ? this.#keys.isActive(principal.id, this.clock.now())
        : principal.kind === 'visitor' || this.#people.isActive(principal.id);
    return stands ? this.#lease(principal, agentId, needMicros, false) : err('invalid_api_key');
  }

  /** An isolate has no more use for what its grant has left. */
  returnLeftover({ lease, rate }: Leftover): void {
    if (lease) this.#treasury.budgets.giveBack(lease.id, lease.micros);
    if (rate) this.#rates.giveBack(rate.key, rate.second, rate.requests);
  }

  /** The bridge could not be reached, so nobody knows whether the run began. */
  noteLostRun(run: RunId, lease: LeaseId, micros: number, releaseAt: number): void {
    this.#treasury.budgets.noteLost(run, lease, micros, releaseAt);
  }

  /** Settles receipts whose signature the edge has verified. Idempotent: a run is settled once, whatever arrives. */
  settle(bridge: string, receipts: readonly Receipt[], jws: string): ReceiptAck {
    const settled: string[] = [];
    const refused: { id: string; reason: string }[] = [];
    this.ctx.storage.transactionSync(() => {
      const known = this.#ledger.findSettled(receipts.map(({ run }) => run));
      let batch: number | undefined;
      for (const receipt of receipts) {
        if (known.has(receipt.run)) {
          settled.push(receipt.id);
          continue;
        }
        const decision = decideSettlement(this.#tenantId, this.#seal.open(receipt.ticket), receipt);
        if (decision.kind === 'refuse') {
          refused.push({ id: receipt.id, reason: decision.reason });
          continue;
        }
        batch ??= this.#ledger.addBatch(bridge, jws);
        this.#ledger.settle(decision.ticket, receipt, decision.costMicros, batch, this.clock.now());
        this.#treasury.settle(decision.ticket, decision.costMicros, this.clock.now());
        known.add(receipt.run);
        settled.push(receipt.id);
      }
    });
    return { settled, refused };
  }

  usage(group: UsageGroup, fromMs: number, toMs: number): UsageRow[] {
    return this.#ledger.usage(group, fromMs, toMs);
  }

  findReceipt(id: string): Result<LedgerEntry> {
    const entry = this.#ledger.findEntry(id);
    return entry ? ok(entry) : err('not_found', 'There is no such receipt.');
  }

  createKey(key: NewKey, actor: AuditActor): Result<ApiKey> {
    if (key.scope.agent !== null && !this.#agents.find(key.scope.agent).ok) {
      return err('invalid_request', 'scope.agent names no agent of this tenant.', { param: 'scope.agent' });
    }
    return this.#keyDesk.create(key, actor, this.clock.now());
  }

  listKeys(limit: number, cursor: string | undefined): List<ApiKey> {
    return this.#keyDesk.list(limit, cursor, this.clock.now());
  }

  rotateKey(keyId: string, secretHash: string, graceSeconds: number, principal: Principal): Result<ApiKey> {
    return this.#keyDesk.rotate(keyId, secretHash, graceSeconds, principal, this.clock.now());
  }

  revokeKey(keyId: string, actor: AuditActor): Result<ApiKey> {
    return this.#keyDesk.revoke(keyId, actor, this.clock.now());
  }

  createMember(granter: Principal, id: MemberId, member: CreateMember): Result<Member> {
    return this.#peopleDesk.createMember(granter, id, member);
  }

  findMember(id: string): Result<Member> {
    return this.#people.findMember(id);
  }

  listMembers(limit: number, cursor: string | undefined): List<Member> {
    return this.#people.listMembers(limit, cursor);
  }

  updateMember(granter: Principal, id: string, change: UpdateMember): Result<Member> {
    return this.#peopleDesk.updateMember(granter, id, change);
  }

  deleteMember(granter: Principal, id: string): Result<undefined> {
    return this.#peopleDesk.deleteMember(granter, id);
  }

  createIssuer(granter: Principal, issuer: NewIssuer): Result<Issuer> {
    return this.#peopleDesk.createIssuer(granter, issuer);
  }

  findIssuer(id: string): Result<Issuer> {
    return this.#people.findIssuer(id);
  }

  listIssuers(limit: number, cursor: string | undefined): List<Issuer> {
    return this.#people.listIssuers(limit, cursor);
  }

  deleteIssuer(granter: Principal, id: string): Result<undefined> {
    return this.#peopleDesk.deleteIssuer(granter, id);
  }

  /** All of them, for an isolate to check tokens with. */
  issuers(): Issuer[] {
    return this.#people.issuers();
  }

  createAgent(id: AgentId, agent: CreateAgent, actor: AuditActor): Result<Agent> {
    return this.#agentDesk.create(id, agent, actor, this.clock.now());
  }

  findAgent(ref: string): Result<Agent> {
    return this.#agents.find(ref);
  }

  listAgents(limit: number, cursor: string | undefined): List<Agent> {
    return this.#agents.list(limit, cursor);
  }

  updateAgent(ref: string, change: UpdateAgent, actor: AuditActor): Result<Agent> {
    return this.#agentDesk.update(ref, change, actor, this.clock.now());
  }

  deleteAgent(ref: string, actor: AuditActor): Result<AgentId> {
    return this.#agentDesk.delete(ref, actor);
  }

  listAgentVersions(ref: string, limit: number, cursor: string | undefined): Result<List<AgentVersion>> {
    return this.#agents.versions(ref, limit, cursor);
  }

  addAgentVersion(ref: string, definition: AgentDefinition, actor: AuditActor): Result<AgentVersion> {
    return this.#agentDesk.addVersion(ref, definition, actor, this.clock.now());
  }

  publishAgent(ref: string, version: number, environment: Environment, actor: AuditActor): Result<Agent> {
    return this.#agentDesk.publish(ref, version, environment, actor, this.clock.now());
  }

  rollbackAgent(ref: string, environment: Environment, actor: AuditActor): Result<Agent> {
    return this.#agentDesk.rollback(ref, environment, actor, this.clock.now());
  }

  /** The agent that the tenant's chat page speaks with: the one set, else the first. */
  findChatAgent(): Result<LiveAgent> {
    if (this.#settings.get('status') !== 'active') return err('tenant_suspended');
    const first = this.#settings.get('chat_agent') ?? this.#agents.list(1, undefined).data[0]?.id;
    const agent = first === undefined ? undefined : this.#agents.findLive(first, 'prod');
    return agent ? ok(agent) : err('not_found', 'This tenant has no published agent yet.');
  }

  listConversations(principal: Principal, limit: number, cursor: string | undefined): IndexedConversation[] {
    return this.#conversations.list(principal, limit, cursor);
  }

  removeConversation(id: ConversationId): void {
    this.#conversations.remove(id);
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

  createBudget(id: BudgetId, budget: CreateBudget, actor: AuditActor): Result<Budget> {
    const { agent, key } = budget.scope;
    if (agent !== undefined && !this.#agents.find(agent).ok) {
      return err('invalid_request', 'scope.agent names no agent of this tenant.', { param: 'scope.agent' });
    }
    if (key !== undefined && !this.#keys.exists(key)) {
      return err('invalid_request', 'scope.key names no key of this tenant.', { param: 'scope.key' });
    }
    return this.#budgetDesk.create(id, budget, actor, this.clock.now());
  }

  findBudget(id: string): Result<Budget> {
    const found = this.#treasury.budgets.find(id, this.clock.now());
    return found ? ok(found) : err('not_found', 'There is no such budget.');
  }

  listBudgets(limit: number, cursor: string | undefined): List<Budget> {
    return this.#treasury.budgets.list(limit, cursor, this.clock.now());
  }

  updateBudget(id: string, change: UpdateBudget, actor: AuditActor): Result<Budget> {
    return this.#budgetDesk.update(id, change, actor, this.clock.now());
  }

  deleteBudget(id: string, actor: AuditActor): Result<undefined> {
    return this.#budgetDesk.delete(id, actor);
  }

  createSecret(secret: CreateSecret, actor: AuditActor): Result<Secret> {
    return this.#vault.create(secret, actor, this.clock.now());
  }

  findSecret(name: string): Result<Secret> {
    return this.#vault.find(name);
  }

  listSecrets(limit: number, cursor: string | undefined): List<Secret> {
    return this.#vault.list(limit, cursor);
  }

  rotateSecret(name: string, value: string, actor: AuditActor): Result<Secret> {
    return this.#vault.rotate(name, value, actor, this.clock.now());
  }

  deleteSecret(name: string, actor: AuditActor): Result<Secret> {
    return this.#vault.delete(name, actor);
  }

  rotateDataKey(actor: AuditActor): Result<RotatedDataKey> {
    return this.#vault.rotateDataKey(actor, this.clock.now());
  }

  /** For a tool that acts for this tenant; `purpose` and who asked are entered into the trail. No route leads here. */
  revealSecret(name: string, purpose: string, actor: AuditActor, version?: number): Result<RevealedSecret> {
    return this.#vault.reveal(name, purpose, actor, version, this.clock.now());
  }

  listAudit(query: AuditQuery): List<AuditEntry> {
    return this.#trail.list(query);
  }

  auditPage(after: number, limit: number): AuditPage {
    return this.#trail.page(after, limit);
  }

  /** Also called by the edge, for what it refuses without asking here. */
  enterAuthFailure(claimed: AuditActor, reason: string, times = 1): void {
    this.#trail.enterAuthFailure(claimed, reason, times);
  }

  #takeRate(principal: Principal, more: boolean, now: number): Result<RateGrant | null> {
    const decision = this.#rates.take(principal.id, more, now);
    if (!decision) return ok(null);
    if (decision.kind === 'granted') return ok(decision);
    const { retryAfterMs, state } = decision;
    return err('rate_limit_exceeded', `This key may make ${state.limit} requests a minute.`, {
      retryAfterMs,
      rate: state,
    });
  }

  #lease(principal: Principal, agentId: AgentId | null, needMicros: number, more: boolean): Result<Lease | null> {
    return this.ctx.storage.transactionSync(() =>
      this.#treasury.lease(principal, agentId, needMicros, more, this.clock.now()),
    );
  }

  #identify(credential: Credential, now: number): Result<Principal> {
    if (credential.kind === 'key') return this.#keys.authenticate(credential.keyId, credential.secretHash, now);
    // An invitation is taken up here, and that is entered: both or neither.
    if (credential.kind === 'user') return this.ctx.storage.transactionSync(() => this.#people.identify(credential));
    const chat = this.#agents.findLive(credential.agentId, 'prod');
    if (!chat) return err('invalid_api_key', undefined, { reason: 'the agent of the session is gone' });
    return ok({
      kind: 'visitor',
      id: credential.visitorId,
      permissions: visitorPermissions,
      scope: { project: null, environment: null, agent: credential.agentId },
    });
  }
}

function claimOf(credential: Credential): AuditActor {
  switch (credential.kind) {
    case 'key':
      return { kind: 'key', id: credential.keyId };
    case 'visitor':
      return { kind: 'visitor', id: credential.visitorId };
    case 'user':
      return { kind: 'user', id: `${credential.issuerId}/${credential.subject}`.slice(0, 300) };
  }
}
