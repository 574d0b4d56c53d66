/**
 * Sends a job to a bridge and hands back its answer as it comes. A bridge that cannot be reached is an outage (503);
 * what the bridge itself says is wrong keeps its code. The body of a good answer is never read here.
 */
import { failureKinds, type FailureCode } from '../core/failure.ts';
import { err, ok, type Result } from '../core/result.ts';
import { errorBody } from '../contracts/common.ts';

/** A bridge that restarts is back within about a second. */
const UnreachedRetryMs = 500;

export type BridgeRequest = {
  readonly bridgeUrl: string;
  readonly path: '/v1/chat/completions' | '/v1/embeddings';
  readonly jobToken: string;
  readonly body: BodyInit;
  readonly requestId: string;
  readonly traceparent: string;
  readonly signal?: AbortSignal;
};

export async function callBridge(request: BridgeRequest): Promise<Result<Response>> {
  let answer: Response;
  try {
    answer = await fetch(request.bridgeUrl + request.path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${request.jobToken}`,
        'content-type': 'application/json',
        'x-request-id': request.requestId,
        traceparent: request.traceparent,
      },
      body: request.body,
      redirect: 'manual',
      ...(request.signal ? { signal: request.signal } : {}),
    });
  } catch (error) {
    return err('node_unavailable', 'The inference bridge cannot be reached at the moment.', {
      reason: String(error),
      unreached: true,
      retryAfterMs: UnreachedRetryMs,
    });
  }
  return answer.ok ? ok(answer) : readFailure(answer);
}

async function readFailure(answer: Response): Promise<Result<Response>> {
  const parsed = errorBody.safeParse(await answer.json().catch(() => undefined));
  if (!parsed.success) return err('upstream_invalid', undefined, { reason: `bridge answered ${answer.status}` });
  const { code, message, param } = parsed.data.error;
  /** A refused job token is the platform's own fault, never the caller's: it must not look like a 401. */
  if (answer.status === 401 || answer.status === 403 || code === null || !Object.hasOwn(failureKinds, code)) {
    return err('node_unavailable', undefined, { reason: `bridge: ${answer.status} ${message}` });
  }
  const retryAfterMs = Number(answer.headers.get('retry-after-ms') ?? Number.NaN);
  return err(code as FailureCode, message, {
    ...(param === null ? {} : { param }),
    ...(Number.isFinite(retryAfterMs) ? { retryAfterMs } : {}),
  });
}
