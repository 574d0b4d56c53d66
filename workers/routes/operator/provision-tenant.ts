/** A tenant's birth: its object with its first key, then its entry in the directory, which makes it reachable. */
import { KeyPrefixLength, mintApiKey } from '../../../shared/core/api-key.ts';
import { toIso } from '../../../shared/core/clock.ts';
import { mintId, systemRandom, type TenantId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { operatorActor, withTrace } from '../../../shared/contracts/audit.ts';
import { createKey, type CreatedKey } from '../../../shared/contracts/keys.ts';
import type { CreateTenant, Tenant } from '../../../shared/contracts/tenants.ts';
import type { TenantProfile } from '../../../shared/contracts/plans.ts';
import { newTenantRecord, toProfile, toTenant } from '../../../shared/store/tenant-directory.ts';
import { sha256Hex } from '../../edge/authenticate.ts';
import { door } from '../../edge/doors.ts';
import type { RequestContext } from '../../edge/request-context.ts';
import { requirePlan } from '../plans/require-plan.ts';
import { tenantUrl } from '../../edge/tenant-url.ts';

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
  const now = context.clock.now();
  const free = await requireFreeSlug(context, wanted.slug);
  if (!free.ok) return free;
  const plan = await requirePlan(context, wanted.plan);
  if (!plan.ok) return plan;
  const id = mintId('tenant', now);
  const born = newTenantRecord(id, wanted, now);
  const key = await issueAdminKey(context, id, 'Administrator', toProfile(born, plan.value));
  if (!key.ok) return key;
  const record = await directory.create(born);
  if (!record.ok) return record;
  return ok({ ...toTenant(record.value, tenantUrl(context, wanted.slug)), admin_key: key.value });
}

/** The slug of a tenant that was deleted is not given away for a while: links and clients still point there. */
export async function requireFreeSlug(context: RequestContext, slug: string): Promise<Result<undefined>> {
  const buried = await context.objects.directory().findTombstoneOf(slug, context.clock.now());
  if (!buried.ok) return buried;
  if (!buried.value) return ok();
  const free = toIso(buried.value.slugFreeAt);
  return err(
    'conflict',
    `The slug "${slug}" belonged to a tenant that was deleted. It is free again from ${free} on.`,
    {
      param: 'slug',
    },
  );
}

/** A key with every permission of the tenant. */
export async function issueAdminKey(
  context: RequestContext,
  tenantId: TenantId,
  name: string,
  profile?: TenantProfile,
): Promise<Result<CreatedKey>> {
  const id = mintId('key', context.clock.now());
  const secret = mintApiKey(id, systemRandom);
  const wanted = {
    ...createKey.parse({ name }),
    id,
    prefix: secret.slice(0, KeyPrefixLength),
    secretHash: sha256Hex(secret),
  };
  const key = await door(context.objects.tenant(tenantId)).provision(
    wanted,
    withTrace(operatorActor, context.traceparent),
    profile,
  );
  return key.ok ? ok({ ...key.value, secret }) : key;
}
