/**
 * A Failure on its way to the caller: an error body with its status while nothing has been sent, an error event without
 * `[DONE]` once a stream has begun, so that no client takes the half answer for a whole one.
 */
import { NotBegunHeader } from '../shared/contracts/inference.ts';
import { fail, failureKinds, toErrorObject, type Failure } from '../shared/core/failure.ts';
import type { AnswerSink, Headers } from './answer-sink.ts';

export function streamHeaders(requestId: string): Headers {
  return {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    'x-request-id': requestId,
  };
}

/** A job that this bridge has not begun and never will: whoever sent it may send it elsewhere. */
export function handBack(sink: AnswerSink): void {
  sendFailure(sink, fail('service_unavailable', 'The bridge is shutting down.'), undefined, { [NotBegunHeader]: '1' });
}

export function sendFailure(sink: AnswerSink, failure: Failure, requestId?: string, headers: Headers = {}): void {
  const body = JSON.stringify({ error: toErrorObject(failure) });
  if (sink.started) {
    void sink.write(`data: ${body}\n\n`);
    sink.end();
    return;
  }
  const { status, retryable } = failureKinds[failure.code];
  sink.sendJson(status, body, {
    ...headers,
    'x-should-retry': String(retryable),
    ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
    ...(failure.retryAfterMs === undefined ? {} : { 'retry-after-ms': String(failure.retryAfterMs) }),
  });
}
