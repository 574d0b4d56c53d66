/** What becomes of a task after an attempt. Pure. */
import { computeBackoffMs } from '../../shared/core/backoff.ts';
import { failureKinds, type Failure, type FailureCode } from '../../shared/core/failure.ts';
import type { Result } from '../../shared/core/result.ts';
import type { Response as ResponseBody } from '../../shared/contracts/responses.ts';

const Retry = { baseMs: 2_000, capMs: 10 * 60_000 };

/** For want of a node or of room: it says nothing of the task. */
const shortages: readonly string[] = ['node_unavailable', 'service_unavailable', 'rate_limit_exceeded'];

export type TaskError = { readonly code: string; readonly message: string };
export type Attempt = {
  /** This one included. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly deadlineAt: number | null;
};
export type Outcome =
  | { readonly kind: 'succeeded'; readonly output: string }
  | { readonly kind: 'failed' | 'dead' | 'cancelled'; readonly error: TaskError | null }
  | { readonly kind: 'again'; readonly dueAt: number; readonly error: TaskError; readonly isShortage: boolean };

export const deadlinePassed: TaskError = {
  code: 'deadline_exceeded',
  message: 'The task was not finished by its deadline.',
};

/** What of a turn's response says how it ended. */
export type EndedTurn = Pick<ResponseBody, 'status' | 'error' | 'incomplete_details' | 'output'>;

/** Of a task that was taken back before its turn began. */
export const neverBegun: EndedTurn = { status: 'cancelled', error: null, incomplete_details: null, output: [] };

export function decideOutcome(attempt: Attempt, answer: Result<EndedTurn>, now: number, random: () => number): Outcome {
  const ended = answer.ok ? readResponse(answer.value) : err(answer.failure);
  if (ended.kind === 'succeeded') return ended;
  const isLate = attempt.deadlineAt !== null && attempt.deadlineAt <= now;
  if (isLate) return { kind: 'failed', error: deadlinePassed };
  if (ended.kind === 'cancelled') return { kind: 'cancelled', error: null };
  const { error, retryAfterMs } = ended;
  if (!isRetryable(error.code)) return { kind: 'failed', error };
  if (attempt.attempts >= attempt.maxAttempts) return { kind: 'dead', error };
  const delayMs = Math.max(computeBackoffMs(attempt.attempts - 1, { ...Retry, random }), retryAfterMs);
  return { kind: 'again', dueAt: now + delayMs, error, isShortage: shortages.includes(error.code) };
}

type Ended =
  | { readonly kind: 'succeeded'; readonly output: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'error'; readonly error: TaskError; readonly retryAfterMs: number };

function readResponse(response: EndedTurn): Ended {
  const { status, error, incomplete_details: details } = response;
  if (status === 'completed') return { kind: 'succeeded', output: textOf(response) };
  if (status === 'cancelled') return { kind: 'cancelled' };
  if (status === 'incomplete') {
    const message = `The answer is not complete (${details?.reason ?? 'for an unknown reason'}).`;
    return { kind: 'error', error: { code: 'incomplete', message }, retryAfterMs: 0 };
  }
  return {
    kind: 'error',
    error: error ?? { code: 'internal_error', message: 'The turn ended without an answer.' },
    retryAfterMs: 0,
  };
}

function err({ code, message, retryAfterMs = 0 }: Failure): Ended {
  return { kind: 'error', error: { code, message }, retryAfterMs };
}

function isRetryable(code: string): boolean {
  return code in failureKinds && failureKinds[code as FailureCode].retryable;
}

function textOf({ output }: EndedTurn): string {
  return output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => ('text' in part && typeof part.text === 'string' ? part.text : ''))
    .filter((text) => text !== '')
    .join('\n\n');
}
