/** The history of an agent's state: what was changed, by whom, as a difference. Each change is an event as well. */
import type { Json } from '../../shared/core/canonical-json.ts';
import { diffJson } from '../../shared/core/diff-json.ts';
import { mintId, type AgentId } from '../../shared/core/ids.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { StateChange, StateChangeQuery, StatePart } from '../../shared/contracts/agent-state.ts';
import type { EventOutbox } from '../runtime/event-outbox.ts';
import type { StateStore } from './state-store.ts';

/** Who makes a change; `response`: in which turn, where it is the agent's own tool. */
export type ChangedBy = { readonly actor: AuditActor; readonly response: string | null };
export type Changed = { readonly part: StatePart; readonly item: string | null };

export class StateHistory {
  readonly #store: StateStore;
  readonly #outbox: EventOutbox;
  readonly #now: () => number;

  constructor(store: StateStore, outbox: EventOutbox, now: () => number) {
    this.#store = store;
    this.#outbox = outbox;
    this.#now = now;
  }

  /** In the transaction of the change. Null: it was not there, or is not any more. */
  note(agentId: AgentId, { part, item }: Changed, before: unknown, after: unknown, by: ChangedBy): void {
    const changes = diffJson(before as Json, after as Json);
    if (changes.length === 0) return;
    const { response } = by;
    const { traceparent, ...actor } = by.actor;
    const now = this.#now();
    this.#store.addChange({ id: mintId('change', now), agentId, part, item, actor, response, changes }, now);
    this.#outbox.enter({
      type: 'agent.state_changed',
      data: { id: agentId, actor, part, item },
      agent: agentId,
      traceparent,
    });
  }

  /** So that who has changed something finds it told; what could not be told now is told later. */
  async tell(): Promise<void> {
    await this.#outbox.deliver();
  }

  list(agentId: AgentId, query: StateChangeQuery): List<StateChange> {
    return this.#store.listChanges(agentId, query);
  }
}
