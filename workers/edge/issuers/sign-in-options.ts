/** By which providers people may sign in to the console of a request's host. */
import { ok, type Result } from '../../../shared/core/result.ts';
import { toSignInOptions, type SignInOption } from '../../../shared/contracts/issuers.ts';
import { requireTenant } from '../require-tenant.ts';
import type { RequestContext } from '../request-context.ts';
import { registeredIssuers } from './registered-issuers.ts';

export async function signInOptions(context: RequestContext): Promise<Result<SignInOption[]>> {
  const tenant = await requireTenant(context);
  if (!tenant.ok) return tenant;
  const issuers = await registeredIssuers(context, tenant.value);
  return issuers.ok ? ok(toSignInOptions(issuers.value)) : issuers;
}
