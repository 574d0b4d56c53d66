/**
 * The one admission pipeline of every tenant route: tenant, credential, input, plan, admission, then the handler.
 * Nobody learns what is wrong with a request, or what exists, before the credential has been accepted.
 */
import { createHash } from 'node:crypto';
import { mintApiKey } from '../../shared/core/api-key.ts';
import { mintId, systemRandom, type Random, type TenantId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { AdmissionRequest, Grant, Need } from '../../shared/contracts/admission.ts';
import { Egress } from '../../shared/egress/egress.ts';
import type { CreateExport } from '../../shared/contracts/exports.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { parseCustomHostname } from '../../shared/tenancy/custom-hostname.ts';
import { tenantScope } from '../../shared/tenancy/tenant-scope.ts';
import { watchStanding } from '../../shared/tenancy/watch-standing.ts';
import type { AnyInput, TenantRoute } from '../http/define-route.ts';
import { parseInput } from '../http/parse-input.ts';
import { readJsonReply, type Reply } from '../http/reply.ts';
import { reached } from '../../durable-objects/stubs.ts';
import { authenticate } from './authenticate.ts';
import { countReply, countStreamEnd } from './count-request.ts';
import { catalog } from './edge-catalog.ts';
import { door } from './doors.ts';
import { meterEgress } from './egress-meter.ts';
import { guardReply } from './guard-stream.ts';
import { readIdempotency, type Idempotency } from './idempotency.ts';
import { GrantLeases, LeaseMs, type HeldLease } from './grant-leases.ts';
import { GuessThrottle } from './guess-throttle.ts';
import { checkIssuer } from './issuers/discover.ts';
import { platformKey, ticketSeal } from './platform-key.ts';
import { reportAuthFailure } from './report-auth-failure.ts';
import type { RequestContext } from './request-context.ts';
import { tenantUrl } from './tenant-url.ts';
import { traceRequest } from './trace-request.ts';
import type { AdmissionPlan, TenantCall, TenantRequest } from './tenant-call.ts';

const leases = new GrantLeases(systemClock);
const guesses = new GuessThrottle();

export async function handleTenantRoute(
  context: RequestContext,
  tenantId: TenantId,
  route: TenantRoute,
  pathParams: Readonly<Record<string, string>>,
): Promise<Result<Reply>> {
  const reply = await answerTenantRoute(context, tenantId, route, pathParams);
  countReply(context, tenantId, route, reply);
  if (!context.streams) traceRequest(context, route, reply.ok ? undefined : reply.failure);
  if (reply.ok || reply.failure.code !== 'invalid_api_key') return reply;
  const source = context.request.headers.get('cf-connecting-ip');
  const retryAfterMs = source === null ? undefined : guesses.note(tenantId, source, context.clock.now());
  if (retryAfterMs === undefined) return reply;
  return err('rate_limit_exceeded', 'Too many credentials were refused. Wait as long as retry-after-ms says.', {
    retryAfterMs,
    ...(reply.failure.reason === undefined ? {} : { reason: reply.failure.reason }),
  });
}

async function answerTenantRoute(
  context: RequestContext,
  tenantId: TenantId,
  route: TenantRoute,
  pathParams: Readonly<Record<string, string>>,
): Promise<Result<Reply>> {
  context.event['tenant'] = tenantId;
  const credential = await authenticate(context, tenantId);
  if (!credential.ok) {
    reportAuthFailure(context, tenantId, credential.failure);
    return credential;
  }
  const base: AdmissionRequest = {
    credential: credential.value,
    permission: route.permission,
    agentRef: pathParams['agent'] ?? null,
    // What a plan works out may name the agent; until then the credential and its permission are judged alone.
    reach: route.plan ? 'own' : route.reach,
  };
  const input = await parseInput(context, route, pathParams);
  const idempotency =
    input.ok && route.idempotent ? readIdempotency(context, route.operation, input.value) : ok(undefined);
  if (!input.ok || !idempotency.ok) {
    const refused = await admit(context, tenantId, base);
    return refused.ok ? (input.ok ? (idempotency as Result<never>) : input) : refused;
  }
  const run = { context, tenantId, route, base, input: input.value };
  return idempotency.value ? runOnce(run, idempotency.value) : runNow(run, context.startedAt, systemRandom);
}

type Run = {
  readonly context: RequestContext;
  readonly tenantId: TenantId;
  readonly route: TenantRoute;
  readonly base: AdmissionRequest;
  readonly input: AnyInput;
};

/** With an Idempotency-Key: admitted first, then executed, replayed or refused. */
async function runOnce(run: Run, idempotency: Idempotency): Promise<Result<Reply>> {
  const admitted = await admit(run.context, run.tenantId, run.base);
  if (!admitted.ok) return admitted;
  const tenant = door(run.context.objects.tenant(run.tenantId));
  const begun = await tenant.beginIdempotent(idempotency.scope, idempotency.fingerprint);
  if (!begun.ok) return begun;
  if (begun.value.kind === 'replay') {
    run.context.event['idempotent_replay'] = true;
    return ok({
      kind: 'json',
      status: begun.value.status,
      body: JSON.parse(idempotency.open(begun.value.body)) as unknown,
    });
  }
  const answered = await runNow(run, begun.value.startedAt, idempotency.random);
  const reply = answered.ok ? await readJsonReply(answered.value) : answered;
  const keeps = run.route.idempotent !== 'by ids';
  const sealed =
    keeps && reply.ok && reply.value.kind === 'json' ? idempotency.seal(JSON.stringify(reply.value.body)) : undefined;
  if (reply.ok && reply.value.kind === 'json' && sealed !== undefined) {
    const stored = await tenant.completeIdempotent(idempotency.scope, reply.value.status, sealed);
    if (!stored.ok) return stored;
  } else {
    await tenant.abandonIdempotent(idempotency.scope);
  }
  return reply;
}

async function runNow(run: Run, startedAt: number, random: Random): Promise<Result<Reply>> {
  const { context, tenantId, route, base, input } = run;
  const { objects, clock } = context;
  const request: TenantRequest = {
    clock,
    requestId: context.requestId,
    startedAt,
    random,
    mint: (kind) => mintId(kind, startedAt, random),
    catalog: () => catalog.view(objects.catalogSource(), tenantId),
    route: (wanted) => catalog.route(objects.catalogSource(), tenantId, wanted),
    routeAnew: (wanted) => catalog.routeAnew(objects.catalogSource(), tenantId, wanted),
  };
  const planned = route.plan ? await route.plan(request, input) : ok<AdmissionPlan>({ planned: undefined });
  if (!planned.ok) {
    const refused = await admit(context, tenantId, base);
    return refused.ok ? planned : refused;
  }
  const admitted = await admitPlan(run, planned.value);
  if (!admitted.ok) return admitted;
  const { grant, plan } = admitted.value;
  const principal = { ...grant.principal, traceparent: context.traceparent };
  const call: TenantCall = {
    ...request,
    scope: tenantScope(tenantId),
    tenantId,
    principal,
    actor: { kind: principal.kind, id: principal.id, traceparent: context.traceparent },
    agent: grant.agent,
    planned: plan,
    lease: grant.lease?.id ?? null,
    traceparent: context.traceparent,
    header: (name) => context.request.headers.get(name) ?? undefined,
    eventSocket: (filter, lastEventId) =>
      reached(objects.eventSocket(tenantId, { reader: grant.principal, filter, lastEventId })),
    conversationSocket: (conversation, after) =>
      reached(objects.conversationSocket(tenantId, conversation, { reader: grant.principal, after })),
    signal: context.request.signal,
    get tenant() {
      return door(objects.tenant(tenantId));
    },
    agentObject: (agent) => door(objects.agent(tenantId, agent)),
    conversation: (conversation) => door(objects.conversation(tenantId, conversation)),
    webhookEndpoint: (webhook) => door(objects.webhookEndpoint(tenantId, webhook)),
    memories: () => objects.memories(),
    vectorIndex: (space) => objects.vectorIndex(tenantId, space),
    bridgeFetch: (bridge) => objects.bridgeFetch(bridge),
    parseCustomHostname: (text) => parseCustomHostname(text, context.platform.PLATFORM_DOMAIN),
    exportTenant: (options) => exportOwnTenant(context, tenantId, grant.principal, options),
    tenantUrl: (slug) => tenantUrl(context, slug),
    platformKey: () => platformKey(context.platform),
    ticketSeal: () => ticketSeal(context.platform),
    nodeWays: () =>
      objects.nodeWays(tenantId, {
        clock,
        catalog: request.catalog,
        route: request.route,
        routeAnew: request.routeAnew,
        platformKey: () => platformKey(context.platform),
        ticketSeal: () => ticketSeal(context.platform),
      }),
    checkIssuer: (wanted) => checkIssuer(wanted, Egress.of(context.platform)),
    mintSecret: (keyId) => {
      const secret = mintApiKey(keyId, random);
      return { secret, hash: createHash('sha256').update(secret).digest('hex') };
    },
  };
  const reply = await route.handle(call, input);
  const watch = { tenant: tenantId, principal, ask: () => call.tenant.stands(principal), now: () => clock.now() };
  if (!reply.ok) return reply;
  const guarded = guardReply(
    reply.value,
    (onFall) => watchStanding(watch, onFall),
    (bytes) => meterEgress(context, bytes),
    (why) => {
      countStreamEnd(context, tenantId, route, why);
      traceRequest(context, route, why);
    },
  );
  if (guarded !== reply.value) context.streams = true;
  return ok(guarded);
}

async function exportOwnTenant(
  { objects }: RequestContext,
  tenantId: TenantId,
  principal: Principal,
  options: CreateExport,
): ReturnType<TenantCall['exportTenant']> {
  const record = await objects.directory().find(tenantId);
  if (!record.ok) return record;
  const lines = await objects.exportTenant(record.value, principal, options);
  return lines.ok ? ok({ lines: lines.value, slug: record.value.slug }) : lines;
}

/** Where a budget does not bear the run, it is tried once more as it would be on the budget's cheaper model. */
async function admitPlan(
  { context, tenantId, route, base }: Run,
  { planned: plan, need, degraded, model, ...needs }: AdmissionPlan,
): Promise<Result<{ grant: Grant; plan: unknown }>> {
  const wanted = { ...base, reach: route.reach, ...needs };
  if (model !== undefined) context.event['model'] = model;
  if (need === undefined) {
    const granted = await admit(context, tenantId, wanted);
    return granted.ok ? ok({ grant: granted.value, plan }) : granted;
  }
  const granted = await admitRun(context, tenantId, wanted, need);
  if (granted.ok) return ok({ grant: granted.value, plan });
  const { degradeTo } = granted.failure;
  if (degradeTo === undefined || !degraded) return granted;
  const cheaper = await degraded(degradeTo);
  if (!cheaper.ok || cheaper.value.need === undefined) return granted;
  const instead = await admitRun(context, tenantId, wanted, cheaper.value.need);
  if (!instead.ok) return granted;
  if (cheaper.value.model !== undefined) context.event['model'] = cheaper.value.model;
  return ok({ grant: instead.value, plan: cheaper.value.planned });
}

async function admit(context: RequestContext, tenantId: TenantId, request: AdmissionRequest): Promise<Result<Grant>> {
  const granted = await door(context.objects.tenant(tenantId)).admit(request, context.traceparent);
  if (granted.ok) noteGrant(context, granted.value);
  else if (granted.failure.rate) context.rate = granted.failure.rate;
  return granted;
}

/** Admits a run out of what this isolate holds for its caller; otherwise asks for more, and gives back what was left. */
async function admitRun(
  context: RequestContext,
  tenantId: TenantId,
  request: AdmissionRequest,
  need: Need,
): Promise<Result<Grant>> {
  const drawn = leases.draw(tenantId, request, need);
  if (drawn.kind === 'drawn') {
    noteGrant(context, drawn.held.grant, drawn.held);
    return ok(drawn.held.grant);
  }
  const askedAt = context.clock.now();
  const returning = drawn.left ? { returning: drawn.left } : {};
  const granted = await admit(context, tenantId, { ...request, spend: { need, ...returning } });
  if (!granted.ok) return granted;
  const kept = leases.keep(tenantId, request, granted.value, need, askedAt);
  noteGrant(context, granted.value, kept);
  if (granted.value.lease || granted.value.rate) context.waitUntil(returnLater(context, tenantId, kept));
  return granted;
}

/** The lease is over soon: what it has left then goes back, so that it binds no budget longer than it serves. */
async function returnLater(context: RequestContext, tenantId: TenantId, kept: HeldLease): Promise<void> {
  await scheduler.wait(LeaseMs);
  const left = leases.giveUp(kept);
  if (left) await door(context.objects.tenant(tenantId)).returnLeftover(left);
}

/** `held`: what this isolate may still give out of the grant; it remains as well. */
function noteGrant(context: RequestContext, { principal, agent, rate }: Grant, held?: HeldLease): void {
  context.event['principal'] = principal.id;
  context.event['agent'] = agent?.id ?? null;
  if (!rate) return;
  const { requests, tokens } = rate.states;
  context.rate = {
    ...(requests ? { requests: { ...requests, remaining: requests.remaining + (held?.leftRequests ?? 0) } } : {}),
    ...(tokens ? { tokens: { ...tokens, remaining: tokens.remaining + (held?.leftTokens ?? 0) } } : {}),
  };
}
