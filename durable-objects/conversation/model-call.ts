/** One call of the model: reserve, ask, and hand back its answer as it comes. */
import type { Clock } from '../../shared/core/clock.ts';
import { mintId } from '../../shared/core/ids.ts';
import { ok, type Result } from '../../shared/core/result.ts';
import type { Lease, Reservation } from '../../shared/contracts/admission.ts';
import type { ChatMessage } from '../../shared/contracts/chat-completions.ts';
import type { JobClaims } from '../../shared/contracts/inference.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';
import type { Route } from '../../shared/inference/resolve-route.ts';
import { boundOutputTokens, makeReservation } from '../../shared/inference/reservation.ts';
import type { ChatTool } from './toolbox.ts';

export type ModelCall = {
  readonly route: Route;
  readonly body: string;
  readonly reservation: Reservation;
  readonly lease: Lease | null;
  readonly lane: NonNullable<JobClaims['lane']>;
  readonly signal: AbortSignal;
};

export type ModelWays = {
  readonly clock: Clock;
  findRoute(start: TurnStart, model: string): Promise<Result<Route>>;
  /** Whether the caller may still act, and what the run draws on. */
  admitRun(start: TurnStart, reservation: Reservation): Promise<Result<Lease | null>>;
  callModel(start: TurnStart, call: ModelCall): Promise<Result<Response>>;
};

export type Question = {
  readonly start: TurnStart;
  readonly messages: readonly ChatMessage[];
  /** Empty where the model is to answer without. */
  readonly tools: readonly ChatTool[];
  /** The first step alone is bound to the caller's `tool_choice`: bound for ever, a turn would never end. */
  readonly isFirst: boolean;
  readonly maxOutputTokens: number;
  readonly lane: ModelCall['lane'];
  /** How long a bridge may take to be there again; 0: as long as somebody who waits for the answer would. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  /** The run was admitted on a cheaper model than the one wanted. */
  readonly degraded: (model: string) => void;
  /** The last word before money is spent: false where a limit forbids it. */
  readonly mayAsk: (reservation: Reservation, bound: { readonly inputBytes: number }) => Promise<boolean>;
};

const encoder = new TextEncoder();
const MaxAttempts = 4;
const MaxPauseMs = 2_000;

/**
 * Undefined where it was not asked: a limit forbade it, or its caller has left. Asks again where no bridge took the run:
 * none of an answer has come by then, and one that restarts is back soon. The longer its caller has patience.
 */
export async function askModel(ways: ModelWays, question: Question): Promise<Result<Response | undefined>> {
  const { signal, patienceMs } = question;
  const patientUntil = ways.clock.now() + patienceMs;
  for (let attempt = 1; ; attempt++) {
    const answer = await askOnce(ways, question);
    // Without a time it is the node's own refusal, and stands.
    const waitMs = answer.ok || answer.failure.code !== 'node_unavailable' ? undefined : answer.failure.retryAfterMs;
    const isEnough = attempt >= MaxAttempts && ways.clock.now() >= patientUntil;
    if (waitMs === undefined || isEnough || signal.aborted) return answer;
    await pause(Math.min(waitMs * 2 ** (attempt - 1), MaxPauseMs), signal);
  }
}

async function askOnce(ways: ModelWays, question: Question): Promise<Result<Response | undefined>> {
  const { start, signal } = question;
  const call = (admitted: AdmittedCall | undefined) =>
    admitted ? ways.callModel(start, { ...admitted, signal }) : ok(undefined);
  const asked = await admitModel(ways, question, start.model);
  if (asked.ok) return call(asked.value);
  if (asked.failure.degradeTo === undefined) return asked;
  // The budget does not bear the model that was wanted: the cheaper one, if it fits, and otherwise the refusal stands.
  const cheaper = await admitModel(ways, question, asked.failure.degradeTo);
  if (!cheaper.ok) return asked;
  if (cheaper.value) question.degraded(cheaper.value.route.model.id);
  return call(cheaper.value);
}

type AdmittedCall = Omit<ModelCall, 'signal'>;

/** Undefined where it is not to be asked. */
async function admitModel(
  ways: ModelWays,
  question: Question,
  model: string,
): Promise<Result<AdmittedCall | undefined>> {
  const { start, messages, tools, lane, signal } = question;
  if (signal.aborted) return ok(undefined);
  const route = await ways.findRoute(start, model);
  if (!route.ok) return route;
  const maxOutputTokens = boundOutputTokens(route.value, question.maxOutputTokens);
  const { tools: _, tool_choice: choice, parallel_tool_calls: parallel, ...sampling } = start.sampling;
  const body = JSON.stringify({
    ...sampling,
    model: route.value.model.id,
    messages,
    ...(tools.length === 0
      ? {}
      : {
          tools,
          ...(question.isFirst && choice !== undefined ? { tool_choice: choice } : {}),
          ...(parallel === undefined ? {} : { parallel_tool_calls: parallel }),
        }),
    max_tokens: maxOutputTokens,
    stream: true,
    stream_options: { include_usage: true },
  });
  const bound = { inputBytes: encoder.encode(body).byteLength, messages: messages.length, maxOutputTokens };
  const reservation = makeReservation(mintId('run', ways.clock.now()), route.value, bound);
  if (!(await question.mayAsk(reservation, bound))) return ok(undefined);
  const lease = await ways.admitRun(start, reservation);
  if (!lease.ok) return lease;
  return signal.aborted ? ok(undefined) : ok({ route: route.value, body, reservation, lease: lease.value, lane });
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
