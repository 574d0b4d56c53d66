/**
 * Verifies job tokens: EdDSA by the platform's key or HS256 by the key that it gave this bridge, the job type, this bridge
 * as the audience, young, and used once. A key serves its own algorithm alone, so none can be confused for another.
 * Refusals look alike to the caller; the reason goes to the log. A token that was accepted stays known until it expires.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { jobClaims, MaxClockSkewSeconds, TokenTypes, type JobClaims } from '../shared/contracts/inference.ts';
import type { Clock } from '../shared/core/clock.ts';
import { describeError } from '../shared/core/log.ts';
import { err, ok, type Result } from '../shared/core/result.ts';
import type { AcceptedTokens } from './accepted-tokens.ts';
import type { JobKeys } from './job-keys.ts';
import { findString, isJsonObject, parseJson } from './json-object.ts';

const MaxTokenAgeSeconds = 300;
const decoder = new TextDecoder();

export type JobTokenVerifier = (authorization: string | undefined) => Promise<Result<JobClaims>>;

type Opened = { readonly type: unknown; readonly payload: unknown };

export function createJobTokenVerifier(options: {
  readonly platformKeys: JSONWebKeySet;
  readonly jobKeys: Pick<JobKeys, 'find'>;
  readonly bridgeId: string;
  readonly clock: Clock;
  readonly accepted: AcceptedTokens;
}): JobTokenVerifier {
  const signingKeys = createLocalJWKSet(options.platformKeys);
  const open = async (token: string): Promise<Opened> => {
    const opened = openAuthenticated(token, options.jobKeys);
    if (opened) return opened;
    const { payload, protectedHeader } = await compactVerify(token, signingKeys, { algorithms: ['EdDSA'] });
    return { type: protectedHeader.typ, payload: parseJson(decoder.decode(payload))?.value };
  };
  return async (authorization) => {
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
    if (!token) return refuse('no bearer token');
    try {
      const now = options.clock.now();
      const { type, payload } = await open(token);
      if (type !== TokenTypes.job) return refuse('the type of another token');
      const claims = jobClaims.safeParse(payload);
      if (!claims.success) return refuse(`claims: ${claims.error.issues[0]?.path.join('.') ?? ''}`);
      if (claims.data.aud !== options.bridgeId) return refuse('the token is for another bridge');
      const untimely = findUntimely(claims.data, payload, now / 1000);
      if (untimely) return refuse(untimely);
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

/**
 * What is in a token by a job key, checked here and now: a round by the thread pool would cost more than the rest of a
 * job's way through the bridge. Undefined where the token is of another algorithm; throws where it is not authentic.
 */
function openAuthenticated(token: string, jobKeys: Pick<JobKeys, 'find'>): Opened | undefined {
  const [head = '', body = '', mac = ''] = token.split('.');
  const header = parsePart(head);
  if (!isJsonObject(header) || header['alg'] !== 'HS256') return undefined;
  const key = jobKeys.find(findString(header, 'kid'));
  if (!key) throw new Error('an unknown job key');
  if (header['crit'] !== undefined) throw new Error('a critical member of the header is not known');
  const expected = createHmac('sha256', key).update(`${head}.${body}`).digest();
  const given = Buffer.from(mac, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('the token was altered');
  return { type: header['typ'], payload: parsePart(body) };
}

function parsePart(part: string): unknown {
  return parseJson(Buffer.from(part, 'base64url').toString())?.value;
}

/** Why the claims do not hold at this moment, in Unix seconds; each of the two clocks may be off by the skew. */
function findUntimely({ iat, exp }: JobClaims, payload: unknown, now: number): string | undefined {
  const notBefore = isJsonObject(payload) ? (payload['nbf'] ?? iat) : iat;
  if (exp <= now - MaxClockSkewSeconds || now - iat > MaxTokenAgeSeconds + MaxClockSkewSeconds) {
    return 'the token has expired';
  }
  if (typeof notBefore !== 'number' || Math.max(iat, notBefore) > now + MaxClockSkewSeconds) {
    return 'the token is of the future: the clocks of the platform and of this machine differ';
  }
  return undefined;
}
