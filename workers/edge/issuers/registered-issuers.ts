/** The issuers of a tenant, as this isolate keeps them. */
import { systemClock } from '../../../shared/core/clock.ts';
import type { TenantId } from '../../../shared/core/ids.ts';
import type { Result } from '../../../shared/core/result.ts';
import type { Issuer } from '../../../shared/contracts/issuers.ts';
import { door } from '../doors.ts';
import type { RequestContext } from '../request-context.ts';
import { Registrations } from './registrations.ts';

const registrations = new Registrations(systemClock);

export function registeredIssuers(
  { objects }: Pick<RequestContext, 'objects'>,
  tenantId: TenantId,
): Promise<Result<readonly Issuer[]>> {
  return registrations.of(tenantId, () => door(objects.tenant(tenantId)).people.issuers());
}
