/**
 * The platform's own Ed25519 key: signs job and enrolment tokens for bridges, sessions for visitors (EdDSA JWTs, jose).
 * Explicit `typ`, pinned algorithm, issuer and audience: none of these tokens can stand in for another. While the key
 * changes, the one before it is published and believed as well, and signs nothing.
 */
import {
  base64url,
  compactVerify,
  decodeProtectedHeader,
  errors,
  importJWK,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JWK,
} from 'jose';
import { toUnixSeconds } from '../core/clock.ts';
import type { AgentId, BridgeId, RunId, TenantId, VisitorId } from '../core/ids.ts';
import { isId, mintId } from '../core/ids.ts';
import { enrolmentClaims, EnrolmentAudience, type EnrolmentClaims } from '../contracts/bridges.ts';
import { JobIssuer, TokenTypes, type GivenJobKey, type JobClaims } from '../contracts/inference.ts';
import { CertificateType, type DeletionCertificate } from '../contracts/deletions.ts';
import { ForgetCertificateType } from '../contracts/memories.ts';
import { visitorClaims, VisitorTokenType } from '../contracts/sessions.ts';
import { deriveJobKey, type JobKey } from './job-key.ts';
import { JobStartMs } from './reservation.ts';
import { createHmac } from 'node:crypto';

export const VisitorSessionMs = 12 * 60 * 60 * 1000;
const Algorithm = 'EdDSA';
const MaxJobKeys = 1_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

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
  readonly node?: string | undefined;
  readonly lane?: JobClaims['lane'];
  readonly affinity?: string | undefined;
  readonly countAnswer?: boolean;
  readonly cache?: boolean;
  /** The job key that the bridge has announced to hold. */
  readonly jobKey?: string | undefined;
};

export type Visitor = {
  readonly visitorId: VisitorId;
  readonly agentId: AgentId;
  /** The site whose pages alone may use the session. */
  readonly origin?: string | undefined;
};
/** `jti`: null in a session of an earlier release. */
export type VisitorSession = Visitor & { readonly jti: string | null };

type PublicKey = { readonly kid: string; readonly jwk: JWK; readonly key: CryptoKey };

export class PlatformKey {
  readonly #privateKey: CryptoKey;
  readonly #publicKeys: readonly PublicKey[];
  readonly #kid: string;
  readonly #text: string;
  readonly #jobKeys = new Map<string, JobKey & { readonly header: string }>();
  readonly #jobHeader: string;

  private constructor(text: string, privateKey: CryptoKey, publicKeys: readonly [PublicKey, ...PublicKey[]]) {
    this.#text = text;
    this.#privateKey = privateKey;
    this.#publicKeys = publicKeys;
    this.#kid = publicKeys[0].kid;
    this.#jobHeader = base64url.encode(JSON.stringify({ alg: Algorithm, typ: TokenTypes.job, kid: this.#kid }));
  }

  /** `text`: the private key as a JWK (kty OKP, crv Ed25519) with a `kid`. `previous`: the same of the one before it. */
  static async parse(text: string, previous?: string): Promise<PlatformKey> {
    const jwk = requirePrivateJwk(text);
    const before = previous === undefined ? [] : [await toPublicKey(requirePrivateJwk(previous))];
    const current = await toPublicKey(jwk);
    if (before.some(({ kid }) => kid === current.kid)) throw new TypeError('a new platform key needs a kid of its own');
    const privateKey = (await importJWK(jwk, Algorithm)) as CryptoKey;
    return new PlatformKey(text, privateKey, [current, ...before]);
  }

  /** What it takes to check its tokens: the present key first. */
  get publicJwks(): readonly JWK[] {
    return this.#publicKeys.map(({ jwk }) => jwk);
  }

  /** What a bridge is given, so that its jobs need no signature each. */
  jobKeyOf(bridge: BridgeId): GivenJobKey {
    const { kid, secret } = this.#jobKey(bridge);
    return { kid, k: Buffer.from(secret).toString('base64url') };
  }

