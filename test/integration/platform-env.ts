/// <reference types="@cloudflare/vitest-pool-workers/types" />
/** The objects of a platform inside workerd, by their names. */
import { env } from 'cloudflare:workers';
import type { TenantObject } from '../../durable-objects/tenant/tenant-object.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { tenantObjectName } from '../../shared/tenancy/object-name.ts';

type PlatformEnv = { readonly TENANT: DurableObjectNamespace<TenantObject> };
const bindings = env as unknown as PlatformEnv;

export function openTenant(tenant: TenantId): DurableObjectStub<TenantObject> {
  return bindings.TENANT.getByName(tenantObjectName(tenant));
}

export function openTenantByName(name: string): DurableObjectStub<TenantObject> {
  return bindings.TENANT.getByName(name);
}
