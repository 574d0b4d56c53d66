/**
 * The one admission pipeline of every tenant route: tenant, credential, input, plan, admission, then the handler.
 * Nobody learns what is wrong with a request, or what exists, before the credential has been accepted.
 */
import { createHash } from 'node:crypto';
import { mintApiKey } from '../../shared/core/api-key.ts';
import { mintId, systemRandom, type Random, type TenantId } from '../../shared/core/ids.ts';
import { ok, type Result } from '../../shared/core/result.ts';
import type { AdmissionRequest, Grant } from '../../shared/contracts/admission.ts';
import { Catalog } from '../../shared/inference/catalog.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { tenantScope } from '../../shared/tenancy/tenant-scope.ts';
import type { AnyInput, TenantRoute } from '../http/define-route.ts';
import { parseInput } from '../http/parse-input.ts';
import { readJsonReply, type Reply } from '../http/reply.ts';
import { authenticate } from './authenticate.ts';
import { door } from './doors.ts';
import { readIdempotency, type Idempotency } from './idempotency.ts';
import { GrantLeases, LeaseMs, type HeldLease } from './grant-leases.ts';
import { checkIssuer } from './issuers/discover.ts';
import { fetchDocument } from './issuers/fetch-document.ts';
import { platformKey, ticketSeal } from './platform-key.ts';
import { reportAuthFailure } from './report-auth-failure.ts';
import type { RequestContext } from './request-context.ts';
import type { AdmissionPlan, TenantCall, TenantRequest } from './tenant-call.ts';

const catalog = new Catalog(systemClock);
const leases = new GrantLeases(systemClock);

export async function handleTenantRoute(
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
  const sealed =
    reply.ok && reply.value.kind === 'json' ? idempotency.seal(JSON.stringify(reply.value.body)) : undefined;
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
    catalog: () => catalog.view(objects.catalogSource()),
  };
  const planned = route.plan ? await route.plan(request, input) : ok<AdmissionPlan>({ planned: undefined });
  if (!planned.ok) {
    const refused = await admit(context, tenantId, base);
    return refused.ok ? planned : refused;
  }
  const { planned: plan, needMicros, ...needs } = planned.value;
  const wanted = { ...base, reach: route.reach, ...needs };
  const granted =
    needMicros === undefined
      ? await admit(context, tenantId, wanted)
      : await admitRun(context, tenantId, wanted, needMicros);
  if (!granted.ok) return granted;
  const call: TenantCall = {
    ...request,
    scope: tenantScope(tenantId),
    tenantId,
    principal: granted.value.principal,
    agent: granted.value.agent,
    planned: plan,
    lease: granted.value.lease?.id ?? null,
    traceparent: context.traceparent,
    signal: context.request.signal,
    tenant: door(objects.tenant(tenantId)),
    agentObject: (agent) => door(objects.agent(tenantId, agent)),
    conversation: (conversation) => door(objects.conversation(tenantId, conversation)),
    memories: () => objects.memories(),
    vectorIndex: (space) => objects.vectorIndex(tenantId, space),
    platformKey: () => platformKey(context.platform),
    ticketSeal: () => ticketSeal(context.platform),
    checkIssuer: (wanted) =>
      checkIssuer(wanted, { fetch: fetchDocument, platformDomain: context.platform.PLATFORM_DOMAIN }),
    mintSecret: (keyId) => {
      const secret = mintApiKey(keyId, random);
      return { secret, hash: createHash('sha256').update(secret).digest('hex') };
    },
  };
  return route.handle(call, input);
}

async function admit(context: RequestContext, tenantId: TenantId, request: AdmissionRequest): Promise<Result<Grant>> {
  const granted = await door(context.objects.tenant(tenantId)).admit(request);
  if (granted.ok) noteGrant(context, granted.value, (granted.value.rate?.requests ?? 1) - 1);
  else if (granted.failure.rate) context.rate = granted.failure.rate;
  return granted;
}

/** Admits a run out of what this isolate holds for its caller; otherwise asks for more, and gives back what was left. */
async function admitRun(
  context: RequestContext,
  tenantId: TenantId,
  request: AdmissionRequest,
  needMicros: number,
): Promise<Result<Grant>> {
  const drawn = leases.draw(tenantId, request, needMicros);
  if (drawn.kind === 'drawn') {
    noteGrant(context, drawn.held.grant, drawn.held.leftRequests);
    return ok(drawn.held.grant);
  }
  const returning = drawn.left ? { returning: drawn.left } : {};
  const granted = await admit(context, tenantId, { ...request, spend: { needMicros, ...returning } });
  if (!granted.ok) return granted;
  const kept = leases.keep(tenantId, request, granted.value, needMicros);
  if (granted.value.lease || granted.value.rate) context.waitUntil(returnLater(context, tenantId, kept));
  return granted;
}

/** The lease is over soon: what it has left then goes back, so that it binds no budget longer than it serves. */
async function returnLater(context: RequestContext, tenantId: TenantId, kept: HeldLease): Promise<void> {
  await scheduler.wait(LeaseMs);
  const left = leases.giveUp(kept);
  if (left) await door(context.objects.tenant(tenantId)).returnLeftover(left);
}

function noteGrant(context: RequestContext, { principal, agent, rate }: Grant, held = 0): void {
  context.event['principal'] = principal.id;
  context.event['agent'] = agent?.id ?? null;
  if (rate) context.rate = { ...rate.state, remaining: rate.state.remaining + held };
}
