/** A bearer token of an issuer that this tenant has registered. What this isolate keeps of issuers lives here. */
import { systemClock } from '../../../shared/core/clock.ts';
import type { TenantId } from '../../../shared/core/ids.ts';
import type { Result } from '../../../shared/core/result.ts';
import type { UserCredential } from '../../../shared/contracts/admission.ts';
import { door } from '../doors.ts';
import type { RequestContext } from '../request-context.ts';
import { findJwksUri } from './discover.ts';
import { fetchDocument } from './fetch-document.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { Registrations } from './registrations.ts';
import { SigningKeys } from './signing-keys.ts';
import { verifyUserToken, type FindKey } from './verify-user-token.ts';

const registrations = new Registrations(systemClock);
const keys = new IssuerKeys(systemClock, (ms) => new Promise((resolve) => setTimeout(resolve, ms)));

export async function authenticateUser(
  context: RequestContext,
  tenantId: TenantId,
  token: string,
): Promise<Result<UserCredential>> {
  const issuers = await registrations.of(tenantId, () => door(context.objects.tenant(tenantId)).issuers());
  if (!issuers.ok) return issuers;
  const discovery = { fetch: fetchDocument, platformDomain: context.platform.PLATFORM_DOMAIN };
  const findKey: FindKey = (issuer, kid, algorithm) => {
    // Apart for each tenant and registration: no tenant's traffic uses up another's fetches, or shows in its keys.
    const found = keys.find(`${tenantId} ${issuer.id}`, kid, algorithm, async () => {
      const uri = await findJwksUri(issuer, discovery);
      const document = uri.ok ? await fetchDocument(uri.value) : uri;
      return document.ok ? SigningKeys.parse(document.value) : document;
    });
    // Others look at what this fetch will bring, so it goes on if the caller leaves.
    context.waitUntil(found);
    return found;
  };
  return verifyUserToken(token, issuers.value, findKey, context.clock.now());
}
