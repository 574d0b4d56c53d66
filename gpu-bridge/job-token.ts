/**
 * Verifies job tokens: EdDSA by the platform's key or HS256 by the key that it gave this bridge, the job type, this bridge
 * as the audience, young, and used once. A key serves its own algorithm alone, so none can be confused for another.
 * Refusals look alike to the caller; the reason goes to the log. A token that was accepted stays known until it expires.
 */
import {
  createLocalJWKSet,
  errors,
  jwtVerify,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWTHeaderParameters,
} from 'jose';
import {
  jobClaims,
  JobIssuer,
  MaxClockSkewSeconds,
  TokenTypes,
  type JobClaims,
} from '../shared/contracts/inference.ts';
import type { Clock } from '../shared/core/clock.ts';
import { describeError } from '../shared/core/log.ts';
import { err, ok, type Result } from '../shared/core/result.ts';
import type { AcceptedTokens } from './accepted-tokens.ts';
import type { JobKeys } from './job-keys.ts';

const MaxTokenAgeSeconds = 300;

export type JobTokenVerifier = (authorization: string | undefined) => Promise<Result<JobClaims>>;

export function createJobTokenVerifier(options: {
  readonly platformKeys: JSONWebKeySet;
  readonly jobKeys: Pick<JobKeys, 'find'>;
  readonly bridgeId: string;
  readonly clock: Clock;
  readonly accepted: AcceptedTokens;
}): JobTokenVerifier {
  const signingKeys = createLocalJWKSet(options.platformKeys);
  const findKey = (header: JWTHeaderParameters, token: FlattenedJWSInput) => {
    if (header.alg !== 'HS256') return signingKeys(header, token);
    const key = options.jobKeys.find(header.kid);
    if (!key) throw new errors.JWKSNoMatchingKey();
    return key;
  };
  return async (authorization) => {
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
    if (!token) return refuse('no bearer token');
    try {
      const now = options.clock.now();
      const { payload } = await jwtVerify(token, findKey, {
        algorithms: ['EdDSA', 'HS256'],
        typ: TokenTypes.job,
        issuer: JobIssuer,
        audience: options.bridgeId,
        requiredClaims: ['exp', 'iat', 'jti'],
        maxTokenAge: MaxTokenAgeSeconds,
        clockTolerance: MaxClockSkewSeconds,
        currentDate: new Date(now),
      });
      const claims = jobClaims.safeParse(payload);
      if (!claims.success) return refuse(`claims: ${claims.error.issues[0]?.path.join('.') ?? ''}`);
      const verdict = options.accepted.accept(claims.data.jti, claims.data.exp, now);
      if (verdict === 'replayed') return refuse('the token was used before');
      return verdict === 'accepted' ? ok(claims.data) : err('service_unavailable');
    } catch (error) {
      return refuse(describeError(error));
    }
    function refuse(reason: string): Result<never> {
      return err('invalid_api_key', 'The job token is missing or not valid for this bridge.', { reason });
    }
  };
}
