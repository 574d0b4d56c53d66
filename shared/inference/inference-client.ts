/**
 * Sends a job to a bridge and hands back its answer as it comes. A bridge that cannot be reached is an outage (503);
 * what the bridge itself says is wrong keeps its code. The body of a good answer is never read here. Only a job that was
 * certainly not begun goes to another bridge: anything else could run twice.
 */
import { failureKinds, type Failure, type FailureCode } from '../core/failure.ts';
import { err, ok, type Result } from '../core/result.ts';
import { errorBody } from '../contracts/common.ts';
import { NotBegunHeader, operationPaths, UnreachedHeader, type JobOperation } from '../contracts/inference.ts';
import type { BridgeAddress } from './catalog.ts';
import type { Route } from './resolve-route.ts';
import { lostRunReleaseAt } from './reservation.ts';

/** A bridge that restarts is back within about a second. */
const UnreachedRetryMs = 500;

type RouteBridges = Pick<Route, 'bridge' | 'others' | 'model' | 'node'>;

/** Sends a request to one bridge, whichever way it is reached. */
export type BridgeFetch = (path: string, init: RequestInit) => Promise<Response>;

export type BridgeRequest = {
  readonly fetch: BridgeFetch;
  readonly operation: JobOperation;
  readonly jobToken: string;
  readonly body: BodyInit;
  readonly requestId: string;
  readonly traceparent: string;
  readonly signal?: AbortSignal;
};

/**
 * Asks the route's bridges one after the other, as long as each says that it has not begun the job. `renew` finds the
 * route anew where none has: a bridge that has just come is not in a view that was kept.
 */
export async function callFirstBridge(
  route: RouteBridges,
  call: (bridge: BridgeAddress) => Promise<Result<Response>>,
  renew?: () => Promise<Result<RouteBridges>>,
): Promise<Result<Response>> {
  const known = [route.bridge, ...route.others] as const;
  const answer = await callEach(known, call);
  if (answer.ok || !answer.failure.notBegun || !renew) return answer;
  const renewed = await renew();
  if (!renewed.ok || renewed.value.model.id !== route.model.id || renewed.value.node !== route.node) return answer;
  const all = [renewed.value.bridge, ...renewed.value.others];
  const [first, ...rest] = all.filter(({ id }) => known.every((asked) => asked.id !== id));
  return first ? callEach([first, ...rest], call) : answer;
}

async function callEach(
  [first, ...rest]: readonly [BridgeAddress, ...BridgeAddress[]],
  call: (bridge: BridgeAddress) => Promise<Result<Response>>,
): Promise<Result<Response>> {
  let answer = await call(first);
  for (const next of rest) {
    if (answer.ok || !answer.failure.notBegun) break;
    answer = await call(next);
  }
  return answer;
}

/** When what was held for a run is free again although no receipt will come; undefined where one will. */
export function lostRunOf(failure: Failure, now: number, timeoutMs: number): number | undefined {
  if (failure.notBegun) return now;
  return failure.unreached ? lostRunReleaseAt(now, timeoutMs) : undefined;
}

export async function callBridge(request: BridgeRequest): Promise<Result<Response>> {
  let answer: Response;
  try {
    answer = await request.fetch(operationPaths[request.operation], {
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
    return unreached(String(error));
  }
  if (answer.headers.has(UnreachedHeader)) return unreached('the tunnel broke before the answer');
  return answer.ok ? ok(answer) : readFailure(answer);
}

function unreached(reason: string): Result<Response> {
  return err('node_unavailable', 'The inference bridge cannot be reached at the moment.', {
    reason,
    unreached: true,
    retryAfterMs: UnreachedRetryMs,
  });
}

async function readFailure(answer: Response): Promise<Result<Response>> {
  const parsed = errorBody.safeParse(await answer.json().catch(() => undefined));
  if (!parsed.success) return err('upstream_invalid', undefined, { reason: `bridge answered ${answer.status}` });
  const { code, message, param } = parsed.data.error;
  /** A refused job token is the platform's own fault, never the caller's: it must not look like a 401. */
  if (answer.status === 401 || answer.status === 403 || code === null || !Object.hasOwn(failureKinds, code)) {
    return err('node_unavailable', undefined, { reason: `bridge: ${answer.status} ${message}` });
  }
  const notBegun = answer.headers.has(NotBegunHeader);
  const retryAfterMs = Number(answer.headers.get('retry-after-ms') ?? Number.NaN);
  return err(code as FailureCode, message, {
    ...(param === null ? {} : { param }),
    ...(Number.isFinite(retryAfterMs) ? { retryAfterMs } : {}),
    ...(notBegun ? { notBegun } : {}),
  });
}
