/** The whole audit trail in pages, oldest first, so that neither the tenant's object nor this isolate holds all of it. */
import { ok, type Result } from '../../../shared/core/result.ts';
import type { AuditHead, AuditPage } from '../../../shared/contracts/audit.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';

const PageSize = 500;

/** The page after an entry, and where the trail ends with it, the head that it should have led to. */
export async function readTrailPage(
  call: TenantCall,
  after: number,
): Promise<Result<AuditPage & { readonly end?: AuditHead }>> {
  const page = await call.tenant.auditPage(after, PageSize);
  if (!page.ok) return page;
  return ok(page.value.entries.length < PageSize ? { ...page.value, end: page.value.head } : page.value);
}
