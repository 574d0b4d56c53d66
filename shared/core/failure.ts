/**
 * The closed registry of error codes: status, OpenAI `type`, whether a client should retry, and the public text.
 * Everything that goes wrong on purpose is one of these; anything else is a bug and becomes `internal_error`.
 * Shapes follow the OpenAI error object; retry semantics follow the official SDKs (`x-should-retry`).
 */
import type { RateStates } from './rate-window.ts';

const InvalidRequest = 'invalid_request_error';
const ServerError = 'server_error';

type FailureKind = {
  /** HTTP status. */
  readonly status: number;
  /** The `type` member of OpenAI's error object. */
  readonly type: string;
  /** Sent as `x-should-retry`. */
  readonly retryable: boolean;
  /** Public text when the caller gives none. */
  readonly message: string;
};

export const failureKinds = {
  invalid_request: { status: 400, type: InvalidRequest, retryable: false, message: 'The request is not valid.' },
  invalid_json: { status: 400, type: InvalidRequest, retryable: false, message: 'The body is not valid JSON.' },
  invalid_host: { status: 400, type: InvalidRequest, retryable: false, message: 'The Host header is not valid.' },
  unsupported_parameter: {
    status: 400,
    type: InvalidRequest,
    retryable: false,
    message: 'The model cannot honour a parameter of the request.',
  },
  context_length_exceeded: {
    status: 400,
    type: InvalidRequest,
    retryable: false,
    message: "The input does not fit into the model's context window.",
  },
  invalid_api_key: {
    status: 401,
    type: 'authentication_error',
    retryable: false,
    message: 'The credential is missing or not valid for this host. Send "Authorization: Bearer <key>".',
  },
  permission_denied: {
    status: 403,
    type: 'permission_error',
    retryable: false,
    message: 'This credential lacks the permission that the request needs.',
  },
  agent_suspended: {
    status: 403,
    type: 'permission_error',
    retryable: false,
    message: 'This agent is suspended: it starts no runs until it is resumed.',
  },
  tenant_stopped: {
    status: 403,
    type: 'permission_error',
    retryable: false,
    message: 'This tenant has stopped all its runs. POST /v1/tenant/resume lets them begin again.',
  },
  tenant_suspended: {
    status: 403,
    type: 'permission_error',
    retryable: false,
    message: 'This tenant is suspended. Its operator can reactivate it.',
  },
  plan_limit_reached: {
    status: 403,
    type: 'permission_error',
    retryable: false,
    message: "The tenant's plan allows no more of these.",
  },
  not_found: { status: 404, type: InvalidRequest, retryable: false, message: 'There is no such resource.' },
  unknown_host: { status: 404, type: InvalidRequest, retryable: false, message: 'No tenant answers at this host.' },
  model_not_found: {
    status: 404,
    type: InvalidRequest,
    retryable: false,
    message: 'The model does not exist, or this credential may not use it. GET /v1/models lists the ones it may.',
  },
  method_not_allowed: {
    status: 405,
    type: InvalidRequest,
    retryable: false,
    message: 'The method is not allowed here.',
  },
  conflict: {
    status: 409,
    type: InvalidRequest,
    retryable: false,
    message: 'The request conflicts with the present state of the resource.',
  },
  idempotency_in_progress: {
    status: 409,
    type: InvalidRequest,
    retryable: true,
    message: 'A request with this Idempotency-Key is still running. Try again shortly.',
  },
  payload_too_large: { status: 413, type: InvalidRequest, retryable: false, message: 'The body is too large.' },
  unsupported_media_type: {
    status: 415,
    type: InvalidRequest,
    retryable: false,
    message: 'Send the body as application/json.',
  },
  idempotency_mismatch: {
    status: 422,
    type: InvalidRequest,
    retryable: false,
    message: 'This Idempotency-Key was used with a different request.',
  },
  rate_limit_exceeded: {
    status: 429,
    type: 'rate_limit_error',
    retryable: true,
    message: 'Too many requests. Wait as long as retry-after-ms says.',
  },
  insufficient_quota: {
    status: 429,
    type: 'insufficient_quota',
    retryable: false,
    message: 'A budget that applies to this request is used up.',
  },
  headers_too_large: { status: 431, type: InvalidRequest, retryable: false, message: 'The headers are too large.' },
  internal_error: {
    status: 500,
    type: ServerError,
    retryable: true,
    message: 'The platform failed to handle this request. The request id helps its operator to find out why.',
  },
  memory_refused: {
    status: 422,
    type: InvalidRequest,
    retryable: false,
    message: 'The text is not worth remembering, or is known already.',
  },
  upstream_invalid: {
    status: 502,
    type: ServerError,
    retryable: true,
    message: 'The inference node answered with something that is not a valid answer.',
  },
  upstream_cut: {
    status: 502,
    type: ServerError,
    retryable: true,
    message: 'The inference node stopped in the middle of its answer.',
  },
  node_unavailable: {
    status: 503,
    type: ServerError,
    retryable: true,
    message: 'No inference node can serve this model at the moment.',
  },
  service_unavailable: {
    status: 503,
    type: ServerError,
    retryable: true,
    message: 'A part of the platform is unavailable at the moment. Try again shortly.',
  },
} as const satisfies Record<string, FailureKind>;

export type FailureCode = keyof typeof failureKinds;

export type FailureDetails = {
  /** The request field at fault, as a dotted path: `messages.0.role`. */
  readonly param?: string;
  readonly retryAfterMs?: number;
  /** For the rate headers of a refusal. */
  readonly rate?: RateStates;
  /** The model on which the run might still fit the budget that refused it. Never sent to a client. */
  readonly degradeTo?: string;
  /** The request may or may not have reached who was to serve it. Never sent to a client. */
  readonly unreached?: true;
  /** The request was not begun by who was to serve it, and never will be. Never sent to a client. */
  readonly notBegun?: true;
  /** For the log only; never sent to a client. */
  readonly reason?: string;
};

export type Failure = { readonly code: FailureCode; readonly message: string } & FailureDetails;

export function fail(code: FailureCode, message?: string, details: FailureDetails = {}): Failure {
  return { code, message: message ?? failureKinds[code].message, ...details };
}

/** OpenAI's error object: all four members present, `param` and `code` nullable. */
export type ErrorObject = {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
};

export function toErrorObject(failure: Failure): ErrorObject {
  return {
    message: failure.message,
    type: failureKinds[failure.code].type,
    param: failure.param ?? null,
    code: failure.code,
  };
}

/** A Failure thrown where a value cannot be returned (inside a stream, across a library's callback). */
export class FailureError extends Error {
  override readonly name = 'FailureError';
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}
