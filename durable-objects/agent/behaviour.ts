/**
 * What an agent does, seen in its own events: they go into its trace, and set off its protocol hooks. What a hook's own
 * task does sets off none: a hook never feeds itself.
 */
import type { AgentId, MemoryId } from '../../shared/core/ids.ts';
import type { Moment } from '../../shared/contracts/agent-state.ts';
import type { CarriedEvent, EventType } from '../../shared/contracts/events.ts';

const momentsOf: Partial<Record<EventType, Exclude<Moment, 'before_turn'>>> = {
  'response.completed': 'after_turn',
  'response.incomplete': 'after_turn',
  'response.failed': 'after_turn',
  'response.cancelled': 'after_turn',
  'tool.called': 'on_tool_called',
  'task.succeeded': 'on_task_succeeded',
  'task.failed': 'on_task_failed',
  'task.dead': 'on_task_failed',
  'memory.written': 'on_memory_written',
};
const tracedBesides: ReadonlySet<EventType> = new Set([
  'task.cancelled',
  'approval.requested',
  'memory.forgotten',
  'agent.state_changed',
  'agent.hook_fired',
]);

export type BehaviourDeps = {
  /** False where the trace has it already. */
  readonly trace: (agentId: AgentId, event: CarriedEvent) => boolean;
  readonly setOff: (agentId: AgentId, moment: Exclude<Moment, 'before_turn'>, event: CarriedEvent) => void;
  readonly hasEnded: (agentId: AgentId) => boolean;
  /** Whether this conversation is that of a hook's own task. */
  readonly isHooks: (agentId: AgentId, conversation: string) => boolean;
  /** The conversation in which a memory was written that is on its way. */
  readonly conversationOfMemory: (agentId: AgentId, id: MemoryId) => string | undefined;
};

export class Behaviour {
  readonly #deps: BehaviourDeps;

  constructor(deps: BehaviourDeps) {
    this.#deps = deps;
  }

  /** In the transaction of what has happened, where that is here. */
  observe(agentId: AgentId, event: CarriedEvent): void {
    const moment = momentsOf[event.type];
    if ((!moment && !tracedBesides.has(event.type)) || this.#deps.hasEnded(agentId)) return;
    if (!this.#deps.trace(agentId, event) || !moment) return;
    const conversation = this.#conversationOf(agentId, event);
    if (conversation === undefined || !this.#deps.isHooks(agentId, conversation))
      this.#deps.setOff(agentId, moment, event);
  }

  #conversationOf(agentId: AgentId, { type, data }: CarriedEvent): string | undefined {
    if (type === 'memory.written') return this.#deps.conversationOfMemory(agentId, data.id as MemoryId);
    return 'conversation' in data ? data.conversation : undefined;
  }
}
