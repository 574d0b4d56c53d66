/** The span of a request to a tenant's route, for the operator's collector. No prompt, answer or credential is in it. */
import { failureKinds, type Failure } from '../../shared/core/failure.ts';
import { parseTrace } from '../../shared/core/trace.ts';
import { exportSpan, isTracing } from '../../shared/telemetry/platform-otlp.ts';
import type { TenantRoute } from '../http/define-route.ts';
import type { RequestContext } from './request-context.ts';

export function traceRequest(context: RequestContext, route: TenantRoute, failure: Failure | undefined): void {
  if (!isTracing(context.platform)) return;
  const own = parseTrace(context.traceparent);
  if (!own?.isSampled) return;
  const parent = parseTrace(context.request.headers.get('traceparent'));
  const endedAt = context.clock.now();
  const status = failure && !context.streams ? failureKinds[failure.code].status : route.answer.status;
  const http = {
    'http.request.method': route.method,
    'http.route': route.path,
    'http.response.status_code': status,
  };
  const { tenant, agent, model } = context.event;
  exportSpan(
    context.platform,
    {
      traceId: own.traceId,
      spanId: own.spanId,
      ...(parent ? { parentSpanId: parent.spanId } : {}),
      name: `${route.method} ${route.path}`,
      kind: 'server',
      startedAt: context.startedAt,
      endedAt,
      attributes: {
        ...http,
        'freehold.tenant.id': textOf(tenant),
        'freehold.agent.id': textOf(agent),
        'freehold.model': textOf(model),
        'freehold.request.id': context.requestId,
      },
      ...(failure ? { error: failure.code } : {}),
    },
    [
      {
        name: 'http.server.request.duration',
        unit: 's',
        value: Math.max(0, endedAt - context.startedAt) / 1000,
        attributes: { ...http, ...(failure ? { 'error.type': failure.code } : {}) },
      },
    ],
    context.waitUntil,
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
