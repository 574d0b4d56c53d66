/** A bearer token of an issuer that this tenant has registered. What this isolate keeps of issuers' keys lives here. */
import { systemClock } from '../../../shared/core/clock.ts';
import type { TenantId } from '../../../shared/core/ids.ts';
import type { Result } from '../../../shared/core/result.ts';
import type { UserCredential } from '../../../shared/contracts/admission.ts';
import { Egress } from '../../../shared/egress/egress.ts';
import type { RequestContext } from '../request-context.ts';
import { findJwksUri } from './discover.ts';
import { fetchDocument } from './fetch-document.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { registeredIssuers } from './registered-issuers.ts';
import { SigningKeys } from './signing-keys.ts';
import { verifyUserToken, type FindKey } from './verify-user-token.ts';

const keys = new IssuerKeys(systemClock, (ms) => new Promise((resolve) => setTimeout(resolve, ms)));

export async function authenticateUser(
  context: RequestContext,
  tenantId: TenantId,
  token: string,
): Promise<Result<UserCredential>> {
  const issuers = await registeredIssuers(context, tenantId);
  if (!issuers.ok) return issuers;
  const egress = Egress.of(context.platform);
  const findKey: FindKey = (issuer, kid, algorithm) => {
    // Apart for each tenant and registration: no tenant's traffic uses up another's fetches, or shows in its keys.
    const found = keys.find(`${tenantId} ${issuer.id}`, kid, algorithm, async () => {
      const uri = await findJwksUri(issuer, egress);
      const document = uri.ok ? await fetchDocument(egress, uri.value) : uri;
      return document.ok ? SigningKeys.parse(document.value) : document;
    });
    // Others look at what this fetch will bring, so it goes on if the caller leaves.
    context.waitUntil(found);
    return found;
  };
  return verifyUserToken(token, issuers.value, findKey, context.clock.now());
}
