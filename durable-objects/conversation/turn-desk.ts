/**
 * The turns that run in this isolate, and the frames of those that do not. A turn that another isolate began goes on from
 * its last state: what was shown is not shown again, what was done is not done again.
 */
import { mintId, type ResponseId } from '../../shared/core/ids.ts';
import { describeError } from '../../shared/core/log.ts';
import type { Item } from '../../shared/contracts/conversations.ts';
import type { EventDraft } from '../../shared/contracts/events.ts';
import type { Response as ResponseBody } from '../../shared/contracts/responses.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';
import type { EventOutbox } from '../runtime/event-outbox.ts';
import type { ConversationStore } from './conversation-store.ts';
import type { Approval, Effect } from './effect.ts';
import { EventLog } from './event-log.ts';
import type { FrameSource } from './event-stream.ts';
import { isTakenBack } from './output-items.ts';
import { traceOfTurn } from './trace-turn.ts';
import { Turn } from './turn.ts';
import { decideLine, type Place } from './turn-line.ts';
import { decide, newTurnState, type TurnState } from './turn-engine.ts';
import { defaultLimits, runTurn, type TurnDeps } from './turn-runner.ts';
import type { TurnStore } from './turn-store.ts';

type LiveTurn = {
  readonly log: EventLog;
  readonly abort: AbortController;
  readonly done: Promise<void>;
  /** Resolves when the turn waits for a person, from its beginning or from the last decision on. */
  parked: Promise<void>;
  /** To be called when an approval was decided. */
  wake: () => void;
  isParked: boolean;
  /** To be called when it is this turn's turn in its thread; undefined where it does not wait for that. */
  enter: (() => void) | undefined;
};

export type TurnHooks = {
  /** There are new events of this response, on disk. */
  readonly shown: (id: ResponseId) => void;
  /** The object's alarm is to be set anew: a turn rests, or has begun. */
  readonly rearm: () => void;
  /** In the transaction of its end. */
  readonly ending: (start: TurnStart, response: ResponseBody) => void;
  /** A turn has come to its end, or to where it cannot go on: what it has left to be told is to be told. */
  readonly ended: () => void;
};

/** Finished turns whose frames stay in memory for listeners that are still reading. */
const KeepFinished = 16;

export class TurnDesk {
  readonly #storage: DurableObjectStorage;
  readonly #store: ConversationStore;
  readonly #turns: TurnStore;
  readonly #deps: TurnDeps;
  readonly #outbox: EventOutbox;
  readonly #hooks: TurnHooks;
  readonly #live = new Map<ResponseId, LiveTurn>();

  constructor(
    storage: DurableObjectStorage,
    store: ConversationStore,
    turns: TurnStore,
    deps: TurnDeps,
    outbox: EventOutbox,
    hooks: TurnHooks,
  ) {
    this.#storage = storage;
    this.#store = store;
    this.#turns = turns;
    this.#deps = deps;
    this.#outbox = outbox;
    this.#hooks = hooks;
  }

