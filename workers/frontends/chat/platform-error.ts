/** Why a request came to nothing, in the platform's codes and three of the element's own. */
import type { Texts } from './texts/texts.ts';

/** `offline`, `unreachable` and `lost` are the network's; all others come from the platform. */
export type ErrorCode = string;

export class PlatformError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfterMs: number;

  constructor(code: ErrorCode, details: { message?: string; status?: number; retryAfterMs?: number } = {}) {
    super(details.message ?? code);
    this.code = code;
    this.status = details.status ?? 0;
    this.retryAfterMs = details.retryAfterMs ?? 0;
  }

  /** The same request may succeed later. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** In the reader's language where the code has a text of its own, and else in the platform's words. */
export function describeError(error: unknown, texts: Texts): string {
  if (!(error instanceof PlatformError)) return texts.errors.unexpected;
  return describeCode(error.code, error.message, texts);
}

/** Codes that a visitor is told the same of. */
const sameAs: Readonly<Record<string, keyof Texts['errors']>> = {
  upstream_invalid: 'upstream_cut',
  service_unavailable: 'node_unavailable',
  agent_suspended: 'tenant_stopped',
  payload_too_large: 'context_length_exceeded',
  internal_error: 'unexpected',
};

export function describeCode(code: string, message: string, texts: Texts): string {
  const known = sameAs[code] ?? code;
  return Object.hasOwn(texts.errors, known) ? texts.errors[known as keyof Texts['errors']] : message;
}

export function isGone(error: unknown): boolean {
  return error instanceof PlatformError && error.status === 404;
}

export function ignoreGone(error: unknown): void {
  if (!isGone(error)) throw error;
}
