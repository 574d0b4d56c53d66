/**
 * The engine of a turn: which state follows which input, and what is to be done next. Pure data in, pure data out; the
 * runner stores every state before it does what the state asks for, so a turn goes on from its last state wherever its
 * isolate died. docs/turns.md draws it.
 *
 * queued -> recalling -> generating <-> calling -> over (completed | incomplete | failed | cancelled)
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../../shared/core/canonical-json.ts';
import { invariant } from '../../shared/core/invariant.ts';
import type { AgentSelf } from '../../shared/contracts/agent-state.ts';
import type { FinishReason } from '../../shared/contracts/chat-completions.ts';
import type { IncompleteReason, RecalledReference } from '../../shared/contracts/responses.ts';
import type { TurnLimits } from '../../shared/contracts/turn-start.ts';
import type { ListedTools } from './toolbox.ts';

/** The same call with the same arguments: so often it is made, then it is refused. */
export const MaxRepeats = 3;
/** A step that breaks off is asked again so often; a turn that dies again and again is given up. */
export const MaxAttempts = 3;
export const MaxResumes = 40;
/** An answer that does not have the form that was asked for is given back to the model so often. */
export const MaxRepairs = 2;
/** So much of it is given back. */
const MaxRepairChars = 32_768;

/** A call that the platform is to execute. */
export type ServerCall = {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  /** Why it will not be made, where the engine itself refuses it. */
  readonly refusal: 'repeated' | 'too_many' | null;
  readonly settled: boolean;
};

export type TurnEnd =
  | { readonly status: 'completed' }
  | { readonly status: 'incomplete'; readonly reason: IncompleteReason }
  | { readonly status: 'failed'; readonly code: string; readonly message: string }
  | { readonly status: 'cancelled' };

/** An answer that is not in the form that was asked for. */
export type Misfit = {
  readonly text: string;
  /** In what it does not fit. */
  readonly reason: string;
  /** What was shown of it can be taken back. */
  readonly isRevocable: boolean;
};

export type TurnState = {
  readonly phase: 'queued' | 'recalling' | 'generating' | 'calling' | 'over';
  readonly end: TurnEnd | null;
  /** Calls of the model that were begun, and how often the present one. */
  readonly step: number;
  readonly attempt: number;
  readonly resumes: number;
  readonly deadlineAt: number;
  readonly recalled: readonly RecalledReference[];
  /** The agent as it was when the turn began; absent before that, and without an agent. */
  readonly self?: AgentSelf;
  /** What MCP servers offered when the turn began: the same tools for the whole turn. */
  readonly listed: readonly ListedTools[];
  readonly calls: readonly ServerCall[];
  /** The model also asked the client to execute something: the turn ends once the platform's own calls are settled. */
  readonly awaitsClient: boolean;
  readonly toolCalls: number;
  readonly repeats: Readonly<Record<string, number>>;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** Of settled steps; and what the present one may cost at most, until it is settled. */
  readonly costMicros: number;
  readonly heldMicros: number;
  /** A limit was met: the model is asked once more, without tools, so that it answers. */
  readonly closing: IncompleteReason | null;
  /** The model is asked to put its answer right, for the `count`th time; absent where it need not. */
  readonly repair?: { readonly count: number; readonly text: string; readonly reason: string };
};

export type StepUsage = {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
  readonly costMicros: number;
};

export type TurnInput =
  | { readonly kind: 'begun'; readonly timeoutMs: number }
  | { readonly kind: 'resumed' }
  | {
      readonly kind: 'prepared';
      readonly recalled: readonly RecalledReference[];
      readonly self: AgentSelf | undefined;
      readonly listed: readonly ListedTools[];
    }
  | { readonly kind: 'asking'; readonly maxMicros: number; readonly maxTokens: number }
  | {
      readonly kind: 'answered';
      readonly finish: FinishReason;
      readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
      /** Calls beyond what one step may make; nothing is known of them but their number. */
      readonly surplus: number;
      readonly awaitsClient: boolean;
      readonly misfit: Misfit | null;
      readonly usage: StepUsage;
    }
  /** The connection to the bridge broke before the answer was whole. */
  | { readonly kind: 'lost'; readonly message: string }
  /** `tokens`, `costMicros`: what the call itself spent, of another agent's turn. */
  | {
      readonly kind: 'settled';
      readonly id: string;
      readonly tokens: number;
      readonly costMicros: number;
      readonly toolCalls: number;
      /** The response cannot hold much more. */
      readonly full: boolean;
    }
  /** A person has decided: the time that this took does not count. */
  | { readonly kind: 'waited'; readonly timeoutMs: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'cancelled' };