  /** Stores all that a turn begins with, and begins it where it has not to wait. */
  start(start: TurnStart, input: readonly Item[], place: Place): ResponseBody {
    const { conversationId, responseId, agent, principal } = start;
    const response: ResponseBody = place ? { ...start.response, status: 'queued' } : start.response;
    const now = this.#deps.clock.now();
    const begun = { kind: 'begun', timeoutMs: start.timeoutMs } as const;
    const turn = this.#turn(response);
    const log = this.#log(responseId, []);
    const state = place ? newTurnState : decide(newTurnState, begun, start.limits ?? defaultLimits, now);
    log.begin(this.#opening(turn, place !== undefined), () => {
      const head = { id: conversationId, agentId: agent?.id ?? null, metadata: {}, listed: false };
      this.#store.create(head, principal, now);
      this.#store.addResponse(response, start);
      if (place) this.#store.joinLine(responseId, place.interrupts);
      this.#turns.putState(responseId, state);
      for (const item of input) {
        this.#store.addItem(item, 'input', responseId, start.context.kind === 'thread' && !place);
      }
    });
    this.#run(start, turn, log, state);
    return response;
  }

  #opening(turn: Turn, waits: boolean) {
    return [...turn.created(), ...(waits ? turn.queued() : [])];
  }

  /** For the watchdog: does nothing where the turn runs here. */
  resume(start: TurnStart, response: ResponseBody): void {
    if (this.#live.has(start.responseId)) return;
    const past = this.#store.frames(start.responseId, 0);
    const log = this.#log(start.responseId, past);
    const stored = this.#turns.findState(start.responseId) ?? newTurnState;
    const turn = this.#turn(response);
    if (past.length === 0) {
      // An earlier version has begun it, and died before it said so.
      log.append(this.#opening(turn, this.#store.isInLine(start.responseId)));
      return this.#run(start, turn, log, stored);
    }
    const approvals = this.#turns.approvalsOf(start.responseId).map(({ callId, id }) => [callId, id] as const);
    turn.replay(past, new Map(approvals));
    const limits = start.limits ?? defaultLimits;
    const isParked = approvals.length > 0 && stored.phase === 'calling';
    // A turn that waits is looked at again and again, and that is no sign of trouble.
    const state =
      isParked || stored.phase === 'over' || this.#store.isInLine(start.responseId)
        ? stored
        : decide(stored, { kind: 'resumed' }, limits, this.#deps.clock.now());
    // On disk before anything is done: what kills its process each time would otherwise be done for ever.
    if (state !== stored) this.#turns.putState(start.responseId, state);
    const lost = this.#store.reservedFrames(start.responseId) - past.length;
    if (lost > 0) log.append(turn.fillIn(lost));
    else if (state.phase === 'generating') log.append(turn.reopenStep());
    this.#run(start, turn, log, state);
  }

  frames(id: ResponseId): FrameSource {
    const live = this.#live.get(id);
    if (live) return live.log;
    const stored = this.#store.frames(id, 0);
    return { isOver: true, read: (from) => stored.slice(from), changed: () => Promise.resolve() };
  }

  /** Resolves when the turn has ended; at once where it does not run here. */
  async over(id: ResponseId): Promise<void> {
    await this.#live.get(id)?.done;
  }

  /** Resolves when the turn has ended or waits for a person. */
  async atRest(id: ResponseId): Promise<void> {
    const live = this.#live.get(id);
    if (live) await Promise.race([live.done, live.parked]);
  }

  /** It waits here, for a person or for another turn. */
  isResting(id: ResponseId): boolean {
    const live = this.#live.get(id);
    return live !== undefined && (live.isParked || live.enter !== undefined);
  }

  cancel(id: ResponseId): void {
    this.#live.get(id)?.abort.abort('cancelled');
  }

  /** Resolves when nothing runs here any more, and so nothing more is written. */
  async stopAll(): Promise<void> {
    const live = [...this.#live.keys()];
    for (const id of live) this.cancel(id);
    await Promise.all(live.map((id) => this.over(id)));
  }

  forget(id: ResponseId): void {
    this.#live.delete(id);
  }

  /** An approval of this turn was decided. */
  wake(id: ResponseId): void {
    this.#live.get(id)?.wake();
  }

  #run(start: TurnStart, turn: Turn, log: EventLog, state: TurnState): void {
    const abort = new AbortController();
    let parked = Promise.withResolvers<void>();
    const live: LiveTurn = {
      log,
      abort,
      done: Promise.resolve(),
      parked: parked.promise,
      wake: () => {},
      isParked: false,
      enter: undefined,
    };
    let unwatch = () => {};
    // Not while it waits for a person: that may be days, and what may no longer be done is refused when it goes on.
    const watch = () => (unwatch = this.#deps.watchStanding(start, () => abort.abort('no longer allowed')));
    const done = this.#untilItsTurn(start.responseId, live)
      .then(() => {
        watch();
        return runTurn(this.#deps, {
          start,
          turn,
          log,
          store: this.#turns,
          state,
          past: this.#past(start),
          abort,
          save: () => this.#store.putResponse(turn.response),
          commit: () => this.#commit(start, turn.response),
          mint: () => mintId('message', this.#deps.clock.now()),
          announce: (approval) => this.#outbox.enter(requestOf(start, approval)),
          noteCall: (effect, outcome) => this.#outbox.enter(callOf(start, effect, outcome)),
          park: () => {
            live.isParked = true;
            unwatch();
            parked.resolve();
            this.#hooks.rearm();
            void this.#outbox.deliver();
          },
          decided: async (approvals, signal) => {
            await this.#untilDecided(live, approvals, signal);
            live.isParked = false;
            parked = Promise.withResolvers<void>();
            live.parked = parked.promise;
            watch();
            this.#hooks.rearm();
          },
        });
      })
      .then(() => this.#advanceLine())
      .catch((error: unknown) => {
        // The log could not be written: the row stays unfinished, and the watchdog takes it up.
        console.error(
          JSON.stringify({
            level: 'error',
            event: 'turn_lost',
            response: start.responseId,
            reason: describeError(error),
          }),
        );
        this.#live.delete(start.responseId);
        log.abandon();
      })
      .finally(() => unwatch());
    this.#keep(start.responseId, Object.assign(live, { done }));
    this.#advanceLine();
    void done.then(() => this.#hooks.ended());
  }

  /** Resolves when it may begin, or has nothing to wait for any more. */
  async #untilItsTurn(id: ResponseId, live: LiveTurn): Promise<void> {
    if (!this.#store.isInLine(id)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    live.enter = resolve;
    live.abort.signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    live.enter = undefined;
    this.#hooks.rearm();
  }

  /** A turn that does not run here is taken up by the watchdog, which comes here again. */
  #advanceLine(): void {
    const { cancel, begin } = decideLine(this.#store.thread());
    for (const id of cancel) this.cancel(id);
    const live = begin && this.#live.get(begin.id);
    if (!live) return;
    this.#storage.transactionSync(() => this.#store.enterThread(begin.id));
    if (begin.interrupted) live.abort.abort('cancelled');
    live.enter?.();
  }

  /** That one has expired is for the object's alarm to say: a timer would keep the object awake. */
  #untilDecided(live: LiveTurn, approvals: readonly Approval[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const isOpen = ({ id }: Approval) => this.#turns.findApproval(id)?.status === 'pending';
      const leave = () => {
        live.wake = () => {};
        resolve();
      };
      live.wake = () => {
        if (!approvals.every(isOpen)) leave();
      };
      signal.addEventListener('abort', leave, { once: true });
      if (signal.aborted) leave();
      else live.wake();
    });
  }

  #keep(id: ResponseId, live: LiveTurn): void {
    this.#live.set(id, live);
    for (const [other, { log }] of this.#live) {
      if (this.#live.size <= KeepFinished) break;
      if (log.isOver) this.#live.delete(other);
    }
  }

  /** What was said before, where a turn refers to it. */
  pastOf(context: TurnStart['context']): Item[] {
    switch (context.kind) {
      case 'thread':
        return this.#store.threadItems();
      case 'previous':
        return this.#store.ancestry(context.id);
      case 'none':
        return [];
    }
  }

  /** What the model reads: the past that the turn refers to, and its own input. */
  #past({ context, responseId }: TurnStart): Item[] {
    const past = this.pastOf(context);
    return context.kind === 'thread' ? past : [...past, ...this.#store.itemsOf(responseId, 'input')];
  }

  /** What was taken back by a second attempt, and calls that are void, are told in the response and go no further. */
  #commit(start: TurnStart, response: ResponseBody): void {
    this.#store.putResponse(response);
    this.#store.leaveLine(start.responseId);
    for (const item of response.output) {
      const isVoid = response.status === 'completed' && 'status' in item && item.status === 'incomplete';
      if (isVoid || isTakenBack(item)) continue;
      this.#store.addItem(item, 'output', start.responseId, start.context.kind === 'thread');
    }
    const draft = endOfTurn(start, response);
    if (draft) this.#outbox.enter(draft);
    this.#deps.traceTurn(start, response);
    this.#hooks.ending(start, response);
  }

  #log(id: ResponseId, past: readonly string[]): EventLog {
    return new EventLog(id, this.#store, this.#storage, past, () => this.#hooks.shown(id));
  }

  #turn(response: ResponseBody): Turn {
    return new Turn(response, (kind) => mintId(kind, this.#deps.clock.now()));
  }
}

function requestOf(start: TurnStart, { id, boundTo }: Approval): EventDraft {
  const { conversationId: conversation, responseId: response, agent, principal } = start;
  return {
    type: 'approval.requested',
    data: { id, conversation, response, tool: boundTo.tool },
    agent: agent?.id ?? null,
    environment: principal.scope.environment ?? 'prod',
    traceparent: traceOfTurn(start),
  };
}

function callOf(start: TurnStart, { id, tool }: Effect, outcome: string): EventDraft {
  const { conversationId: conversation, responseId: response, agent, principal } = start;
  return {
    type: 'tool.called',
    data: { id, conversation, response, tool, outcome },
    agent: agent?.id ?? null,
    environment: principal.scope.environment ?? 'prod',
    traceparent: traceOfTurn(start),
  };
}

/** What the end of a turn says to the tenant's listeners. */
function endOfTurn(start: TurnStart, response: ResponseBody): EventDraft | undefined {
  const { status, id, model, usage, error } = response;
  if (status === 'queued' || status === 'in_progress') return undefined;
  const { kind, id: actorId, scope } = start.principal;
  return {
    type: `response.${status}`,
    data: { id, conversation: start.conversationId, actor: { kind, id: actorId }, model, usage, error },
    agent: start.agent?.id ?? null,
    environment: scope.environment ?? 'prod',
    traceparent: traceOfTurn(start),
  };
}