  signJob(job: Job, now: number): string | Promise<string> {
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
      ...(job.node === undefined ? {} : { node: job.node }),
      ...(job.lane === undefined ? {} : { lane: job.lane }),
      ...(job.affinity === undefined ? {} : { affinity: job.affinity }),
      ...(job.countAnswer ? { count_answer: true } : {}),
      ...(job.cache ? { cache: true } : {}),
    };
    const key = job.jobKey === undefined ? undefined : this.#jobKey(job.bridge);
    // A bridge that holds another key, of before the platform's own was changed, is about to be told.
    return key && key.kid === job.jobKey ? authenticate(claims, key) : this.#signCompact(claims);
  }

  #jobKey(bridge: BridgeId): JobKey & { readonly header: string } {
    const known = this.#jobKeys.get(bridge);
    if (known) return known;
    const key = deriveJobKey(this.#text, bridge);
    const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: TokenTypes.job, kid: key.kid })).toString(
      'base64url',
    );
    if (this.#jobKeys.size >= MaxJobKeys) this.#jobKeys.clear();
    this.#jobKeys.set(bridge, { ...key, header });
    return { ...key, header };
  }

  /** The token that an operator hands to a machine. */
  signEnrolment(claims: EnrolmentClaims): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: Algorithm, typ: TokenTypes.enrolment, kid: this.#kid })
      .sign(this.#privateKey);
  }

  /** Its claims, whether or not it has expired: that is decided where it is looked up. */
  async verifyEnrolment(token: string): Promise<EnrolmentClaims | undefined> {
    for (const { key } of this.#publicKeys) {
      const claims = await openEnrolment(token, key);
      if (claims) return claims;
    }
    return undefined;
  }

  signVisitor(tenant: TenantId, visitor: Visitor, now: number, ttlMs = VisitorSessionMs): Promise<string> {
    return new SignJWT({ agent: visitor.agentId, ...(visitor.origin === undefined ? {} : { origin: visitor.origin }) })
      .setProtectedHeader({ alg: Algorithm, typ: VisitorTokenType, kid: this.#kid })
      .setIssuer(JobIssuer)
      .setAudience(tenant)
      .setSubject(visitor.visitorId)
      .setJti(mintId('session', now))
      .setIssuedAt(toUnixSeconds(now))
      .setExpirationTime(toUnixSeconds(now + ttlMs))
      .sign(this.#privateKey);
  }

  /** The proof that memories were forgotten. It does not expire. */
  signForgetting(claims: Readonly<Record<string, unknown>>): Promise<string> {
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: Algorithm, typ: ForgetCertificateType, kid: this.#kid })
      .setIssuer(JobIssuer)
      .sign(this.#privateKey);
  }

  /** The proof that a tenant was deleted. It does not expire. */
  signCertificate(certificate: DeletionCertificate): Promise<string> {
    return new SignJWT({ ...certificate })
      .setProtectedHeader({ alg: Algorithm, typ: CertificateType, kid: this.#kid })
      .sign(this.#privateKey);
  }

  /** JWS compact serialisation (RFC 7515, 7.1) by hand: on the hot path, the general way costs three times the signature. */
  async #signCompact(claims: JobClaims): Promise<string> {
    const input = `${this.#jobHeader}.${base64url.encode(JSON.stringify(claims))}`;
    const signature = await crypto.subtle.sign('Ed25519', this.#privateKey, encoder.encode(input));
    return `${input}.${base64url.encode(new Uint8Array(signature))}`;
  }

  /** Undefined where the token is not a session of this tenant that is valid now. */
  async verifyVisitor(token: string, tenant: TenantId, now: number): Promise<VisitorSession | undefined> {
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => this.#findPublic(kid), {
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
      return { visitorId: claims.sub, agentId: claims.agent, origin: claims.origin, jti: claims.jti ?? null };
    } catch {
      return undefined;
    }
  }

  #findPublic(kid: string | undefined): CryptoKey {
    const found = this.#publicKeys.find((each) => each.kid === kid);
    if (!found) throw new errors.JWKSNoMatchingKey();
    return found.key;
  }
}

/** The same JWS by the bridge's symmetric key. */
function authenticate(claims: JobClaims, { header, secret }: JobKey & { readonly header: string }): string {
  const input = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

function requirePrivateJwk(text: string): JWK & { readonly kid: string } {
  const { kty, crv, x, kid, d } = JSON.parse(text) as JWK;
  if (kty !== 'OKP' || crv !== 'Ed25519' || !x || !d || !kid) {
    throw new TypeError('PLATFORM_SIGNING_KEY must be a private Ed25519 JWK with a kid');
  }
  return { kty, crv, x, kid, d };
}

async function toPublicKey({ kty, crv, x, kid }: JWK & { readonly kid: string }): Promise<PublicKey> {
  const published = { kty, crv, x, kid, alg: Algorithm, use: 'sig' } as JWK;
  return { kid, jwk: published, key: (await importJWK(published, Algorithm)) as CryptoKey };
}

async function openEnrolment(token: string, key: CryptoKey): Promise<EnrolmentClaims | undefined> {
  try {
    const { payload } = await compactVerify(token, key, { algorithms: [Algorithm] });
    if (decodeProtectedHeader(token).typ !== TokenTypes.enrolment) return undefined;
    const claims = enrolmentClaims.safeParse(JSON.parse(decoder.decode(payload)));
    return claims.success && claims.data.aud === EnrolmentAudience ? claims.data : undefined;
  } catch {
    return undefined;
  }
}
