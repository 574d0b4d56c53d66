/**
 * What becomes of a message that comes while its conversation is busy, and when it is its turn. One turn of a thread runs
 * at a time, in the order in which they came. All of it follows from what is on disk: who has begun, who waits, and which
 * of those who wait interrupt what is before them. Pure.
 */
import type { ResponseId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { DoubleTexting } from '../../shared/contracts/agents.ts';

export type Thread = {
  readonly running: readonly ResponseId[];
  /** In the order in which they came. */
  readonly line: readonly { readonly id: ResponseId; readonly interrupts: boolean }[];
};

export const MaxInLine = 32;

/** `interrupts`: what is before it is to end. Undefined: it begins at once. */
export type Place = { readonly interrupts: boolean } | undefined;

export function findPlace({ running, line }: Thread, policy: DoubleTexting): Result<Place> {
  if (running.length + line.length === 0) return ok(undefined);
  if (policy === 'reject')
    return err('conflict', 'A response is still running in this conversation.', { retryAfterMs: 500 });
  if (line.length >= MaxInLine)
    return err('conflict', `${MaxInLine} messages wait in this conversation already.`, { retryAfterMs: 1_000 });
  return ok({ interrupts: policy === 'interrupt' });
}

export type LineStep = {
  /** Turns under way that a message behind them interrupts. */
  readonly cancel: readonly ResponseId[];
  /** Whose turn it is; `interrupted`: only to enter the thread and to end. */
  readonly begin: { readonly id: ResponseId; readonly interrupted: boolean } | undefined;
};

export function decideLine({ running, line }: Thread): LineStep {
  const [first, ...behind] = line;
  const interrupts = (waiting: Thread['line']) => waiting.some((each) => each.interrupts);
  return {
    cancel: interrupts(line) ? running : [],
    begin: first && running.length === 0 ? { id: first.id, interrupted: interrupts(behind) } : undefined,
  };
}
