/** Enters every answer of a tenant's route into the telemetry of its tenant, at most one hop a second and tenant. */
import type { Failure } from '../../shared/core/failure.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { Result } from '../../shared/core/result.ts';
import type { SeriesKey } from '../../shared/telemetry/tally.ts';
import type { TenantRoute } from '../http/define-route.ts';
import type { Reply } from '../http/reply.ts';
import { door } from './doors.ts';
import type { RequestContext } from './request-context.ts';
import { GatherMs, RequestTallies } from './request-tallies.ts';

const tallies = new RequestTallies();

export function countReply(context: RequestContext, tenant: TenantId, route: TenantRoute, reply: Result<Reply>): void {
  const now = context.clock.now();
  const elapsedMs = now - context.startedAt;
  const request = {
    ...seriesOf(context, route),
    code: reply.ok ? undefined : reply.failure.code,
    firstByteMs: elapsedMs,
    durationMs: context.streams ? undefined : elapsedMs,
    caller: textOf(context, 'principal') || undefined,
  };
  if (tallies.countRequest(tenant, request, now)) context.waitUntil(tellLater(context, tenant));
}

/** A stream has come to its end; `why` where it was cut off. */
export function countStreamEnd(
  context: RequestContext,
  tenant: TenantId,
  route: TenantRoute,
  why: Failure | undefined,
): void {
  const now = context.clock.now();
  const isDue = tallies.countEnd(tenant, seriesOf(context, route), now - context.startedAt, why?.code, now);
  if (isDue) context.waitUntil(tellLater(context, tenant));
}

/** Not told is lost: nothing is billed by it, and a tenant's object that is down has enough to do. */
async function tellLater(context: RequestContext, tenant: TenantId): Promise<void> {
  await scheduler.wait(GatherMs);
  const batch = tallies.take(tenant);
  if (batch) await door(context.objects.tenant(tenant)).telemetry.record(batch);
}

function seriesOf(context: RequestContext, { permission, method }: TenantRoute): SeriesKey {
  if (permission !== 'inference:invoke' || method !== 'POST') return { kind: 'api', agent: '', model: '' };
  return { kind: 'inference', agent: textOf(context, 'agent'), model: textOf(context, 'model') };
}

function textOf({ event }: RequestContext, member: string): string {
  const value = event[member];
  return typeof value === 'string' ? value : '';
}
