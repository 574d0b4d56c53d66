/** Runs a query on D1. Its failure is an outage that the caller is told of, never an empty answer. */
import { describeError } from '../core/log.ts';
import { err, ok, type Result } from '../core/result.ts';

export async function attempt<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await work());
  } catch (error) {
    // The message of drizzle's own error repeats the parameters, a memory's text among them; its cause does not.
    const reason = error instanceof Error && error.cause !== undefined ? describeError(error.cause) : 'D1 failed';
    return err('service_unavailable', undefined, { reason });
  }
}

/** Whether a refused write was refused because the row, or its unique value, exists already. */
export function isUniqueViolation(reason: string | undefined): boolean {
  return reason !== undefined && /UNIQUE constraint failed/.test(reason);
}
