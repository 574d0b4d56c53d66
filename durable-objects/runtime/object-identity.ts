/** An object knows its own name and checks that the caller meant it: the second lock on every tenant's door. */
import { invariant } from '../../shared/core/invariant.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { tenantOfObjectName } from '../../shared/tenancy/object-name.ts';

export function requireObjectName(state: DurableObjectState): string {
  const name = state.id.name;
  invariant(name !== undefined, 'an object is addressed by name, never by a raw id');
  return name;
}

export function requireOwnTenant(state: DurableObjectState): TenantId {
  const tenant = tenantOfObjectName(requireObjectName(state));
  invariant(tenant, 'the name of this object carries no tenant');
  return tenant;
}
