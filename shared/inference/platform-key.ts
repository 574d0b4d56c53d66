/**
 * The platform's own Ed25519 key: signs job tokens for bridges and sessions for visitors (EdDSA JWTs, jose).
 * Explicit `typ`, pinned algorithm, issuer and audience: none of these tokens can stand in for another.
 */
import { base64url, importJWK, jwtVerify, SignJWT, type CryptoKey, type JWK } from 'jose';
import { toUnixSeconds } from '../core/clock.ts';
import type { AgentId, BridgeId, RunId, TenantId, VisitorId } from '../core/ids.ts';
import { isId } from '../core/ids.ts';
import { JobIssuer, TokenTypes, type JobClaims } from '../contracts/inference.ts';
import { visitorClaims, VisitorTokenType } from '../contracts/sessions.ts';
import { JobStartMs } from './reservation.ts';

export const VisitorSessionMs = 12 * 60 * 60 * 1000;
const Algorithm = 'EdDSA';
const encoder = new TextEncoder();

export type Job = {
  readonly run: RunId;
  readonly bridge: BridgeId;
  readonly tenant: TenantId;
  readonly operation: JobClaims['operation'];
  readonly model: string;
  readonly maxOutputTokens: number;
  readonly allowExternal: boolean;
  readonly timeoutMs: number;
  readonly ticket: string;
};

export type Visitor = { readonly visitorId: VisitorId; readonly agentId: AgentId };

export class PlatformKey {
  readonly #privateKey: CryptoKey;
  readonly #publicKey: CryptoKey;
  readonly #kid: string;
  readonly #jobHeader: string;
  /** What a bridge needs to check job tokens. */
  readonly publicJwk: JWK;

  private constructor(privateKey: CryptoKey, publicKey: CryptoKey, publicJwk: JWK & { kid: string }) {
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
    this.#kid = publicJwk.kid;
    this.#jobHeader = base64url.encode(JSON.stringify({ alg: Algorithm, typ: TokenTypes.job, kid: publicJwk.kid }));
    this.publicJwk = publicJwk;
  }

  /** `text`: the private key as a JWK (kty OKP, crv Ed25519) with a `kid`. */
  static async parse(text: string): Promise<PlatformKey> {
    const { kty, crv, x, kid, d } = JSON.parse(text) as JWK;
    if (kty !== 'OKP' || crv !== 'Ed25519' || !x || !d || !kid) {
      throw new TypeError('PLATFORM_SIGNING_KEY must be a private Ed25519 JWK with a kid');
    }
    const publicJwk = { kty, crv, x, kid, alg: Algorithm, use: 'sig' };
    const [privateKey, publicKey] = await Promise.all([
      importJWK({ kty, crv, x, d }, Algorithm),
      importJWK(publicJwk, Algorithm),
    ]);
    return new PlatformKey(privateKey as CryptoKey, publicKey as CryptoKey, publicJwk);
  }

  signJob(job: Job, now: number): Promise<string> {
    const claims: JobClaims = {
      iss: JobIssuer,
      aud: job.bridge,
      jti: job.run,
      iat: toUnixSeconds(now),
      exp: toUnixSeconds(now + JobStartMs),
      tenant: job.tenant,
      operation: job.operation,
      model: job.model,
      max_output_tokens: job.maxOutputTokens,
      allow_external: job.allowExternal,
      timeout_ms: job.timeoutMs,
      ticket: job.ticket,
    };
    return this.#signCompact(claims);
  }

  signVisitor(tenant: TenantId, visitor: Visitor, now: number): Promise<string> {
    return new SignJWT({ agent: visitor.agentId })
      .setProtectedHeader({ alg: Algorithm, typ: VisitorTokenType, kid: this.#kid })
      .setIssuer(JobIssuer)
      .setAudience(tenant)
      .setSubject(visitor.visitorId)
      .setIssuedAt(toUnixSeconds(now))
      .setExpirationTime(toUnixSeconds(now + VisitorSessionMs))
      .sign(this.#privateKey);
  }

  /** JWS compact serialisation (RFC 7515, 7.1) by hand: on the hot path, the general way costs three times the signature. */
  async #signCompact(claims: JobClaims): Promise<string> {
    const input = `${this.#jobHeader}.${base64url.encode(JSON.stringify(claims))}`;
    const signature = await crypto.subtle.sign('Ed25519', this.#privateKey, encoder.encode(input));
    return `${input}.${base64url.encode(new Uint8Array(signature))}`;
  }

  /** Undefined where the token is not a session of this tenant that is valid now. */
  async verifyVisitor(token: string, tenant: TenantId, now: number): Promise<Visitor | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        algorithms: [Algorithm],
        typ: VisitorTokenType,
        issuer: JobIssuer,
        audience: tenant,
        requiredClaims: ['sub', 'iat', 'exp'],
        maxTokenAge: VisitorSessionMs / 1000,
        clockTolerance: 5,
        currentDate: new Date(now),
      });
      const claims = visitorClaims.parse(payload);
      if (!isId('visitor', claims.sub) || !isId('agent', claims.agent)) return undefined;
      return { visitorId: claims.sub, agentId: claims.agent };
    } catch {
      return undefined;
    }
  }
}
