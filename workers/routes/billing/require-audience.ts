/** What the operator sets for a tenant is for one that exists. */
import { isId, type TenantId } from '../../../shared/core/ids.ts';
import type { PriceAudience } from '../../../shared/core/price-scope.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { RequestContext } from '../../edge/request-context.ts';

export async function requireTenantId(context: RequestContext, id: string): Promise<Result<TenantId>> {
  if (!isId('tenant', id)) return err('not_found', 'There is no such tenant.');
  const found = await context.objects.directory().find(id);
  return found.ok ? ok(id) : found;
}

export async function requireAudience(context: RequestContext, { tenant }: PriceAudience): Promise<Result<undefined>> {
  if (tenant === null) return ok();
  const known = await requireTenantId(context, tenant);
  if (known.ok) return ok();
  return known.failure.code === 'not_found'
    ? err('invalid_request', '"tenant": names no tenant.', { param: 'tenant' })
    : known;
}
