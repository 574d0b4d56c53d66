/**
 * Signing in by a provider of the tenant: authorization code with PKCE (OpenID Connect Core 1.0, 3.1; RFC 7636). Whether
 * the token holds, the platform says, as with every request; here it is made sure that it answers what this tab asked.
 */
import { base64url, decodeJwt, type JWTPayload } from 'jose';
import type { SignInOption } from '../../../../shared/contracts/issuers.ts';

/** What was asked, and where in the console. */
export type Departure = {
  readonly option: SignInOption;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly place: string;
};
export type Token = { readonly credential: string; readonly lifetimeMs: number };
/** Posts a form to the token endpoint. */
export type Exchange = (
  url: string,
  form: URLSearchParams,
) => Promise<{ readonly ok: boolean; readonly body: Readonly<Record<string, unknown>> }>;

export async function depart(
  option: SignInOption,
  redirectUri: string,
  place: string,
): Promise<{ readonly departure: Departure; readonly url: string }> {
  const [state, nonce, verifier] = [makeSecret(), makeSecret(), makeSecret()];
  const challenge = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const url = new URL(option.authorization_endpoint);
  const asked = {
    response_type: 'code',
    client_id: option.client_id,
    redirect_uri: redirectUri,
    scope: 'openid email profile',
    state,
    nonce,
    code_challenge: base64url.encode(new Uint8Array(challenge)),
    code_challenge_method: 'S256',
    ...resourceOf(option),
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  return { departure: { option, state, nonce, verifier, place }, url: url.href };
}

/** Throws what is wrong, in words for who signs in. */
export async function arrive(
  answer: URLSearchParams,
  departure: Departure | undefined,
  redirectUri: string,
  exchange: Exchange,
): Promise<Token> {
  if (!departure || answer.get('state') !== departure.state) {
    throw new Error('This sign-in was not begun in this tab. Begin it here.');
  }
  const { option, nonce, verifier } = departure;
  // RFC 9207: a code of one provider is not taken to another.
  if ((answer.get('iss') ?? option.issuer) !== option.issuer) {
    throw new Error('Another identity provider answered than the one that was asked. Begin again.');
  }
  const code = answer.get('code');
  if (code === null) throw refusal(Object.fromEntries(answer));
  const { ok, body } = await exchange(
    option.token_endpoint,
    new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      client_id: option.client_id,
      code_verifier: verifier,
      ...resourceOf(option),
    }),
  );
  if (!ok) throw refusal(body);
  const { id_token: idToken, access_token: accessToken } = body;
  const identity = readClaims(idToken);
  if (identity?.iss !== option.issuer || !isFor(identity, option.client_id) || identity['nonce'] !== nonce) {
    throw new Error('What the identity provider answered does not belong to this sign-in. Begin again.');
  }
  for (const token of [idToken, accessToken]) {
    const claims = readClaims(token);
    if (typeof token === 'string' && claims && isFor(claims, option.audience)) {
      return { credential: token, lifetimeMs: ((claims.exp ?? 0) - (claims.iat ?? 0)) * 1000 };
    }
  }
  throw new Error(
    `The identity provider gave no token for the audience "${option.audience}", which it is registered for.`,
  );
}

/** RFC 8707: an access token for the audience. Where that is the client itself, its ID token serves. */
function resourceOf({ audience, client_id }: SignInOption): { resource?: string } {
  return audience !== client_id && URL.canParse(audience) ? { resource: audience } : {};
}

function readClaims(token: unknown): JWTPayload | undefined {
  try {
    return typeof token === 'string' ? decodeJwt(token) : undefined;
  } catch {
    return undefined;
  }
}

function isFor({ aud }: JWTPayload, audience: string): boolean {
  return Array.isArray(aud) ? aud.includes(audience) : aud === audience;
}

function refusal({ error, error_description: description }: Readonly<Record<string, unknown>>): Error {
  const reason = [description, error].find((each) => typeof each === 'string') ?? 'it gave no reason';
  return new Error(`The identity provider refused: ${reason}`);
}

function makeSecret(): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(32)));
}
