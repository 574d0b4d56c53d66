/**
 * Tells the audit trail of credentials that were refused here, before its object was asked. The first is told at
 * once, what follows within a second as one, so that a flood of nonsense is one call a second and isolate.
 */
import type { Failure } from '../../shared/core/failure.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import { bearerToken } from './authenticate.ts';
import { door } from './doors.ts';
import type { RequestContext } from './request-context.ts';

const GatherMs = 1_000;
const nobody: AuditActor = { kind: 'anonymous', id: 'anonymous' };

/** How many more were refused since the one that was told, by whose trail it is. Counts only: requests may share it. */
const gathered = new Map<string, number>();

export function reportAuthFailure(context: RequestContext, tenantId: TenantId, failure: Failure): void {
  // A request without a credential is refused, but has not tried any.
  if (failure.code !== 'invalid_api_key' || bearerToken(context.request) === undefined) return;
  const reason = failure.reason ?? 'malformed or forged credential';
  const tenant = door(context.objects.tenant(tenantId));
  gatherRefusals(context, tenantId, (times) => tenant.enterAuthFailure(nobody, reason, times));
}

/** `tell` is called with one at once, and a second later with how many came since. */
export function gatherRefusals(context: RequestContext, of: string, tell: (times: number) => Promise<unknown>): void {
  const since = gathered.get(of);
  gathered.set(of, since === undefined ? 0 : since + 1);
  if (since === undefined) context.waitUntil(tellLater(of, tell));
}

async function tellLater(of: string, tell: (times: number) => Promise<unknown>): Promise<void> {
  await tell(1);
  await scheduler.wait(GatherMs);
  const more = gathered.get(of) ?? 0;
  gathered.delete(of);
  if (more > 0) await tell(more);
}
