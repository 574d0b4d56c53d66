/** A tenant's birth: its object with its first key, then its entry in the directory, which makes it reachable. */
import { KeyPrefixLength, mintApiKey } from '../../../shared/core/api-key.ts';
import { mintId, systemRandom, type TenantId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { operatorActor } from '../../../shared/contracts/audit.ts';
import { createKey, type CreatedKey } from '../../../shared/contracts/keys.ts';
import type { CreateTenant, Tenant } from '../../../shared/contracts/tenants.ts';
import { toTenant } from '../../../shared/store/tenant-directory.ts';
import { sha256Hex } from '../../edge/authenticate.ts';
import { door } from '../../edge/doors.ts';
import type { RequestContext } from '../../edge/request-context.ts';
import { tenantUrl } from './tenant-url.ts';

export async function provisionTenant(
  context: RequestContext,
  wanted: CreateTenant,
): Promise<Result<Tenant & { admin_key: CreatedKey }>> {
  const directory = context.objects.directory();
  const taken = await directory.findIdBySlug(wanted.slug);
  if (!taken.ok) return taken;
  if (taken.value !== undefined) {
    return err('conflict', `A tenant with the slug "${wanted.slug}" exists already.`, { param: 'slug' });
  }
  const id = mintId('tenant', context.clock.now());
  const key = await issueAdminKey(context, id, 'Administrator');
  if (!key.ok) return key;
  const record = await directory.create(id, wanted, context.clock.now());
  if (!record.ok) return record;
  return ok({ ...toTenant(record.value, tenantUrl(context, wanted.slug)), admin_key: key.value });
}

/** A key with every permission of the tenant. */
export async function issueAdminKey(
  context: RequestContext,
  tenantId: TenantId,
  name: string,
): Promise<Result<CreatedKey>> {
  const id = mintId('key', context.clock.now());
  const secret = mintApiKey(id, systemRandom);
  const wanted = {
    ...createKey.parse({ name }),
    id,
    prefix: secret.slice(0, KeyPrefixLength),
    secretHash: sha256Hex(secret),
  };
  const key = await door(context.objects.tenant(tenantId)).provision(wanted, operatorActor);
  return key.ok ? ok({ ...key.value, secret }) : key;
}
