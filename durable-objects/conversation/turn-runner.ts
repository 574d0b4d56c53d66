/**
 * Runs a turn: does what the engine's state asks for, and stores every new state, with the events that tell of it, before
 * the next thing is done. It may be started on any state that an earlier isolate has left. Whatever happens, the log ends
 * with exactly one terminal event, and what the turn made is stored with it.
 */
import { FailureError, type Failure } from '../../shared/core/failure.ts';
import { describeError } from '../../shared/core/log.ts';
import { computeCostMicros } from '../../shared/core/money.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { readSse } from '../../shared/core/sse.ts';
import type { AgentSelf } from '../../shared/contracts/agent-state.ts';
import type { Reservation } from '../../shared/contracts/admission.ts';
import type { ChatCompletionChunk, ChatMessage } from '../../shared/contracts/chat-completions.ts';
import type { Item } from '../../shared/contracts/conversations.ts';
import type { Response as ResponseBody, ResponseUsage } from '../../shared/contracts/responses.ts';
import type { TurnLimits, TurnStart } from '../../shared/contracts/turn-start.ts';
import { compact, shortenResults } from './compaction.ts';
import type { Approval, Effect } from './effect.ts';
import type { EventLog } from './event-log.ts';
import { askModel, type ModelWays } from './model-call.ts';
import { findMisfit } from './output-format.ts';
import { lastUserText, toMessages, toRepairMessages, toSystemMessage } from './prompt.ts';
import { runCall, type CallDeps, type ToolWays } from './tool-runner.ts';
import { Toolbox, type ListedTools } from './toolbox.ts';
import type { ToolResult } from './tools/tool-result.ts';
import type { Turn } from './turn.ts';
import { decide, nextAction, type ServerCall, type TurnInput, type TurnState } from './turn-engine.ts';
import type { TurnStore } from './turn-store.ts';

export type TurnDeps = ModelWays &
  ToolWays & {
    /** Tells the operator's collector of a turn that has ended. */
    traceTurn(start: TurnStart, response: ResponseBody): void;
    /** Tells once when the caller may no longer act; the answer stops the watch. */
    watchStanding(start: TurnStart, onFall: () => void): () => void;
    /** The start's agent as it is now: what it pursues, who it is, what it is told at the beginning of a turn. */
    meetAgent(start: TurnStart): Promise<Result<AgentSelf>>;
    /** What the agent's MCP servers offer, each tool held against what was approved. */
    listTools(start: TurnStart, signal: AbortSignal): Promise<readonly ListedTools[]>;
  };

export type TurnContext = {
  readonly start: TurnStart;
  readonly turn: Turn;
  readonly log: EventLog;
  readonly store: TurnStore;
  readonly state: TurnState;
  /** What the model reads before this turn's own output. */
  readonly past: readonly Item[];
  readonly abort: AbortController;
  /** Stores the response as it is now, for those who poll it. */
  readonly save: () => void;
  /** Stores the end of the turn in the transaction of its last event. */
  readonly commit: () => void;
  readonly announce: (approval: Approval) => void;
  /** In the transaction that settles the call. */
  readonly noteCall: (effect: Effect, outcome: ToolResult['status']) => void;
  /** The turn waits for a person: who awaits its response is told so. */
  readonly park: (approvals: readonly Approval[]) => void;
  /** Resolves when an approval was decided, or has expired. */
  readonly decided: (approvals: readonly Approval[], signal: AbortSignal) => Promise<void>;
  readonly mint: () => string;
};

export const defaultLimits: TurnLimits = {
  maxSteps: 8,
  maxToolCalls: 32,
  maxTokens: null,
  maxCostMicros: null,
  approvalMs: 24 * 60 * 60_000,
};
/** How long a turn that nobody waits for, or that was taken up after a restart, waits for a bridge. */
const BridgePatienceMs = 30_000;
const isUnfinished: ReadonlySet<string | undefined> = new Set(['incomplete', 'in_progress']);
/** A response is one row, and is shown whole in its last event. */
const MaxResponseChars = 400_000;

