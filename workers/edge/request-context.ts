/**
 * What every request has from its first moment: an id, a trace, the validated host, a clock, the way to the objects,
 * and the one wide log event that it leaves behind.
 */
import { toIso, type Clock } from '../../shared/core/clock.ts';
import type { RateStates } from '../../shared/core/rate-window.ts';
import { mintId } from '../../shared/core/ids.ts';
import { continueTrace } from '../../shared/core/trace.ts';
import type { Host } from '../../shared/tenancy/hostname.ts';
import { Objects, type Platform } from '../../durable-objects/stubs.ts';
import { writeLogLine } from './log-lines.ts';

export type LogEvent = Record<string, string | number | boolean | null>;

export type RequestContext = {
  readonly request: Request;
  readonly requestId: string;
  readonly traceparent: string;
  readonly host: Host;
  readonly platform: Platform;
  readonly objects: Objects;
  readonly clock: Clock;
  readonly startedAt: number;
  /** Members of the request's log event; whoever learns something adds it. */
  readonly event: LogEvent;
  /** Where the caller's use is limited: what the headers of the answer say. */
  rate?: RateStates;
  /** The answer goes on after its beginning: its end is counted then. */
  streams?: true;
  readonly waitUntil: (work: Promise<unknown>) => void;
};

export function makeContext(
  request: Request,
  platform: Platform,
  host: Host,
  clock: Clock,
  waitUntil: (work: Promise<unknown>) => void,
): RequestContext {
  const startedAt = clock.now();
  const traceparent = continueTrace(request.headers.get('traceparent'));
  return {
    request,
    requestId: mintId('request', startedAt),
    traceparent,
    host,
    platform,
    objects: new Objects(platform),
    clock,
    startedAt,
    event: {},
    waitUntil,
  };
}

export function logRequest(context: RequestContext, path: string, status: number): void {
  const line = JSON.stringify({
    time: toIso(context.startedAt),
    level: 'info',
    event: 'request',
    request_id: context.requestId,
    trace_id: context.traceparent.slice(3, 35),
    method: context.request.method,
    path,
    status,
    duration_ms: context.clock.now() - context.startedAt,
    ...context.event,
  });
  writeLogLine(line, context.waitUntil);
}
