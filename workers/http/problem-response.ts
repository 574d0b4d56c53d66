/**
 * A Failure on the wire: OpenAI's error object, or RFC 9457 where a caller of the native API asks for it.
 * Retry headers follow the official SDKs. The reason stays in the log.
 */
import { failureKinds, toErrorObject, type Failure } from '../../shared/core/failure.ts';
import type { RequestContext } from '../edge/request-context.ts';

export type Surface = 'openai' | 'native';

export function problemResponse(context: RequestContext, failure: Failure, surface: Surface): Response {
  const kind = failureKinds[failure.code];
  context.event['error_code'] = failure.code;
  if (failure.reason !== undefined) context.event['error_reason'] = failure.reason;
  const asProblem =
    surface === 'native' && (context.request.headers.get('accept') ?? '').includes('application/problem+json');
  const body = asProblem
    ? {
        type: 'about:blank',
        title: kind.message,
        status: kind.status,
        detail: failure.message,
        instance: context.requestId,
        code: failure.code,
        param: failure.param ?? null,
      }
    : { error: toErrorObject(failure) };
  return new Response(JSON.stringify(body), {
    status: kind.status,
    headers: {
      'content-type': asProblem ? 'application/problem+json' : 'application/json',
      'x-request-id': context.requestId,
      'x-should-retry': String(kind.retryable),
      ...(failure.retryAfterMs === undefined
        ? {}
        : {
            'retry-after-ms': String(Math.ceil(failure.retryAfterMs)),
            'retry-after': String(Math.ceil(failure.retryAfterMs / 1000)),
          }),
      ...(kind.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
  });
}
