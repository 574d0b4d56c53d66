/**
 * Runs one turn: recall -> reserve -> model -> terminal state. It owns the sequence; storage, clock and the ways out are
 * given to it. Whatever happens, the log ends with exactly one terminal event, and what the turn made is stored with it.
 */
import type { Clock } from '../../shared/core/clock.ts';
import { FailureError, type Failure } from '../../shared/core/failure.ts';
import { mintId } from '../../shared/core/ids.ts';
import { describeError } from '../../shared/core/log.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { readSse } from '../../shared/core/sse.ts';
import type { Lease, Reservation } from '../../shared/contracts/admission.ts';
import type { ChatCompletionChunk, ChatMessage } from '../../shared/contracts/chat-completions.ts';
import type { Item } from '../../shared/contracts/conversations.ts';
import type { RecalledReference, Response as ResponseBody } from '../../shared/contracts/responses.ts';
import { boundOutputTokens, makeReservation } from '../../shared/inference/reservation.ts';
import type { Route } from '../../shared/inference/catalog.ts';
import type { EventLog } from './event-log.ts';
import { lastUserText, toMessages, toSystemMessage } from './prompt.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';
import type { Turn } from './turn.ts';

export type TurnDeps = {
  readonly clock: Clock;
  recall(start: TurnStart, query: string): Promise<Result<readonly RecalledReference[]>>;
  findRoute(start: TurnStart): Promise<Result<Route>>;
  /** Whether the caller may still act, and what the run draws on. */
  admitRun(start: TurnStart, needMicros: number): Promise<Result<Lease | null>>;
  callModel(start: TurnStart, call: ModelCall): Promise<Result<Response>>;
};

export type ModelCall = {
  readonly route: Route;
  readonly body: string;
  readonly reservation: Reservation;
  readonly lease: Lease | null;
  readonly signal: AbortSignal;
};

export type TurnContext = {
  readonly start: TurnStart;
  readonly turn: Turn;
  readonly log: EventLog;
  /** What the model reads before this turn's own input, and that input. */
  readonly past: readonly Item[];
  readonly abort: AbortController;
  /** Stores the response as it is now, for those who poll it. */
  readonly save: (response: ResponseBody) => void;
  /** Stores the end of the turn in the transaction of its last event. */
  readonly commit: (response: ResponseBody) => void;
};

const encoder = new TextEncoder();
const MaxAttempts = 4;
const MaxPauseMs = 2_000;

export async function runTurn(deps: TurnDeps, context: TurnContext): Promise<void> {
  const { start, turn, log, abort } = context;
  const timer = setTimeout(() => abort.abort('timeout'), start.timeoutMs);
  let failure: Failure | undefined;
  try {
    const answered = await generate(deps, context);
    if (!answered.ok) failure = answered.failure;
  } catch (error) {
    failure =
      error instanceof FailureError
        ? error.failure
        : { code: 'upstream_cut', message: 'The answer was cut off.', reason: describeError(error) };
  } finally {
    clearTimeout(timer);
  }
  const now = deps.clock.now();
  const last = abort.signal.aborted
    ? abort.signal.reason === 'timeout'
      ? turn.failed('upstream_cut', 'The turn took longer than its limit allows.', now)
      : turn.cancelled(now)
    : failure
      ? turn.failed(failure.code, failure.message, now)
      : turn.finished(now);
  await log.finish(last, () => context.commit(turn.response));
}

async function generate(deps: TurnDeps, context: TurnContext): Promise<Result<undefined>> {
  const { start, turn, log } = context;
  const messages = start.input.kind === 'messages' ? [...start.input.messages] : toMessages(context.past);
  const recalled = await recall(deps, start, messages);
  if (!recalled.ok) return recalled;
  log.append(turn.started(recalled.value));
  if (start.response.status === 'queued') context.save(turn.response);

  const answer = await askModel(deps, context, messages, recalled.value);
  if (!answer.ok) return answer;
  return answer.value ? readAnswer(answer.value, context) : ok();
}

/** Asks again where no bridge took the run: none of an answer has come by then, and one that restarts is back soon. */
async function askModel(
  deps: TurnDeps,
  context: TurnContext,
  messages: readonly ChatMessage[],
  recalled: readonly RecalledReference[],
): Promise<Result<Response | undefined>> {
  const { signal } = context.abort;
  for (let attempt = 1; ; attempt++) {
    const answer = await askOnce(deps, context, messages, recalled);
    const waitMs = answer.ok || answer.failure.code !== 'node_unavailable' ? undefined : answer.failure.retryAfterMs;
    if (waitMs === undefined || attempt === MaxAttempts || signal.aborted) return answer;
    await pause(Math.min(waitMs * 2 ** (attempt - 1), MaxPauseMs), signal);
  }
}

async function askOnce(
  deps: TurnDeps,
  { start, abort }: TurnContext,
  messages: readonly ChatMessage[],
  recalled: readonly RecalledReference[],
): Promise<Result<Response | undefined>> {
  if (abort.signal.aborted) return ok(undefined);
  const route = await deps.findRoute(start);
  if (!route.ok) return route;
  const agent = start.agent && {
    name: start.agent.name,
    instructions: start.agent.definition.instructions,
    goals: start.agent.definition.goals,
  };
  const prompt = [...toSystemMessage(agent, start.response.instructions, recalled), ...messages];
  const maxOutputTokens = boundOutputTokens(route.value, start.maxOutputTokens);
  const body = JSON.stringify({
    ...start.sampling,
    model: route.value.model.id,
    messages: prompt,
    max_tokens: maxOutputTokens,
    stream: true,
    stream_options: { include_usage: true },
  });
  const bound = { inputBytes: encoder.encode(body).byteLength, messages: prompt.length, maxOutputTokens };
  const reservation = makeReservation(mintId('run', deps.clock.now()), route.value, bound);
  const lease = await deps.admitRun(start, reservation.maxMicros);
  if (!lease.ok) return lease;
  if (abort.signal.aborted) return ok(undefined);
  return deps.callModel(start, { route: route.value, body, reservation, lease: lease.value, signal: abort.signal });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function recall(
  deps: TurnDeps,
  start: TurnStart,
  messages: readonly ChatMessage[],
): Promise<Result<readonly RecalledReference[]>> {
  const query = lastUserText(messages);
  if (!start.agent || start.recallLimit === 0 || query === '') return ok([]);
  return deps.recall(start, query);
}

/** Feeds the node's chunks to the turn. An error frame is the node's failure; a stream that just ends is a cut. */
async function readAnswer(answer: Response, { turn, log }: TurnContext): Promise<Result<undefined>> {
  if (!answer.body) return err('upstream_cut');
  for await (const event of readSse(answer.body as unknown as AsyncIterable<Uint8Array>)) {
    if (event.data === '[DONE]') return ok();
    const chunk = JSON.parse(event.data) as ChatCompletionChunk & { error?: { message: string; code: string | null } };
    if (chunk.error) return err('upstream_cut', chunk.error.message);
    const events = turn.chunk(chunk);
    if (events.length > 0) log.append(events);
  }
  return ok();
}
