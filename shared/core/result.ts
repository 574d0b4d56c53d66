/**
 * Expected failure as a value. A Result is a plain object, so it survives RPC and structured clone unchanged.
 */
import { fail, type Failure, type FailureCode, type FailureDetails } from './failure.ts';

export type Ok<T> = { readonly ok: true; readonly value: T };
export type Err = { readonly ok: false; readonly failure: Failure };
export type Result<T> = Ok<T> | Err;

export function ok(): Ok<undefined>;
export function ok<T>(value: T): Ok<T>;
export function ok<T>(value?: T): Ok<T | undefined> {
  return { ok: true, value };
}

/** Shorthand for a failed Result: `err('not_found', 'No memory mem_1.')`. */
export function err(code: FailureCode, message?: string, details?: FailureDetails): Err {
  return { ok: false, failure: fail(code, message, details) };
}