export type NextAction =
  | { readonly kind: 'begin' }
  | { readonly kind: 'prepare' }
  | { readonly kind: 'ask'; readonly withTools: boolean }
  | { readonly kind: 'call'; readonly calls: readonly ServerCall[] }
  | { readonly kind: 'finish'; readonly end: TurnEnd };

export const newTurnState: TurnState = {
  phase: 'queued',
  end: null,
  step: 0,
  attempt: 0,
  resumes: 0,
  deadlineAt: Number.MAX_SAFE_INTEGER,
  recalled: [],
  listed: [],
  calls: [],
  awaitsClient: false,
  toolCalls: 0,
  repeats: {},
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costMicros: 0,
  heldMicros: 0,
  closing: null,
};

export function nextAction(state: TurnState): NextAction {
  switch (state.phase) {
    case 'queued':
      return { kind: 'begin' };
    case 'recalling':
      return { kind: 'prepare' };
    case 'generating':
      return { kind: 'ask', withTools: state.closing === null && !state.repair };
    case 'calling':
      return { kind: 'call', calls: state.calls.filter((call) => !call.settled) };
    case 'over':
      invariant(state.end, 'a turn that is over has an end');
      return { kind: 'finish', end: state.end };
  }
}

export function decide(state: TurnState, input: TurnInput, limits: TurnLimits, now: number): TurnState {
  invariant(state.phase !== 'over', 'a turn that is over takes no input');
  switch (input.kind) {
    case 'begun':
      return { ...state, phase: 'recalling', deadlineAt: now + input.timeoutMs };
    case 'resumed':
      return state.resumes >= MaxResumes
        ? over(state, failure('upstream_cut', 'The platform was interrupted again and again in this turn.'))
        : { ...state, resumes: state.resumes + 1 };
    case 'prepared':
      return toGenerating(
        { ...state, recalled: input.recalled, listed: input.listed, ...(input.self ? { self: input.self } : {}) },
        limits,
      );
    case 'asking':
      return decideAsking(state, input, limits);
    case 'answered':
      return decideAnswered(state, input, limits);
    case 'lost':
      return state.attempt >= MaxAttempts
        ? over(state, failure('upstream_cut', input.message))
        : { ...state, attempt: state.attempt + 1 };
    case 'settled':
      return decideSettled(state, input, limits);
    case 'waited':
      return { ...state, deadlineAt: now + input.timeoutMs };
    case 'failed':
      return over(state, failure(input.code, input.message));
    case 'timed_out':
      return over(state, failure('upstream_cut', 'The turn took longer than its limit allows.'));
    case 'cancelled':
      return over(state, { status: 'cancelled' });
  }
}

/** Nothing is asked that could pass a limit: what it may cost at most is held before it is spent. */
function decideAsking(
  state: TurnState,
  { maxMicros, maxTokens }: Extract<TurnInput, { kind: 'asking' }>,
  limits: TurnLimits,
): TurnState {
  const spent = state.costMicros + state.heldMicros;
  if (limits.maxCostMicros !== null && spent + maxMicros > limits.maxCostMicros) return over(state, short('max_cost'));
  const used = state.inputTokens + state.outputTokens;
  if (limits.maxTokens !== null && used + maxTokens > limits.maxTokens) return over(state, short('max_tokens'));
  // An attempt that was lost may have cost what it might: what was held for it stays held.
  return { ...state, heldMicros: state.heldMicros + maxMicros };
}

