/**
 * The edge on one screen: caps and host first, then the route table. A route's access decides its pipeline; there is no
 * other way to a handler. Whatever goes wrong ends as a problem response with the request's id, and in the log.
 */
import { Hono, type Context, type Next } from 'hono';
import { systemClock } from '../shared/core/clock.ts';
import { fail } from '../shared/core/failure.ts';
import { describeError, jsonLogger } from '../shared/core/log.ts';
import { ok, type Result } from '../shared/core/result.ts';
import { parseHost } from '../shared/tenancy/hostname.ts';
import { handleTenantRoute } from './edge/admit.ts';
import {
  foreignOrigin,
  isPreflight,
  preflightResponse,
  requireAllowedOrigin,
  setCrossOriginHeaders,
} from './edge/cross-origin.ts';
import { meterEgress } from './edge/egress-meter.ts';
import { handleOperatorRoute } from './edge/handle-operator-route.ts';
import { findHeaderExcess } from './edge/header-limits.ts';
import { logRequest, makeContext, type RequestContext } from './edge/request-context.ts';
import { requireTenant } from './edge/require-tenant.ts';
import { requirePlatform } from './env.ts';
import type { Route } from './http/define-route.ts';
import { KeptRouter } from './http/kept-router.ts';
import { parseInput } from './http/parse-input.ts';
import { setRateHeaders } from './http/rate-headers.ts';
import { problemResponse } from './http/problem-response.ts';
import { raw, type Reply } from './http/reply.ts';
import { routes } from './routes/index.ts';

type Env = { Bindings: object; Variables: { context: RequestContext } };

const encoder = new TextEncoder();
const logger = jsonLogger(() => systemClock.now());

const app = new Hono<Env>({ router: new KeptRouter() });

app.use(async (hono, next) => {
  const platform = requirePlatform(hono.env);
  const request = hono.req.raw;
  const host = parseHost(request.headers.get('host'), platform.PLATFORM_DOMAIN);
  const context = makeContext(request, platform, host, systemClock, (work) => hono.executionCtx.waitUntil(work));
  hono.set('context', context);
  const refusal = findHeaderExcess(request.headers) ?? (host.kind === 'malformed' ? fail('invalid_host') : undefined);
  if (refusal) hono.res = problemResponse(context, refusal, 'openai');
  else await answerAcrossOrigins(hono, context, next);
  if (context.rate) setRateHeaders(hono.res.headers, context.rate);
  logRequest(context, hono.req.path, hono.res.status);
});

for (const route of routes) {
  app.on(route.method, honoPath(route), async (hono, next) => {
    const context = hono.get('context');
    if (!isServedAt(route, context)) return next();
    context.event['operation'] = route.operation;
    const reply = await dispatch(route, context, hono.req.param());
    return reply.ok ? toResponse(context, reply.value) : problemResponse(context, reply.failure, route.surface);
  });
}

/** As some type it; no operation of the API. */
app.get('/console/', (hono) => {
  const moved = new Response(null, { status: 308, headers: { location: '/console' } });
  return toResponse(hono.get('context'), raw(moved));
});

const methodsByPath = Map.groupBy(routes, (route) => honoPath(route));
for (const [path, served] of methodsByPath) {
  app.all(path, (hono, next) => {
    const context = hono.get('context');
    const here = served.filter((route) => isServedAt(route, context));
    if (here.length === 0) return next();
    const refusal = problemResponse(context, fail('method_not_allowed'), here[0]!.surface);
    refusal.headers.set('allow', here.map((route) => route.method).join(', '));
    return Promise.resolve(refusal);
  });
}

app.notFound(async (hono) => {
  const context = hono.get('context');
  const tenant = context.host.kind === 'apex' ? ok() : await requireTenant(context);
  const failure = tenant.ok ? fail('not_found', 'There is nothing at this path.') : tenant.failure;
  return problemResponse(context, failure, 'openai');
});

app.onError((error, hono) => {
  const context = hono.get('context') as RequestContext | undefined;
  logger.error('bug', { request_id: context?.requestId, reason: describeError(error), stack: error.stack });
  if (context) return problemResponse(context, fail('internal_error'), 'openai');
  return new Response(
    JSON.stringify({
      error: {
        message: 'The deployment is not configured.',
        type: 'server_error',
        param: null,
        code: 'internal_error',
      },
    }),
    {
      status: 500,
      headers: { 'content-type': 'application/json' },
    },
  );
});

/** A page of another site: with the tenant's leave the browser may hand it the answer. */
async function answerAcrossOrigins(hono: Context<Env>, context: RequestContext, next: Next): Promise<void> {
  const origin = context.host.kind === 'apex' ? undefined : foreignOrigin(context);
  if (origin === undefined) return next();
  const tenant = await requireTenant(context);
  const allowed = tenant.ok ? await requireAllowedOrigin(context, tenant.value) : tenant;
  if (isPreflight(context)) {
    hono.res = allowed.ok
      ? preflightResponse(context.request, origin)
      : problemResponse(context, allowed.failure, 'openai');
    return;
  }
  await next();
  if (allowed.ok) setCrossOriginHeaders(hono.res.headers, origin);
}

async function dispatch(
  route: Route,
  context: RequestContext,
  pathParams: Readonly<Record<string, string>>,
): Promise<Result<Reply>> {
  if (route.access === 'operator') return handleOperatorRoute(context, route, pathParams);
  if (route.access === 'tenant') {
    const tenant = await requireTenant(context);
    return tenant.ok ? handleTenantRoute(context, tenant.value, route, pathParams) : tenant;
  }
  if (context.host.kind !== 'apex') {
    const tenant = await requireTenant(context);
    if (!tenant.ok) return tenant;
    context.event['tenant'] = tenant.value;
  }
  const input = await parseInput(context, route, pathParams);
  return input.ok ? route.handle(context, input.value) : input;
}

function isServedAt(route: Route, { host }: RequestContext): boolean {
  return route.host === 'any' || (route.host === 'apex') === (host.kind === 'apex');
}

function honoPath({ path, greedy }: Route): string {
  return path.replaceAll(/\{(\w+)\}/g, greedy ? ':$1{.+}' : ':$1');
}

function toResponse(context: RequestContext, reply: Reply): Response {
  const answer = reply.kind === 'json' ? encoder.encode(JSON.stringify(reply.body)) : undefined;
  const response =
    reply.kind === 'raw'
      ? reply.response
      : new Response(answer, {
          status: reply.status,
          headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...reply.headers },
        });
  if (reply.bytesCountedBy !== 'bridge')
    meterEgress(context, answer?.byteLength ?? Number(response.headers.get('content-length') ?? 0));
  response.headers.set('x-request-id', context.requestId);
  return response;
}

export { app };