export async function runTurn(deps: TurnDeps, context: TurnContext): Promise<void> {
  const run = new TurnRun(deps, context);
  for (;;) {
    const action = nextAction(run.state);
    if (action.kind === 'finish') return run.finish(action.end);
    try {
      await run.act(action);
    } catch (error) {
      if (error instanceof LogBroken) throw error.cause;
      await run.fail(
        error instanceof FailureError
          ? error.failure
          : { code: 'internal_error', message: 'The turn failed.', reason: describeError(error) },
      );
    }
  }
}

/** The log cannot be written: nothing more may be done here; the watchdog takes the turn up. */
class LogBroken extends Error {}

class TurnRun {
  readonly #deps: TurnDeps;
  readonly #context: TurnContext;
  readonly #limits: TurnLimits;
  #state: TurnState;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #toolbox: Toolbox | undefined;
  /** Waits for the transaction that ends the turn. */
  readonly #lastWrites: (() => void)[] = [];

  constructor(deps: TurnDeps, context: TurnContext) {
    this.#deps = deps;
    this.#context = context;
    this.#limits = context.start.limits ?? defaultLimits;
    this.#state = context.state;
  }

  get state(): TurnState {
    return this.#state;
  }

  async act(action: Exclude<ReturnType<typeof nextAction>, { kind: 'finish' }>): Promise<void> {
    const { abort } = this.#context;
    this.#armDeadline();
    if (!abort.signal.aborted) await this.#do(action);
    if (abort.signal.aborted && this.#state.phase !== 'over')
      await this.#advance({ kind: abort.signal.reason === 'timeout' ? 'timed_out' : 'cancelled' });
  }

  async #do(action: Exclude<ReturnType<typeof nextAction>, { kind: 'finish' }>): Promise<void> {
    switch (action.kind) {
      case 'begin':
        await this.#advance({ kind: 'begun', timeoutMs: this.#context.start.timeoutMs });
        break;
      case 'prepare':
        await this.#prepare();
        break;
      case 'ask':
        await this.#ask(action.withTools);
        break;
      case 'call':
        await this.#call(action.calls);
        break;
    }
  }

  async fail(failure: Failure): Promise<void> {
    if (failure.reason) console.error(JSON.stringify({ level: 'error', event: 'turn_failed', ...failure }));
    if (this.#state.phase === 'over') return;
    const { abort } = this.#context;
    await this.#advance(
      abort.signal.aborted
        ? { kind: abort.signal.reason === 'timeout' ? 'timed_out' : 'cancelled' }
        : { kind: 'failed', code: failure.code, message: failure.message },
    );
  }