function decideAnswered(
  state: TurnState,
  answer: Extract<TurnInput, { kind: 'answered' }>,
  limits: TurnLimits,
): TurnState {
  const { usage } = answer;
  const counted: TurnState = {
    ...state,
    inputTokens: state.inputTokens + usage.input,
    cachedTokens: state.cachedTokens + usage.cached,
    outputTokens: state.outputTokens + usage.output,
    reasoningTokens: state.reasoningTokens + usage.reasoning,
    costMicros: state.costMicros + usage.costMicros,
    heldMicros: 0,
  };
  if (answer.finish === 'length') return over(counted, short('max_output_tokens'));
  if (answer.finish === 'content_filter') return over(counted, short('content_filter'));
  if (state.repair || (answer.calls.length === 0 && answer.surplus === 0))
    return answer.misfit === null
      ? over(counted, { status: 'completed' })
      : decideRepair(counted, answer.misfit, limits);
  if (state.closing !== null) return over(counted, short(state.closing));
  return planCalls(counted, answer, limits);
}

/** The model is told what is wrong with its answer, within the turn's steps. */
function decideRepair(state: TurnState, { text, reason, isRevocable }: Misfit, limits: TurnLimits): TurnState {
  const made = state.repair?.count ?? 0;
  if (!isRevocable || made >= MaxRepairs || state.step >= limits.maxSteps)
    return over(state, failure('upstream_invalid', made === 0 ? reason : `After ${made + 1} attempts: ${reason}`));
  return toGenerating({ ...state, repair: { count: made + 1, text: text.slice(0, MaxRepairChars), reason } }, limits);
}

function planCalls(state: TurnState, answer: Extract<TurnInput, { kind: 'answered' }>, limits: TurnLimits): TurnState {
  const repeats: Record<string, number> = { ...state.repeats };
  let { toolCalls, closing } = state;
  const calls = answer.calls.map((call): ServerCall => {
    const print = fingerprint(call.name, call.arguments);
    const times = (repeats[print] ?? 0) + 1;
    repeats[print] = times;
    if (toolCalls >= limits.maxToolCalls) {
      closing = 'max_tool_calls';
      return { ...call, refusal: 'too_many', settled: false };
    }
    toolCalls++;
    if (times > MaxRepeats) closing ??= 'tool_loop';
    return { ...call, refusal: times > MaxRepeats ? 'repeated' : null, settled: false };
  });
  if (answer.surplus > 0) closing = 'max_tool_calls';
  const planned: TurnState = {
    ...state,
    phase: 'calling',
    calls,
    repeats,
    toolCalls,
    closing,
    awaitsClient: answer.awaitsClient,
  };
  return calls.length === 0 ? leaveCalling(planned, limits) : planned;
}

function decideSettled(
  state: TurnState,
  { id, tokens, costMicros, toolCalls, full }: Extract<TurnInput, { kind: 'settled' }>,
  limits: TurnLimits,
): TurnState {
  const next: TurnState = {
    ...state,
    calls: state.calls.map((call) => (call.id === id ? { ...call, settled: true } : call)),
    inputTokens: state.inputTokens + tokens,
    costMicros: state.costMicros + costMicros,
    toolCalls: state.toolCalls + toolCalls,
    closing: state.closing ?? (full ? 'max_tool_calls' : null),
  };
  return next.calls.every((call) => call.settled) ? leaveCalling(next, limits) : next;
}

function leaveCalling(state: TurnState, limits: TurnLimits): TurnState {
  return state.awaitsClient
    ? over({ ...state, calls: [] }, { status: 'completed' })
    : toGenerating({ ...state, calls: [] }, limits);
}

/** The last step that the limits allow is made without tools. */
function toGenerating(state: TurnState, limits: TurnLimits): TurnState {
  if (state.step >= limits.maxSteps) return over(state, short('max_steps'));
  const step = state.step + 1;
  const last = step >= limits.maxSteps && step > 1;
  return { ...state, phase: 'generating', step, attempt: 1, closing: state.closing ?? (last ? 'max_steps' : null) };
}

function over(state: TurnState, end: TurnEnd): TurnState {
  return { ...state, phase: 'over', end };
}

function short(reason: IncompleteReason): TurnEnd {
  return { status: 'incomplete', reason };
}

function failure(code: string, message: string): TurnEnd {
  return { status: 'failed', code, message };
}

/** The same arguments in another order or spacing are the same. */
function fingerprint(name: string, args: string): string {
  let same = args;
  try {
    same = canonicalJson(JSON.parse(args) as Json);
  } catch {
    // What is no JSON is compared as it is.
  }
  return createHash('sha256').update(`${name} ${same}`).digest('base64url');
}
