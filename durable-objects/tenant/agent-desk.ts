/** The desk of a tenant's agents: what is asked and done over RPC. Each change and its entry in the audit trail are one. */
import { RpcTarget } from 'cloudflare:workers';
import type { AgentId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { LiveAgent } from '../../shared/contracts/admission.ts';
import type {
  Agent,
  AgentDefinition,
  AgentDiff,
  AgentVersion,
  CreateAgent,
  Environment,
  GreetingCount,
  UpdateAgent,
} from '../../shared/contracts/agents.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import { addressOf, expandDefinition } from '../../shared/tools/openapi.ts';
import type { AgentStore } from './agent-store.ts';
import type { AuditNote, AuditTrail } from './audit-trail.ts';
import type { Entitlements } from './entitlements.ts';
import type { KillSwitch } from './kill-switch.ts';

export class AgentDesk extends RpcTarget {
  readonly #agents: AgentStore;
  readonly #entitlements: Entitlements;
  readonly #killSwitch: KillSwitch;
  readonly #armAlarm: () => Promise<void>;
  readonly #trail: AuditTrail;
  readonly #now: () => number;
  readonly #findUrlFault: (url: string) => string | undefined;

  constructor(
    agents: AgentStore,
    entitlements: Entitlements,
    killSwitch: KillSwitch,
    armAlarm: () => Promise<void>,
    trail: AuditTrail,
    now: () => number,
    findUrlFault: (url: string) => string | undefined,
  ) {
    super();
    this.#agents = agents;
    this.#entitlements = entitlements;
    this.#killSwitch = killSwitch;
    this.#armAlarm = armAlarm;
    this.#trail = trail;
    this.#now = now;
    this.#findUrlFault = findUrlFault;
  }

  find(ref: string): Result<Agent> {
    return this.#agents.find(ref);
  }

  /** The agent as who acts in this environment meets it. */
  findLive(ref: string, environment: Environment): Result<LiveAgent> {
    const agent = this.#agents.findLive(ref, environment);
    return agent ? ok(agent) : err('not_found', `There is no agent "${ref.slice(0, 100)}".`);
  }

  list(limit: number, cursor: string | undefined): List<Agent> {
    return this.#agents.list(limit, cursor);
  }

  versions(ref: string, limit: number, cursor: string | undefined): Result<List<AgentVersion>> {
    return this.#agents.versions(ref, limit, cursor);
  }

  diff(ref: string, from: number | undefined, to: number | undefined): Result<AgentDiff> {
    return this.#agents.diff(ref, from, to);
  }

  greetingCounts(ref: string, limit: number, cursor: string | undefined): Result<List<GreetingCount>> {
    return this.#agents.greetingCounts(ref, limit, cursor);
  }

  /** No change of the agent: it is counted, and not on the trail. */
  countGreeting(id: AgentId, version: number, variant: string): void {
    this.#agents.countGreeting(id, version, variant);
  }

  /** A repeated run of the same request finds the agent, and enters nothing. */
  create(id: AgentId, agent: CreateAgent, actor: AuditActor): Result<Agent> {
    const isNew = !this.#agents.find(id).ok;
    return this.#trail.change(
      actor,
      'agent.created',
      () => {
        const room = isNew ? this.#entitlements.requireRoom('agents', this.#agents.count()) : ok();
        if (!room.ok) return room;
        return this.#prepared(agent.definition, (definition) =>
          this.#agents.create(id, { ...agent, definition }, this.#now()),
        );
      },
      (made) => (isNew ? noteAgent(made) : undefined),
    );
  }

  update(ref: string, change: UpdateAgent, actor: AuditActor): Result<Agent> {
    const { definition } = change;
    return this.#trail.change(
      actor,
      'agent.updated',
      () =>
        definition
          ? this.#prepared(definition, (whole) =>
              this.#agents.update(ref, { ...change, definition: whole }, this.#now()),
            )
          : this.#agents.update(ref, change, this.#now()),
      noteAgent,
    );
  }

  delete(ref: string, actor: AuditActor): Result<AgentId> {
    return this.#trail.change(
      actor,
      'agent.deleted',
      () => this.#agents.delete(ref),
      (id) => ({ target: id }),
    );
  }

  /** From now on it starts no run, and those of its turns that are under way are cancelled. */
  async suspend(ref: string, actor: AuditActor): Promise<Result<Agent>> {
    const before = this.#agents.find(ref);
    const suspended = this.#trail.change(
      actor,
      'agent.suspended',
      () => {
        const agent = this.#agents.setSuspended(ref, this.#now());
        if (agent.ok) this.#killSwitch.stopTurns(agent.value.id as AgentId);
        return agent;
      },
      ({ id, slug }) =>
        before.ok && before.value.suspended_at === null ? { target: id, details: { slug } } : undefined,
    );
    if (suspended.ok) await this.#armAlarm();
    return suspended;
  }

  resume(ref: string, actor: AuditActor): Result<Agent> {
    const before = this.#agents.find(ref);
    return this.#trail.change(
      actor,
      'agent.resumed',
      () => this.#agents.setSuspended(ref, null),
      ({ id, slug }) =>
        before.ok && before.value.suspended_at !== null ? { target: id, details: { slug } } : undefined,
    );
  }

  addVersion(ref: string, definition: AgentDefinition, actor: AuditActor): Result<AgentVersion> {
    return this.#trail.change(
      actor,
      'agent.version_created',
      () => this.#prepared(definition, (whole) => this.#agents.addVersion(ref, whole, this.#now())),
      ({ agent, version }) => ({ target: agent, details: { version } }),
    );
  }

  publish(ref: string, version: number, environment: Environment, actor: AuditActor): Result<Agent> {
    return this.#trail.change(
      actor,
      'agent.published',
      () => this.#agents.publish(ref, version, environment, this.#now()),
      ({ id }) => ({ target: id, details: { version, environment } }),
    );
  }

  rollback(ref: string, environment: Environment, actor: AuditActor): Result<Agent> {
    return this.#trail.change(
      actor,
      'agent.rolled_back',
      () => this.#agents.rollback(ref, environment, this.#now()),
      ({ id, published }) => ({ target: id, details: { version: published[environment], environment } }),
    );
  }

  /** A version holds what its documents have become, so that it never changes, and names nothing that is never asked. */
  #prepared<T>(definition: AgentDefinition, store: (whole: AgentDefinition) => Result<T>): Result<T> {
    const expanded = expandDefinition(definition);
    if (!expanded.ok) return expanded;
    for (const tool of expanded.value.tools) {
      const address = addressOf(tool);
      const fault = address && this.#findUrlFault(address.url);
      if (fault)
        return err('invalid_request', `The address of the tool "${address.name}" ${fault}.`, {
          param: 'definition.tools',
        });
    }
    return store(expanded.value);
  }
}

function noteAgent({ id, slug, version }: Agent): AuditNote {
  return { target: id, details: { slug, version } };
}
