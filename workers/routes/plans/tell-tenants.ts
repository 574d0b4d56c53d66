/**
 * Tells the objects of all tenants on a plan what is in force now. Where one cannot be told the change is answered with
 * an outage, and the same request again tells those that are left.
 */
import type { TenantId } from '../../../shared/core/ids.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import { operatorActor } from '../../../shared/contracts/audit.ts';
import type { Plan } from '../../../shared/contracts/plans.ts';
import { toProfile, type TenantRecord } from '../../../shared/store/tenant-directory.ts';
import { door } from '../../edge/doors.ts';
import type { RequestContext } from '../../edge/request-context.ts';

const PageSize = 50;

export async function tellTenants(context: RequestContext, plan: Plan): Promise<Result<undefined>> {
  for (let cursor: string | undefined; ;) {
    const page = await context.objects.directory().listByPlan(plan.id, PageSize, cursor);
    if (!page.ok) return page;
    const told = await Promise.all(page.value.data.map((record) => tellTenant(context, record, plan)));
    const failed = told.find((each) => !each.ok);
    if (failed) return failed;
    if (page.value.next_cursor === null) return ok();
    cursor = page.value.next_cursor;
  }
}

export function tellTenant(context: RequestContext, record: TenantRecord, plan: Plan): Promise<Result<undefined>> {
  const tenant = door(context.objects.tenant(record.id as TenantId));
  return tenant.tenancy.setProfile(toProfile(record, plan), operatorActor);
}