  async finish(end: NonNullable<TurnState['end']>): Promise<void> {
    this.#disarmDeadline();
    const { turn, log, commit, store, start } = this.#context;
    const cancelled = this.#cancelApprovals();
    await log.finish(turn.end(end, toUsage(this.#state), this.#deps.clock.now()), () => {
      for (const write of this.#lastWrites) write();
      this.#settleOpenEffects();
      store.putState(start.responseId, this.#state);
      commit();
    });
    for (const approval of cancelled) await this.#deps.noteApproval(start, approval);
  }

  /** What nobody will make any more was not done; what is under way, nobody will know. */
  #settleOpenEffects(): void {
    const { store, start } = this.#context;
    const now = this.#deps.clock.now();
    for (const { id, status } of store.effectsOf(start.responseId)) {
      if (status === 'planned') store.settleEffect(id, 'failed', 'The turn ended before this call.', now);
      if (status === 'dispatched') store.settleEffect(id, 'unknown', 'The turn ended meanwhile.', now);
    }
  }

  #cancelApprovals(): Approval[] {
    const { store, start } = this.#context;
    const now = this.#deps.clock.now();
    return store
      .approvalsOf(start.responseId)
      .filter(({ status }) => status === 'pending')
      .map((approval) => {
        this.#lastWrites.push(() => store.settleApproval(approval.id, 'cancelled', null, null, now));
        return { ...approval, status: 'cancelled', decidedAt: now };
      });
  }

  async #prepare(): Promise<void> {
    const { start, turn, past, abort } = this.#context;
    const messages = start.input.kind === 'messages' ? start.input.messages : toMessages(past);
    const query = lastUserText(messages);
    const [recalled, listed, self] = await Promise.all([
      start.agent && start.recallLimit > 0 && query !== ''
        ? this.#deps.recall(start, query, start.recallLimit)
        : ok([]),
      this.#deps.listTools(start, abort.signal),
      start.agent ? this.#deps.meetAgent(start) : ok(undefined),
    ]);
    if (abort.signal.aborted) return;
    if (!recalled.ok) return this.fail(recalled.failure);
    if (!self.ok) return this.fail(self.failure);
    await this.#advance({ kind: 'prepared', recalled: recalled.value, listed, self: self.value }, () => [
      ...turn.started(recalled.value),
      ...turn.listed(listed),
    ]);
  }

  async #ask(withTools: boolean): Promise<void> {
    const { start, turn, abort } = this.#context;
    const left = this.#limits.maxTokens === null ? Number.MAX_SAFE_INTEGER : this.#tokensLeft();
    const messages = await this.#messages();
    turn.knowTools((name) => this.#tools().labelOf(name));
    let reserved: Reservation | undefined;
    const answer = await askModel(this.#deps, {
      start,
      messages,
      tools: withTools ? this.#tools().offered() : [],
      isFirst: this.#state.step === 1,
      maxOutputTokens: Math.max(1, Math.min(start.maxOutputTokens, left)),
      lane: start.lane ?? 'interactive',
      patienceMs: this.#patienceMs(),
      signal: abort.signal,
      degraded: (model) => turn.degrade(model),
      mayAsk: async (reservation) => {
        reserved = reservation;
        // What nothing limits needs no entry before it is spent.
        if (this.#limits.maxCostMicros === null && this.#limits.maxTokens === null) return true;
        await this.#advance({ kind: 'asking', maxMicros: reservation.maxMicros, maxTokens: 1 });
        return this.#state.phase === 'generating';
      },
    });
    if (this.#state.phase === 'over' || abort.signal.aborted) return;
    if (!answer.ok) return this.fail(answer.failure);
    if (!answer.value) return;
    const read = await readAnswer(answer.value, this.#context);
    if (abort.signal.aborted) return;
    if (!read.ok) return this.fail(read.failure);
    const step = turn.answer();
    if (step.finish === undefined) return this.#lost();
    if (step.oversized)
      return this.fail({ code: 'upstream_invalid', message: 'The model wrote arguments that are too large.' });
    const usage = step.usage;
    const counts = {
      input: usage?.prompt_tokens ?? 0,
      cached: usage?.prompt_tokens_details?.cached_tokens ?? 0,
      output: usage?.completion_tokens ?? 0,
    };
    const costMicros = reserved ? computeCostMicros(reserved.price, counts) : 0;
    const reasoning = usage?.completion_tokens_details?.reasoning_tokens ?? 0;
    const { finish, calls, surplus, awaitsClient } = step;
    const { text = '' } = step;
    const reason = awaitsClient ? null : findMisfit(start.sampling['response_format'], text);
    const misfit = reason === null ? null : { text, reason, isRevocable: start.isIrrevocable !== true };
    const isWhole = finish !== 'length' && finish !== 'content_filter' && (misfit === null || calls.length > 0);
    const { repair } = this.#state;
    await this.#advance(
      { kind: 'answered', finish, calls, surplus, awaitsClient, misfit, usage: { ...counts, reasoning, costMicros } },
      () =>
        this.#state.repair === repair ? turn.closeStep(isWhole ? 'completed' : 'incomplete') : turn.takeBackStep(),
    );
  }

  /**
   * What was accepted is not lost because the bridges come back later than the platform. A task is tried again anyway; and
   * where money is limited, each attempt holds what it might have cost, so that there are few.
   */
  #patienceMs(): number {
    const { start } = this.#context;
    const isAccepted = this.#state.resumes > 0 || start.response.background;
    const isFree = start.lane === undefined && this.#limits.maxCostMicros === null;
    return isAccepted && isFree ? BridgePatienceMs : 0;
  }

  /** The bridge went away in the middle: asked again, unless what was shown cannot be taken back. */
  async #lost(): Promise<void> {
    const { start, turn } = this.#context;
    const message = 'The inference node stopped in the middle of its answer.';
    if (start.input.kind === 'messages') return this.fail({ code: 'upstream_cut', message });
    await this.#advance({ kind: 'lost', message }, () => turn.reopenStep());
  }

  async #call(calls: readonly ServerCall[]): Promise<void> {
    const waiting: { call: ServerCall; approval: Approval }[] = [];
    await Promise.all(
      calls.map(async (call) => {
        const progress = await runCall(this.#callDeps(calls.length), call);
        if (progress.kind === 'waiting') waiting.push({ call, approval: progress.approval });
        else await this.#settle(call, progress.result);
      }),
    );
    if (waiting.length === 0 || this.#context.abort.signal.aborted) return;
    await this.#awaitPerson(waiting.map(({ approval }) => approval));
  }

  /** Ends when one of them was decided; the state still asks for all of these calls, so they are looked at again. */
  async #awaitPerson(approvals: readonly Approval[]): Promise<void> {
    const { park, decided, abort, start } = this.#context;
    this.#disarmDeadline();
    park(approvals);
    await decided(approvals, abort.signal);
    if (!abort.signal.aborted) await this.#advance({ kind: 'waited', timeoutMs: start.timeoutMs });
  }

  #callDeps(count: number): CallDeps {
    const { start, store, turn, abort } = this.#context;
    return {
      clock: this.#deps.clock,
      ways: this.#deps,
      store,
      start,
      toolbox: this.#tools(),
      signal: abort.signal,
      announce: this.#context.announce,
      share: () => ({
        toolCalls: Math.max(0, Math.floor((this.#limits.maxToolCalls - this.#state.toolCalls) / count)),
        tokens: this.#limits.maxTokens === null ? null : Math.floor(this.#tokensLeft() / count),
        costMicros:
          this.#limits.maxCostMicros === null
            ? null
            : Math.max(0, Math.floor((this.#limits.maxCostMicros - this.#state.costMicros) / count)),
        timeMs: Math.max(1, this.#state.deadlineAt - this.#deps.clock.now()),
      }),
      commit: async ({ begun, awaits }, write) => {
        const events = [
          ...(begun === undefined ? [] : turn.callBegun(begun)),
          ...(awaits === undefined ? [] : turn.callAwaits(...awaits)),
        ];
        await this.#checkpoint(events, write);
      },
    };
  }

  async #settle(call: ServerCall, result: ToolResult): Promise<void> {
    const { start, store, turn } = this.#context;
    const effect = store.findEffect(start.responseId, call.id);
    const full = JSON.stringify(turn.response).length + result.text.length > MaxResponseChars;
    const { tokens = 0, costMicros = 0, toolCalls = 0 } = result;
    await this.#advance(
      { kind: 'settled', id: call.id, tokens, costMicros, toolCalls, full },
      () => turn.callSettled(call.id, { kind: result.isError ? 'error' : 'output', text: result.text }),
      () => {
        if (!effect) return;
        // What was never sent is no call.
        if (effect.attempts > 0) this.#context.noteCall(effect, result.status);
        store.settleEffect(
          effect.id,
          result.status,
          result.isError ? result.text.slice(0, 1_000) : null,
          this.#deps.clock.now(),
        );
      },
    );
  }

  async #messages(): Promise<ChatMessage[]> {
    const repair = toRepairMessages(this.#state.repair);
    return [...(await this.#pastMessages(JSON.stringify(repair).length)), ...repair];
  }

  /** `followingChars`: of what the model reads after it. */
  async #pastMessages(followingChars: number): Promise<ChatMessage[]> {
    const { start, turn, past } = this.#context;
    const definition = start.agent?.definition;
    const { self } = this.#state;
    const canRemember = definition?.tools.some((tool) => tool.type === 'builtin' && tool.name === 'memory_write');
    const agent = start.agent && {
      name: start.agent.name,
      instructions: start.agent.definition.instructions,
      goals: [...start.agent.definition.goals, ...(self?.goals ?? [])],
      persona: self?.persona ?? definition?.persona,
      moment: self?.instructions ?? [],
      memorySchema: canRemember ? definition?.memory_schema : undefined,
    };
    const system = toSystemMessage(agent, start.response.instructions, this.#state.recalled);
    // An answer that broke off is asked for by the same words: what was shown of it is no part of them.
    const own = turn.response.output.filter((item) => !('status' in item) || !isUnfinished.has(item.status));
    if (start.input.kind === 'messages') return [...system, ...start.input.messages, ...toMessages(own)];
    if (start.agent === null && start.response.truncation === 'disabled')
      return [...system, ...toMessages([...past, ...own])];
    const route = await this.#deps.findRoute(start, start.model);
    const window = {
      tokens: route.ok ? route.value.model.context_window : null,
      reserve: start.maxOutputTokens,
      fixedChars: JSON.stringify([system, this.#tools().offered()]).length + followingChars,
    };
    const summary = compact([...past, ...own], new Set(own.map((item) => item.id)), window, this.#context.mint);
    if (summary) await this.#checkpoint(turn.whole(summary), () => {});
    return [...system, ...toMessages(shortenResults([...past, ...own, ...(summary ? [summary] : [])], window))];
  }

  #tools(): Toolbox {
    const { start } = this.#context;
    this.#toolbox ??= new Toolbox(start.agent?.definition ?? null, this.#state.listed, start.sampling['tools']);
    return this.#toolbox;
  }

  #tokensLeft(): number {
    const used = this.#state.inputTokens + this.#state.outputTokens;
    return Math.max(0, (this.#limits.maxTokens ?? Number.MAX_SAFE_INTEGER) - used);
  }

  /** The next state is on disk, with its events, before anything is done by it. */
  async #advance(input: TurnInput, events: () => Parameters<EventLog['append']>[0] = () => [], write = () => {}) {
    this.#state = decide(this.#state, input, this.#limits, this.#deps.clock.now());
    if (this.#state.phase === 'over') {
      // What ends the turn is written with its last event.
      this.#context.log.stage(events());
      this.#lastWrites.push(write);
      return;
    }
    await this.#checkpoint(events(), write);
  }

  async #checkpoint(events: Parameters<EventLog['append']>[0], write: () => void): Promise<void> {
    const { log, store, start, save } = this.#context;
    try {
      await log.checkpoint(events, () => {
        write();
        store.putState(start.responseId, this.#state);
        save();
      });
    } catch (error) {
      throw new LogBroken('the log is broken', { cause: error });
    }
  }

  #armDeadline(): void {
    this.#disarmDeadline();
    const leftMs = this.#state.deadlineAt - this.#deps.clock.now();
    if (leftMs > 2 ** 31 - 1) return;
    this.#timer = setTimeout(() => this.#context.abort.abort('timeout'), Math.max(0, leftMs));
  }

  #disarmDeadline(): void {
    clearTimeout(this.#timer);
  }
}

/** Feeds the node's chunks to the turn. An error frame is the node's failure; a stream that just ends is not whole. */
async function readAnswer(answer: Response, { turn, log }: TurnContext): Promise<Result<undefined>> {
  if (!answer.body) return err('upstream_cut');
  try {
    for await (const event of readSse(answer.body as unknown as AsyncIterable<Uint8Array>)) {
      if (event.data === '[DONE]') return ok();
      const chunk = JSON.parse(event.data) as ChatCompletionChunk & {
        error?: { message: string; code: string | null };
      };
      if (chunk.error) return err('upstream_cut', chunk.error.message);
      const events = turn.chunk(chunk);
      if (events.length > 0) log.stream(events);
    }
  } catch {
    // The connection broke: what has come stands, and it is not whole.
  }
  return ok();
}

function toUsage(state: TurnState): ResponseUsage | null {
  if (state.inputTokens + state.outputTokens === 0) return null;
  return {
    input_tokens: state.inputTokens,
    input_tokens_details: { cached_tokens: state.cachedTokens },
    output_tokens: state.outputTokens,
    output_tokens_details: { reasoning_tokens: state.reasoningTokens },
    total_tokens: state.inputTokens + state.outputTokens,
  };
}
