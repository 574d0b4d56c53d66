/** Suspends or reactivates: the tenant's object first, since it decides, then the directory, which lists. */
import type { TenantId } from '../../../shared/core/ids.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import { operatorActor, withTrace } from '../../../shared/contracts/audit.ts';
import type { Tenant } from '../../../shared/contracts/tenants.ts';
import { toTenant } from '../../../shared/store/tenant-directory.ts';
import { door } from '../../edge/doors.ts';
import type { RequestContext } from '../../edge/request-context.ts';
import { tenantUrl } from '../../edge/tenant-url.ts';

export async function setTenantStatus(
  context: RequestContext,
  id: string,
  status: Tenant['status'],
): Promise<Result<Tenant>> {
  const directory = context.objects.directory();
  const found = await directory.find(id);
  if (!found.ok) return found;
  const applied = await door(context.objects.tenant(found.value.id as TenantId)).tenancy.setStatus(
    status,
    withTrace(operatorActor, context.traceparent),
  );
  if (!applied.ok) return applied;
  const listed = await directory.setStatus(found.value.id, status);
  return listed.ok ? ok(toTenant({ ...found.value, status }, tenantUrl(context, found.value.slug))) : listed;
}
