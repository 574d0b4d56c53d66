/** What is done to a tenant's agents: each change and its entry in the audit trail are one. */
import type { AgentId } from '../../shared/core/ids.ts';
import type { Result } from '../../shared/core/result.ts';
import type {
  Agent,
  AgentDefinition,
  AgentVersion,
  CreateAgent,
  Environment,
  UpdateAgent,
} from '../../shared/contracts/agents.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { AgentStore } from './agent-store.ts';
import type { AuditNote, AuditTrail } from './audit-trail.ts';

export class AgentDesk {
  readonly #agents: AgentStore;
  readonly #trail: AuditTrail;

  constructor(agents: AgentStore, trail: AuditTrail) {
    this.#agents = agents;
    this.#trail = trail;
  }

  /** A repeated run of the same request finds the agent, and enters nothing. */
  create(id: AgentId, agent: CreateAgent, actor: AuditActor, now: number): Result<Agent> {
    const isNew = !this.#agents.find(id).ok;
    return this.#trail.change(
      actor,
      'agent.created',
      () => this.#agents.create(id, agent, now),
      (made) => (isNew ? noteAgent(made) : undefined),
    );
  }

  update(ref: string, change: UpdateAgent, actor: AuditActor, now: number): Result<Agent> {
    return this.#trail.change(actor, 'agent.updated', () => this.#agents.update(ref, change, now), noteAgent);
  }

  delete(ref: string, actor: AuditActor): Result<AgentId> {
    return this.#trail.change(
      actor,
      'agent.deleted',
      () => this.#agents.delete(ref),
      (id) => ({ target: id }),
    );
  }

  addVersion(ref: string, definition: AgentDefinition, actor: AuditActor, now: number): Result<AgentVersion> {
    return this.#trail.change(
      actor,
      'agent.version_created',
      () => this.#agents.addVersion(ref, definition, now),
      ({ agent, version }) => ({ target: agent, details: { version } }),
    );
  }

  publish(ref: string, version: number, environment: Environment, actor: AuditActor, now: number): Result<Agent> {
    return this.#trail.change(
      actor,
      'agent.published',
      () => this.#agents.publish(ref, version, environment, now),
      ({ id }) => ({ target: id, details: { version, environment } }),
    );
  }

  rollback(ref: string, environment: Environment, actor: AuditActor, now: number): Result<Agent> {
    return this.#trail.change(
      actor,
      'agent.rolled_back',
      () => this.#agents.rollback(ref, environment, now),
      ({ id, published }) => ({ target: id, details: { version: published[environment], environment } }),
    );
  }
}

function noteAgent({ id, slug, version }: Agent): AuditNote {
  return { target: id, details: { slug, version } };
}
