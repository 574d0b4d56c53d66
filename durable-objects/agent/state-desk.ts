/** The desk of what agents carry with them beside their definitions: goals, persona, the trace, the history. */
import { RpcTarget } from 'cloudflare:workers';
import { toIso } from '../../shared/core/clock.ts';
import type { AgentId, GoalId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { persona as personaShape, type Persona } from '../../shared/contracts/agents.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { CarriedEvent } from '../../shared/contracts/events.ts';
import type {
  AgentPersona,
  AgentSelf,
  CreateGoal,
  Goal,
  GoalQuery,
  StateChange,
  StateChangeQuery,
  TraceEntry,
  TurnFacts,
  UpdateGoal,
  UpdatePersona,
} from '../../shared/contracts/agent-state.ts';
import type { Behaviour } from './behaviour.ts';
import type { HookDesk } from './hook-desk.ts';
import type { ChangedBy, StateHistory } from './state-history.ts';
import type { StateStore } from './state-store.ts';

export const MaxActiveGoals = 50;
const KeptEndedGoals = 200;

export type StateDeskDeps = {
  readonly store: StateStore;
  readonly hooks: HookDesk;
  readonly behaviour: Behaviour;
  readonly history: StateHistory;
  readonly now: () => number;
};

const noGoal = () => err('not_found', 'There is no such goal.');

export class StateDesk extends RpcTarget {
  readonly #deps: StateDeskDeps;

  constructor(deps: StateDeskDeps) {
    super();
    this.#deps = deps;
  }

  /** A goal that is known by its id is answered as it stands. */
  async createGoal(agentId: AgentId, id: GoalId, wanted: CreateGoal, by: ChangedBy): Promise<Result<Goal>> {
    const { store, now } = this.#deps;
    const known = store.findGoal(agentId, id);
    if (known) return ok(known);
    const at = toIso(now());
    const { text, note } = wanted;
    const made: Goal = {
      object: 'agent.goal',
      id,
      agent: agentId,
      text,
      note,
      status: 'active',
      created_by: { kind: by.actor.kind, id: by.actor.id },
      created_at: at,
      updated_at: at,
    };
    return this.#putGoal(undefined, made, by);
  }

  async updateGoal(agentId: AgentId, id: string, change: UpdateGoal, by: ChangedBy): Promise<Result<Goal>> {
    const { store, now } = this.#deps;
    const known = store.findGoal(agentId, id);
    if (!known) return noGoal();
    const changed: Goal = {
      ...known,
      text: change.text ?? known.text,
      note: change.note ?? known.note,
      status: change.status ?? known.status,
      updated_at: toIso(now()),
    };
    return this.#putGoal(known, changed, by);
  }

  async deleteGoal(agentId: AgentId, id: string, by: ChangedBy): Promise<Result<undefined>> {
    const { store, history } = this.#deps;
    const known = store.findGoal(agentId, id);
    if (!known) return noGoal();
    store.deleteGoal(agentId, id);
    history.note(agentId, { part: 'goals', item: id }, said(known), null, by);
    await history.tell();
    return ok();
  }

  listGoals(agentId: AgentId, query: GoalQuery): List<Goal> {
    return this.#deps.store.listGoals(agentId, query);
  }

  /** `own`: the definition's, which holds while nothing else was said. */
  persona(agentId: AgentId, own: Persona | undefined): AgentPersona {
    const kept = this.#deps.store.findPersona(agentId);
    return {
      object: 'agent.persona',
      agent: agentId,
      ...(kept?.persona ?? own ?? personaShape.parse({})),
      origin: kept ? 'state' : 'definition',
      updated_at: kept ? toIso(kept.updatedAt) : null,
    };
  }

  async updatePersona(
    agentId: AgentId,
    own: Persona | undefined,
    change: UpdatePersona,
    by: ChangedBy,
  ): Promise<Result<AgentPersona>> {
    const { store, history, now } = this.#deps;
    const before = store.findPersona(agentId)?.persona;
    const base = before ?? own ?? personaShape.parse({});
    const after: Persona = {
      role: change.role ?? base.role,
      tone: change.tone ?? base.tone,
      traits: change.traits ?? base.traits,
      avoids: change.avoids ?? base.avoids,
    };
    store.putPersona(agentId, after, now());
    history.note(agentId, { part: 'persona', item: null }, before ?? null, after, by);
    await history.tell();
    return ok(this.persona(agentId, own));
  }

  /** From now on it is the definition's again. */
  async resetPersona(agentId: AgentId, own: Persona | undefined, by: ChangedBy): Promise<Result<AgentPersona>> {
    const { store, history } = this.#deps;
    const before = store.findPersona(agentId)?.persona;
    store.deletePersona(agentId);
    history.note(agentId, { part: 'persona', item: null }, before ?? null, null, by);
    await history.tell();
    return ok(this.persona(agentId, own));
  }

  changes(agentId: AgentId, query: StateChangeQuery): List<StateChange> {
    return this.#deps.history.list(agentId, query);
  }

  trace(agentId: AgentId, limit: number, cursor: string | undefined): List<TraceEntry> {
    return this.#deps.store.listTrace(agentId, limit, cursor);
  }

  /** The agent as a turn that begins now meets it. */
  meet(agentId: AgentId, facts: TurnFacts): AgentSelf {
    const { store, hooks } = this.#deps;
    return {
      persona: store.findPersona(agentId)?.persona ?? null,
      goals: store.activeGoals(agentId).map(({ text, note }) => (note === '' ? text : `${text} (${note})`)),
      instructions: hooks.instructions(agentId, facts),
    };
  }

  /** What the agent's conversations tell of it, at least once. */
  observe(agentId: AgentId, events: readonly CarriedEvent[]): void {
    for (const event of events) this.#deps.behaviour.observe(agentId, event);
  }

  /** The agent is deleted. */
  end(agentId: AgentId): void {
    this.#deps.store.deleteAll(agentId);
  }

  async #putGoal(before: Goal | undefined, after: Goal, by: ChangedBy): Promise<Result<Goal>> {
    const { store, history } = this.#deps;
    const agentId = after.agent as AgentId;
    const becomesActive = after.status === 'active' && before?.status !== 'active';
    if (becomesActive && store.activeGoals(agentId).length >= MaxActiveGoals)
      return err('conflict', `An agent pursues at most ${MaxActiveGoals} goals at once.`);
    store.putGoal(after);
    store.dropEndedGoals(agentId, KeptEndedGoals);
    history.note(agentId, { part: 'goals', item: after.id }, before ? said(before) : null, said(after), by);
    await history.tell();
    return ok(after);
  }
}

/** What a change of it is seen by. */
function said({ text, note, status }: Goal) {
  return { text, note, status };
}
