/**
 * A JWT of an issuer that the tenant has registered (RFC 7519, 8725, 9068). What the token says of itself chooses among
 * what the tenant has registered and never beyond it: issuer, algorithm and key id are looked up, `jku`, `x5u` and `jwk`
 * are not read at all. Every refusal has the same text; the reason is for the log.
 */
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type ProtectedHeaderParameters,
} from 'jose';
import type { CryptoKey } from 'jose';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { IssuerId } from '../../../shared/core/ids.ts';
import type { UserCredential } from '../../../shared/contracts/admission.ts';
import type { Issuer, TokenAlgorithm } from '../../../shared/contracts/issuers.ts';
import { MaxSubjectLength } from '../../../shared/contracts/members.ts';
import { MaxLifetimeSeconds, MaxTokenIdLength } from '../../../shared/contracts/tokens.ts';
import { mapRoles } from './map-roles.ts';
import { MaxKidLength } from './signing-keys.ts';

const MaxTokenLength = 8_192;
const ClockToleranceSeconds = 5;
const types: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt']);

/** Undefined where the issuer has no such key; a failure where its keys cannot be read. */
export type FindKey = (
  issuer: Issuer,
  kid: string,
  algorithm: TokenAlgorithm,
) => Promise<Result<CryptoKey | undefined>>;

export async function verifyUserToken(
  token: string,
  issuers: readonly Issuer[],
  findKey: FindKey,
  now: number,
): Promise<Result<UserCredential>> {
  const read = readUnverified(token, issuers);
  if (!read.ok) return read;
  const { issuer, kid, algorithm, isTyped } = read.value;
  const key = await findKey(issuer, kid, algorithm);
  if (!key.ok) return key;
  if (!key.value) return refuse('the issuer has no such key');
  try {
    const { payload } = await jwtVerify(token, key.value, {
      algorithms: [algorithm],
      issuer: issuer.issuer,
      audience: issuer.audience,
      requiredClaims: ['exp', 'iat', 'sub'],
      maxTokenAge: MaxLifetimeSeconds,
      clockTolerance: ClockToleranceSeconds,
      currentDate: new Date(now),
    });
    return isTyped || isIdToken(payload) ? toCredential(issuer, payload) : refuse('it has no type and is no ID token');
  } catch (error) {
    return refuse(error instanceof errors.JOSEError ? error.message : 'the token cannot be verified');
  }
}

type Unverified = {
  readonly issuer: Issuer;
  readonly kid: string;
  readonly algorithm: TokenAlgorithm;
  readonly isTyped: boolean;
};

/** Which registration, key and algorithm to try. Nothing of it is believed. */
function readUnverified(token: string, issuers: readonly Issuer[]): Result<Unverified> {
  if (token.length > MaxTokenLength) return refuse('the token is too long');
  let header: ProtectedHeaderParameters;
  let named: unknown;
  try {
    header = decodeProtectedHeader(token);
    named = decodeJwt(token).iss;
  } catch {
    return refuse('not a JWT');
  }
  const issuer = issuers.find((each) => each.issuer === named);
  if (!issuer) return refuse('the issuer is not registered');
  const algorithm = issuer.algorithms.find((each) => each === header.alg);
  if (!algorithm) return refuse('the algorithm is not one of the issuer');
  const { kid, typ } = header;
  const isTyped = typ !== undefined;
  // OpenID Connect asks for no type of an ID token, and it is one for the client alone.
  const mayBeUntyped = issuer.client_id !== null && issuer.client_id === issuer.audience;
  if (isTyped ? typeof typ !== 'string' || !types.has(typ.toLowerCase()) : !mayBeUntyped) {
    return refuse('the type is not one of an access token');
  }
  if ('crit' in header || 'b64' in header) return refuse('the header asks for an extension');
  if (typeof kid !== 'string' || kid === '' || kid.length > MaxKidLength) return refuse('the token names no key');
  return ok({ issuer, kid, algorithm, isTyped });
}

/** Other JWTs for a client answer no sign-in, and have no nonce; a logout token must have none (OpenID Back-Channel Logout 2.4). */
function isIdToken(payload: JWTPayload): boolean {
  return typeof payload['nonce'] === 'string' && payload['nonce'] !== '' && !('events' in payload);
}

function toCredential(issuer: Issuer, payload: JWTPayload): Result<UserCredential> {
  const { sub, iat, exp, jti, email, email_verified: isVerified } = payload;
  if (typeof sub !== 'string' || sub === '' || sub.length > MaxSubjectLength) return refuse('the subject is none');
  if (exp! - iat! > MaxLifetimeSeconds) return refuse('the token lives too long');
  // One whose id cannot be kept could not be revoked either.
  if (jti !== undefined && (typeof jti !== 'string' || jti === '' || jti.length > MaxTokenIdLength)) {
    return refuse('the id of the token is none');
  }
  return ok({
    kind: 'user',
    issuerId: issuer.id as IssuerId,
    subject: sub,
    email: typeof email === 'string' && isVerified === true ? email.toLowerCase() : null,
    jti: jti ?? null,
    roles: mapRoles(issuer.role_mappings, payload),
  });
}

function refuse(reason: string): Result<never> {
  return err('invalid_api_key', undefined, { reason: `token: ${reason}` });
}
