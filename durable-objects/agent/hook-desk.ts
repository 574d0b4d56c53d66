/**
 * The desk of protocol hooks: what an agent does on named moments. What is set off is noted in the transaction of the
 * event and done by a duty, under ids that come of hook and event: whatever crashes, it is done, and done once.
 */
import { RpcTarget } from 'cloudflare:workers';
import { holds, parseCondition } from '../../shared/core/condition.ts';
import { mintId, mintTaskId, type AgentId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import {
  findMisfit,
  type Moment,
  type ProtocolHook,
  type TurnFacts,
  type UpdateProtocolHook,
} from '../../shared/contracts/agent-state.ts';
import type { List } from '../../shared/contracts/common.ts';
import { withTrace, type AuditActor } from '../../shared/contracts/audit.ts';
import type { CarriedEvent } from '../../shared/contracts/events.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { EventOutbox } from '../runtime/event-outbox.ts';
import type { Firing, HookStore, KeptHook } from './hook-store.ts';
import { namedBytes } from './named-bytes.ts';
import type { StateHistory } from './state-history.ts';
import type { TaskDesk } from './task-desk.ts';

export const MaxHooks = 32;
const BatchSize = 50;
const HookTaskAttempts = 3;

export type HookDeskDeps = {
  readonly store: HookStore;
  readonly history: StateHistory;
  readonly tasks: TaskDesk;
  readonly outbox: EventOutbox;
  readonly now: () => number;
  /** Something is due at another time than before. */
  readonly changed: () => void;
};
/** Who acts when it fires, and how many of the agent's tasks may run at once. */
export type HookActor = { readonly principal: Principal; readonly agentLimit: number };

const noHook = () => err('not_found', 'There is no such protocol hook.');

export class HookDesk extends RpcTarget {
  readonly #deps: HookDeskDeps;
  readonly duty: Duty;

  constructor(deps: HookDeskDeps) {
    super();
    this.#deps = deps;
    this.duty = {
      name: 'protocol-hooks',
      dueAt: () => (deps.store.hasFirings() ? deps.now() : undefined),
      run: () => this.#fireAll(),
    };
  }

  async create(hook: KeptHook): Promise<Result<ProtocolHook>> {
    const { store } = this.#deps;
    if (store.find(hook.agentId, hook.id)) return this.find(hook.agentId, hook.id);
    if (store.count(hook.agentId) >= MaxHooks)
      return err('conflict', `An agent has at most ${MaxHooks} protocol hooks.`);
    return this.#put(undefined, hook);
  }

  async update(
    agentId: AgentId,
    id: string,
    change: UpdateProtocolHook,
    actor: HookActor,
  ): Promise<Result<ProtocolHook>> {
    const known = this.#deps.store.find(agentId, id);
    if (!known) return noHook();
    const set = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    const changed: KeptHook = { ...known, ...set, ...actor };
    const misfit = findMisfit(changed.moment, changed.action);
    if (misfit) return err('invalid_request', `"action": ${misfit}`, { param: 'action' });
    return this.#put(known, changed);
  }

  async delete(agentId: AgentId, id: string, principal: Principal): Promise<Result<undefined>> {
    const { store, history } = this.#deps;
    const known = store.find(agentId, id);
    if (!known) return noHook();
    store.delete(agentId, id);
    const by = { actor: toActor(principal), response: null };
    history.note(agentId, { part: 'protocol_hooks', item: id }, said(known), null, by);
    await history.tell();
    return ok();
  }

  find(agentId: AgentId, id: string): Result<ProtocolHook> {
    const found = this.#deps.store.read(agentId, id);
    return found ? ok(found) : noHook();
  }

  list(agentId: AgentId, limit: number, cursor: string | undefined): List<ProtocolHook> {
    return this.#deps.store.list(agentId, limit, cursor);
  }

  /** What is added to the instructions of a turn that begins now. */
  instructions(agentId: AgentId, facts: TurnFacts): string[] {
    const { store, now } = this.#deps;
    return store
      .at(agentId, 'before_turn')
      .filter((hook) => applies(hook, facts) && store.takeTurn(hook, now()))
      .flatMap(({ action }) => (action.type === 'instruct' ? [action.text] : []));
  }

  /** In the transaction of the event. */
  setOff(agentId: AgentId, moment: Exclude<Moment, 'before_turn'>, event: CarriedEvent): void {
    const { store, now, changed } = this.#deps;
    for (const hook of store.at(agentId, moment)) {
      if (!applies(hook, event.data) || !store.takeTurn(hook, now())) continue;
      store.addFiring({ hook, event });
      changed();
    }
  }

  async #fireAll(): Promise<void> {
    for (const firing of this.#deps.store.firings(BatchSize)) this.#fire(firing);
    await this.#deps.history.tell();
  }

  #fire({ hook, event }: Firing): void {
    const { store, outbox } = this.#deps;
    store.removeFiring({ hook, event });
    const task = this.#giveTask({ hook, event });
    if (!task.ok) return store.holdBack(hook.id);
    const { id, name, moment, agentId } = hook;
    const data = { id, name, moment, cause: event.id, task: task.value };
    outbox.enter({ type: 'agent.hook_fired', data, agent: agentId, traceparent: event.traceparent });
  }

  /** Null where it gives none. */
  #giveTask({ hook, event }: Firing): Result<string | null> {
    const { id: hookId, agentId, agentLimit, principal, action } = hook;
    if (action.type !== 'task') return ok(null);
    const { now, tasks } = this.#deps;
    const random = namedBytes(`${hookId}/${event.id}`);
    const made = tasks.create({
      id: mintTaskId(agentId, event.at, random),
      agentId,
      conversationId: mintId('conversation', event.at, random),
      scheduleId: null,
      origin: hookId,
      principal,
      agentLimit,
      lane: action.lane,
      priority: action.priority,
      maxAttempts: HookTaskAttempts,
      input: `${action.input}\n\nWhat set this off: ${JSON.stringify({ type: event.type, ...event.data })}`,
      metadata: { protocol_hook: hookId },
      request: event.traceparent
        ? { requestId: mintId('request', event.at, random), traceparent: event.traceparent }
        : null,
      dueAt: now(),
      deadlineAt: null,
    });
    return made.ok ? ok(made.value.id) : made;
  }

  async #put(before: KeptHook | undefined, after: KeptHook): Promise<Result<ProtocolHook>> {
    const { store, history, now } = this.#deps;
    const { agentId, id, principal } = after;
    store.put(after, now());
    const by = { actor: toActor(principal), response: null };
    history.note(agentId, { part: 'protocol_hooks', item: id }, before ? said(before) : null, said(after), by);
    await history.tell();
    return this.find(agentId, id);
  }
}

function toActor({ kind, id, traceparent }: Principal): AuditActor {
  return withTrace({ kind, id }, traceparent);
}

function applies({ when }: KeptHook, facts: object): boolean {
  const condition = when === null ? undefined : parseCondition(when);
  return when === null || (condition !== undefined && holds(condition, facts));
}

/** What a change of it is seen by. */
function said({ name, moment, when, action, enabled, max_per_hour }: KeptHook) {
  return { name, moment, when, action, enabled, max_per_hour };
}
