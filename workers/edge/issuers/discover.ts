/** What an issuer's discovery document tells: where its keys are, and where people sign in. */
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { CreateIssuer, Issuer, SignInEndpoints } from '../../../shared/contracts/issuers.ts';
import type { Egress } from '../../../shared/egress/egress.ts';
import { fetchDocument } from './fetch-document.ts';

type Endpoint = 'jwks_uri' | keyof SignInEndpoints;

/** The `jwks_uri` it was registered with, else the one of its discovery document. */
export async function findJwksUri(
  { issuer, jwks_uri }: Pick<Issuer, 'issuer' | 'jwks_uri'>,
  egress: Egress,
): Promise<Result<string>> {
  if (jwks_uri !== null) return ok(jwks_uri);
  const found = await findEndpoints(issuer, ['jwks_uri'], egress);
  return found.ok ? ok(found.value.jwks_uri!) : found;
}

/** At registration: what is wrong is told by its field. The endpoints are for issuers with a client. */
export async function checkIssuer(wanted: CreateIssuer, egress: Egress): Promise<Result<SignInEndpoints>> {
  for (const param of ['issuer', 'jwks_uri'] as const) {
    const url = wanted[param];
    const fault = url === null ? undefined : egress.findFault(url);
    if (fault !== undefined) return err('invalid_request', `"${param}": ${fault}.`, { param });
  }
  if (wanted.issuer.includes('?'))
    return err('invalid_request', '"issuer": must not carry a query.', { param: 'issuer' });
  const needed: Endpoint[] = wanted.jwks_uri === null ? ['jwks_uri'] : [];
  if (wanted.client_id !== null) needed.push('authorization_endpoint', 'token_endpoint');
  const found = await findEndpoints(wanted.issuer, needed, egress);
  if (found.ok) {
    const { authorization_endpoint = null, token_endpoint = null } = found.value;
    return ok({ authorization_endpoint, token_endpoint });
  }
  const { reason } = found.failure;
  const remedy =
    wanted.client_id === null
      ? 'Name its "jwks_uri", or repair it.'
      : 'Signing in by a "client_id" needs it: repair it, or leave "client_id" out.';
  return err('invalid_request', `"issuer": its discovery document cannot be used. ${remedy}`, {
    param: 'issuer',
    ...(reason === undefined ? {} : { reason }),
  });
}

/** OpenID Connect Discovery 1.0, 4: the document must name the issuer that it was asked for. */
async function findEndpoints(
  issuer: string,
  names: readonly Endpoint[],
  egress: Egress,
): Promise<Result<Partial<Record<Endpoint, string>>>> {
  const found: Partial<Record<Endpoint, string>> = {};
  if (names.length === 0) return ok(found);
  const document = await fetchDocument(egress, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  if (!document.ok) return document;
  if (document.value['issuer'] !== issuer) return wrong('names another issuer');
  for (const name of names) {
    const url = document.value[name];
    if (typeof url !== 'string') return wrong(`names no ${name}`);
    const fault = egress.findFault(url);
    if (fault !== undefined) return wrong(`has a ${name} that ${fault}`);
    found[name] = url;
  }
  return ok(found);
}

function wrong(what: string): Result<never> {
  return err('service_unavailable', undefined, { reason: `the discovery document ${what}` });
}
