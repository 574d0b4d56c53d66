/**
 * Who may do what in a tenant: the one way in, and the question that is asked again of everything that goes on after it.
 * Refusals are entered into the audit trail; what a run may cost at most is held before it is let through.
 */
import type { FailureCode } from '../../shared/core/failure.ts';
import type { AgentId, ConversationId, LeaseId, RunId } from '../../shared/core/ids.ts';
import { authorize, type Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type {
  AdmissionRequest,
  Credential,
  Grant,
  Lease,
  Leftover,
  LiveAgent,
  Need,
} from '../../shared/contracts/admission.ts';
import { type AuditActor } from '../../shared/contracts/audit.ts';
import { visitorPermissions } from '../../shared/contracts/keys.ts';
import { PlatformIssuer } from '../../shared/contracts/tokens.ts';
import type { AgentStore } from './agent-store.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { ConversationIndex } from './conversation-index.ts';
import type { EventLog } from './event-log.ts';
import type { KeyStore } from './key-store.ts';
import type { People } from './people.ts';
import type { KillSwitch } from './kill-switch.ts';
import type { SettingStore } from './setting-store.ts';
import type { Treasury } from './treasury.ts';
import type { TurnRunStore } from './turn-run-store.ts';

/** A run of a turn: what a kill switch finds the turn by. */
export type TurnRun = { readonly conversation: ConversationId; readonly agent: AgentId | null; readonly run: RunId };

/** Refusals that belong on the audit trail; that something is not there is none. */
const enteredRefusals: ReadonlySet<FailureCode> = new Set([
  'permission_denied',
  'tenant_suspended',
  'insufficient_quota',
  'rate_limit_exceeded',
  'model_not_found',
]);
const MaxTarget = 200;
/** A slug and an id have no @. */
const versionedRef = /^([^@]+)@([1-9]\d{0,8})$/;

export type AdmissionParts = {
  readonly keys: KeyStore;
  readonly people: People;
  readonly agents: AgentStore;
  readonly treasury: Treasury;
  readonly killSwitch: KillSwitch;
  readonly turnRuns: TurnRunStore;
  readonly conversations: ConversationIndex;
  readonly settings: SettingStore;
  readonly events: EventLog;
  readonly trail: AuditTrail;
  readonly transact: <T>(work: () => T) => T;
  readonly now: () => number;
};

export class Admission {
  readonly #keys: KeyStore;
  readonly #people: People;
  readonly #agents: AgentStore;
  readonly #treasury: Treasury;
  readonly #killSwitch: KillSwitch;
  readonly #turnRuns: TurnRunStore;
  readonly #conversations: ConversationIndex;
  readonly #settings: SettingStore;
  readonly #events: EventLog;
  readonly #trail: AuditTrail;
  readonly #transact: AdmissionParts['transact'];
  readonly #now: () => number;

  constructor(parts: AdmissionParts) {
    this.#keys = parts.keys;
    this.#people = parts.people;
    this.#agents = parts.agents;
    this.#treasury = parts.treasury;
    this.#killSwitch = parts.killSwitch;
    this.#turnRuns = parts.turnRuns;
    this.#conversations = parts.conversations;
    this.#settings = parts.settings;
    this.#events = parts.events;
    this.#trail = parts.trail;
    this.#transact = parts.transact;
    this.#now = parts.now;
  }

  /** The one way in: who is it, may they, on which agent, and what it may cost at most. `traceparent`: for its events. */
  admit(request: AdmissionRequest, traceparent?: string): Result<Grant> {
    const now = this.#now();
    if (!this.isThere) return err('unknown_host');
    const known = this.#identify(request.credential, now, traceparent);
    if (!known.ok) {
      this.enterAuthFailure(claimOf(request.credential), known.failure.reason ?? known.failure.code);
      return known;
    }
    const principal = known.value;
    const decided = this.#decide(principal, request, now, traceparent);
    if (!decided.ok && enteredRefusals.has(decided.failure.code)) {
      const { agentRef, permission } = request;
      const details = { code: decided.failure.code, permission };
      this.#trail.enterRefusal(principal, { target: agentRef?.slice(0, MaxTarget) ?? null, details });
    }
    return decided;
  }

  /**
   * As a model, `helper@3` is one version, live anywhere or not: for who may read agents. Who does not begin a run may look
   * after an agent that is not live in their environment yet.
   */
  #findAgent(ref: string, request: AdmissionRequest, { permissions, scope }: Principal): LiveAgent | null {
    const named = request.agentIsModel ? versionedRef.exec(ref) : null;
    if (named) {
      const found = permissions.includes('agents:read') && this.#agents.findAtVersion(named[1]!, Number(named[2]));
      return found || null;
    }
    const live = this.#agents.findLive(ref, scope.environment ?? 'prod');
    return live ?? (request.startsRun ? null : (this.#agents.findNewest(ref) ?? null));
  }

  /** What a known caller asks for. */
  #decide(
    principal: Principal,
    request: AdmissionRequest,
    now: number,
    traceparent: string | undefined,
  ): Result<Grant> {
    const standing = this.standing();
    if (!standing.ok) return standing;
    const agent = request.agentRef === null ? null : this.#findAgent(request.agentRef, request, principal);
    const permitted = authorize(principal, request.permission, 'own');
    if (!permitted.ok) return permitted;
    const reach = request.reach === 'own' ? 'own' : { agent: agent?.id ?? null };
    const allowed = authorize(principal, request.permission, reach);
    if (request.agentIsModel && !(agent && allowed.ok)) return err('model_not_found', undefined, { param: 'model' });
    if (!allowed.ok) return allowed;
    if (request.agentRef !== null && agent === null) return err('not_found', 'There is no such agent.');
    const on = request.startsRun ? this.#killSwitch.requireOn(agent?.id ?? null) : ok();
    if (!on.ok) return on;
    if (request.conversation)
      this.#addConversation(request.conversation, agent?.id ?? null, principal, now, traceparent);
    const { spend } = request;
    if (spend?.returning) this.returnLeftover(spend.returning);
    const asked = { principal, agentId: agent?.id ?? null, isRequest: true, more: true };
    const granted = this.#transact(() => this.#treasury.grant(spend ? { ...asked, need: spend.need } : asked, now));
    return granted.ok ? ok({ principal, agent, ...granted.value }) : granted;
  }

  /** An agent takes up a task that a principal gave it: may they still, and what is the agent by now. */
  admitTask(principal: Principal, agentId: AgentId, conversation: ConversationId): Result<LiveAgent> {
    const standing = this.standing();
    if (!standing.ok) return standing;
    if (!this.#stands(principal))
      return err('invalid_api_key', 'The credential that gave this task is no longer valid.');
    const on = this.#killSwitch.requireOn(agentId);
    if (!on.ok) return on;
    const agent = this.#agents.findLive(agentId, principal.scope.environment ?? 'prod');
    // The task's turns run in a conversation of its own, which is to be found when the tenant goes.
    if (agent) this.#conversations.add({ id: conversation, listed: false }, agentId, principal, this.#now());
    return agent ? ok(agent) : err('not_found', 'The agent of this task is gone, or not published any more.');
  }

  /** One more run of a turn that was admitted before: may its caller still act, and what does the run draw on. */
  admitRun(principal: Principal, turn: TurnRun, need: Need): Result<Lease | null> {
    const standing = this.checkStanding(principal, turn.agent);
    if (!standing.ok) return standing;
    const now = this.#now();
    return this.#transact(() => {
      const asked = { principal, agentId: turn.agent, isRequest: false, need, more: false };
      const granted = this.#treasury.grant(asked, now);
      if (!granted.ok) return granted;
      this.#turnRuns.note(turn.conversation, turn.agent, turn.run, now);
      return ok(granted.value.lease);
    });
  }

  /** A run of no turn, that the platform needs to do what a principal has asked for. */
  admitOwnRun(principal: Principal, agentId: AgentId, need: Need): Result<Lease | null> {
    const standing = this.checkStanding(principal, agentId);
    if (!standing.ok) return standing;
    const asked = { principal, agentId, isRequest: false, need, more: false };
    const granted = this.#transact(() => this.#treasury.grant(asked, this.#now()));
    return granted.ok ? ok(granted.value.lease) : granted;
  }

  /** Whether a principal that was admitted before may still act: what is under way for it ends where it may not. */
  stands(principal: Principal): Result<undefined> {
    const standing = this.standing();
    if (!standing.ok) return standing;
    return this.#stands(principal) ? ok() : err('invalid_api_key');
  }

  /** Also whether the agent, or all runs, are switched off: asked before every effect of a tool. */
  checkStanding(principal: Principal, agent: AgentId | null): Result<undefined> {
    const stands = this.stands(principal);
    return stands.ok ? this.#killSwitch.requireOn(agent) : stands;
  }

  /** A turn begins that no request of its own names: its conversation is to be found when the tenant goes. */
  holdConversation(principal: Principal, agent: AgentId | null, conversation: ConversationId, listed = false): void {
    this.#addConversation({ id: conversation, listed }, agent, principal, this.#now(), principal.traceparent);
  }

  /** An isolate has no more use for what its grant has left. */
  returnLeftover(left: Leftover): void {
    this.#transact(() => this.#treasury.takeBack(left));
  }

  /** The bridge could not be reached, so nobody knows whether the run began. */
  noteLostRun(run: RunId, lease: LeaseId, need: Need, releaseAt: number): void {
    this.#transact(() => this.#treasury.noteLost(run, lease, need, releaseAt));
  }

  /** Also called by the edge, for what it refuses without asking here. */
  enterAuthFailure(claimed: AuditActor, reason: string, times = 1): void {
    if (!this.isThere) return;
    this.#trail.enterAuthFailure(claimed, reason, times);
  }

  /** Not before its birth, nor after its deletion: then nothing may be written here. */
  get isThere(): boolean {
    return this.#settings.get('status') !== undefined;
  }

  /** Whether the tenant may act at all. */
  standing(): Result<undefined> {
    const status = this.#settings.get('status');
    if (status === 'active') return ok();
    if (status === undefined) return err('unknown_host');
    return err('tenant_suspended', status === 'deleting' ? 'This tenant is being deleted.' : undefined);
  }

  #addConversation(
    conversation: { readonly id: ConversationId; readonly listed: boolean },
    agentId: AgentId | null,
    principal: Principal,
    now: number,
    traceparent: string | undefined,
  ): void {
    const { agent: bound, environment } = principal.scope;
    const agent = agentId ?? bound;
    this.#transact(() => {
      if (!this.#conversations.add(conversation, agent, principal, now) || !conversation.listed) return;
      this.#events.enter(
        'conversation.created',
        { id: conversation.id },
        { agent, environment: environment ?? 'prod', traceparent },
      );
    });
  }

  /** Whether a principal that was admitted before may still act. */
  #stands(principal: Principal): boolean {
    const now = this.#now();
    if (this.#settings.get('status') !== 'active' || (principal.until ?? now) < now) return false;
    if (principal.kind === 'key') return this.#keys.isActive(principal.id, now);
    return principal.kind === 'visitor' || this.#people.isActive(principal.id);
  }

  #identify(credential: Credential, now: number, traceparent: string | undefined): Result<Principal> {
    if (credential.kind === 'key') return this.#keys.authenticate(credential.keyId, credential.secretHash, now);
    // An invitation is taken up here, and that is entered: both or neither.
    if (credential.kind === 'user') return this.#transact(() => this.#people.identify(credential, traceparent));
    if (this.#people.isRevoked(PlatformIssuer, credential.jti)) {
      return err('invalid_api_key', undefined, { reason: 'session is revoked' });
    }
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
