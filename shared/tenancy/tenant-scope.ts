/**
 * Scope as a capability: whoever holds a TenantScope may act inside that tenant, and only there. Only the edge's
 * admission pipeline makes one, after it knows the tenant and the caller; a handler never sees the raw bindings.
 */
import type { TenantId } from '../core/ids.ts';

declare const brand: unique symbol;
export type TenantScope = { readonly tenantId: TenantId; readonly [brand]: true };

export function tenantScope(tenantId: TenantId): TenantScope {
  return { tenantId } as TenantScope;
}
