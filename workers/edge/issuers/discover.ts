/** Where an issuer keeps its keys: the `jwks_uri` it was registered with, else the one of its discovery document. */
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { CreateIssuer, Issuer } from '../../../shared/contracts/issuers.ts';
import type { FetchDocument } from './fetch-document.ts';
import { validateIssuerUrl } from './issuer-url.ts';

export type Discovery = { readonly fetch: FetchDocument; readonly platformDomain: string };

/** OpenID Connect Discovery 1.0, 4: the document must name the issuer that it was asked for. */
export async function findJwksUri(
  { issuer, jwks_uri }: Pick<Issuer, 'issuer' | 'jwks_uri'>,
  { fetch, platformDomain }: Discovery,
): Promise<Result<string>> {
  if (jwks_uri !== null) return ok(jwks_uri);
  const document = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  if (!document.ok) return document;
  const { issuer: named, jwks_uri: found } = document.value;
  if (named !== issuer) return wrong('names another issuer');
  if (typeof found !== 'string') return wrong('names no jwks_uri');
  const fault = validateIssuerUrl(found, platformDomain);
  return fault === undefined ? ok(found) : wrong(`has a jwks_uri that ${fault}`);
}

/** At registration: what is wrong is told by its field. */
export async function checkIssuer(wanted: CreateIssuer, discovery: Discovery): Promise<Result<undefined>> {
  for (const param of ['issuer', 'jwks_uri'] as const) {
    const url = wanted[param];
    const fault = url === null ? undefined : validateIssuerUrl(url, discovery.platformDomain);
    if (fault !== undefined) return err('invalid_request', `"${param}": ${fault}.`, { param });
  }
  if (wanted.issuer.includes('?'))
    return err('invalid_request', '"issuer": must not carry a query.', { param: 'issuer' });
  const found = await findJwksUri(wanted, discovery);
  if (found.ok) return ok();
  const { reason } = found.failure;
  return err('invalid_request', '"issuer": its discovery document cannot be used. Name its "jwks_uri", or repair it.', {
    param: 'issuer',
    ...(reason === undefined ? {} : { reason }),
  });
}

function wrong(what: string): Result<never> {
  return err('service_unavailable', undefined, { reason: `the discovery document ${what}` });
}
