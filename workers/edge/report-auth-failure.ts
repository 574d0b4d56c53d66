/**
 * Tells the tenant's audit trail of credentials that were refused here, before its object was asked. The first is told at
 * once, what follows within a second as one, so that a flood of nonsense is one call a second and isolate.
 */
import type { Failure } from '../../shared/core/failure.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import { bearerToken } from './authenticate.ts';
import { door, type TenantDoor } from './doors.ts';
import type { RequestContext } from './request-context.ts';

const GatherMs = 1_000;
const nobody: AuditActor = { kind: 'anonymous', id: 'anonymous' };

/** How many more were refused since the one that was told. Counts only: requests may share it. */
const gathered = new Map<TenantId, number>();

export function reportAuthFailure(context: RequestContext, tenantId: TenantId, failure: Failure): void {
  // A request without a credential is refused, but has not tried any.
  if (failure.code !== 'invalid_api_key' || bearerToken(context.request) === undefined) return;
  const since = gathered.get(tenantId);
  gathered.set(tenantId, since === undefined ? 0 : since + 1);
  if (since === undefined) {
    const reason = failure.reason ?? 'malformed or forged credential';
    context.waitUntil(tell(door(context.objects.tenant(tenantId)), tenantId, reason));
  }
}

async function tell(tenant: TenantDoor, tenantId: TenantId, reason: string): Promise<void> {
  await tenant.enterAuthFailure(nobody, reason, 1);
  await scheduler.wait(GatherMs);
  const more = gathered.get(tenantId) ?? 0;
  gathered.delete(tenantId);
  if (more > 0) await tenant.enterAuthFailure(nobody, reason, more);
}
