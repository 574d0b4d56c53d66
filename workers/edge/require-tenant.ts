/** The tenant of a request's host, for routes without a credential. */
import { systemClock } from '../../shared/core/clock.ts';
import type { Result } from '../../shared/core/result.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { RequestContext } from './request-context.ts';
import { TenantResolver } from './resolve-tenant.ts';

const tenants = new TenantResolver(systemClock);

export function requireTenant(context: RequestContext): Promise<Result<TenantId>> {
  return tenants.resolve(context.host, context.objects.directory());
}
