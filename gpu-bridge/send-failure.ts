/**
 * A Failure on its way to the caller: an error body with its status while nothing has been sent, an error event without
 * `[DONE]` once a stream has begun, so that no client takes the half answer for a whole one.
 */
import { failureKinds, toErrorObject, type Failure } from '../shared/core/failure.ts';
import type { AnswerSink, Headers } from './answer-sink.ts';

export function streamHeaders(requestId: string): Headers {
  return {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    'x-request-id': requestId,
  };
}

export function sendFailure(sink: AnswerSink, failure: Failure, requestId?: string): void {
  const body = JSON.stringify({ error: toErrorObject(failure) });
  if (sink.started) {
    void sink.write(`data: ${body}\n\n`);
    sink.end();
    return;
  }
  const { status, retryable } = failureKinds[failure.code];
  sink.sendJson(status, body, {
    'x-should-retry': String(retryable),
    ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
    ...(failure.retryAfterMs === undefined ? {} : { 'retry-after-ms': String(failure.retryAfterMs) }),
  });
}
