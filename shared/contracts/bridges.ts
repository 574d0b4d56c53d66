/**
 * Bridges as their operator sees them, and how a machine becomes one: the operator mints a token that works once, the
 * machine exchanges it for the registration of a key that it has made itself. Keys change by a message under the present one.
 */
import { z } from 'zod';
import { isId, timeOfId, type BridgeId } from '../core/ids.ts';
import { isoTime } from './common.ts';

/** `tunnel`: the bridge dials out and jobs come through the connection; `http`: the edge calls the bridge's address. */
export const transport = z.enum(['tunnel', 'http']);
export type Transport = z.infer<typeof transport>;

/** A key is replaced by its bridge long before it is too old to be accepted. */
export const KeyRotateAfterMs = 60 * 24 * 60 * 60 * 1000;
export const KeyMaxAgeMs = 90 * 24 * 60 * 60 * 1000;

const bridgeId = z
  .custom<BridgeId>((value) => isId('bridge', value), 'must be a bridge id (brg_…)')
  .meta({ type: 'string' });
const bridgeUrl = z.url({ protocol: /^https?$/ });

export const publicKey = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type PublicKey = z.infer<typeof publicKey>;

export const createEnrolment = z.strictObject({
  name: z.string().trim().min(1).max(100),
  transport: transport.default('tunnel'),
  /** Where the edge reaches a bridge over HTTP; without it, the bridge says so when it enrols. */
  url: bridgeUrl.optional(),
  /** A bridge that is known already: it keeps its id and gets a new key. */
  bridge: bridgeId.optional(),
  expires_in_seconds: z
    .number()
    .int()
    .min(1)
    .max(7 * 86_400)
    .default(3_600),
});
export type CreateEnrolment = z.infer<typeof createEnrolment>;

export const enrolment = z.object({
  object: z.literal('bridge_enrolment'),
  id: z.string(),
  name: z.string(),
  transport,
  bridge: z.string().nullable(),
  status: z.enum(['open', 'used', 'expired']),
  created_at: isoTime,
  expires_at: isoTime,
  used_at: isoTime.nullable(),
  /** How often the token was refused, and why the last time. */
  refusals: z.number().int(),
  last_refusal: z.string().nullable(),
});
export type Enrolment = z.infer<typeof enrolment>;
export const createdEnrolment = enrolment.extend({ token: z.string(), command: z.string() });

export const bridge = z.object({
  object: z.literal('bridge'),
  id: z.string(),
  name: z.string(),
  transport,
  url: z.string().nullable(),
  status: z.enum(['online', 'offline', 'revoked']),
  models: z.array(z.string()),
  registered_at: isoTime,
  last_seen_at: isoTime.nullable(),
  key_expires_at: isoTime.nullable(),
  revoked_at: isoTime.nullable(),
});
export type Bridge = z.infer<typeof bridge>;

export const EnrolmentAudience = 'freehold-bridge';

/** Claims of the token that the operator hands over. The machine reads where to go from it; the platform trusts its seal. */
export const enrolmentClaims = z.object({
  iss: z.string(),
  aud: z.string(),
  jti: z.string(),
  iat: z.number().int(),
  exp: z.number().int(),
  /** The platform's public address. */
  platform: z.url(),
  transport,
  bridge: bridgeId.optional(),
});
export type EnrolmentClaims = z.infer<typeof enrolmentClaims>;

/** Payload of the JWS by which a machine enrols, signed with `public_key`. */
export const enrolRequest = z.object({
  iss: bridgeId,
  iat: z.number().int(),
  token: z.string().max(4_096),
  public_key: publicKey,
  /** The bridge's own address, if it listens. */
  url: bridgeUrl.nullable(),
});
export type EnrolRequest = z.infer<typeof enrolRequest>;

export const enrolled = z.object({
  object: z.literal('bridge_enrolled'),
  bridge,
  /** What job tokens are checked with. */
  platform_keys: z.object({ keys: z.array(z.looseObject({ kty: z.string(), x: z.string() })) }),
});

/** Payload of the JWS by which a bridge replaces its key, signed with the present one. */
export const rotateRequest = z.object({
  iss: z.string(),
  iat: z.number().int(),
  /** A compact JWS of `nextKey` by that key. */
  next: z.string().max(2_048),
});
export const nextKey = z.object({ iss: z.string(), iat: z.number().int(), public_key: publicKey });

export const rotated = z.object({
  object: z.literal('bridge_key'),
  /** Until when the key before is accepted too. */
  previous_until: isoTime,
  expires_at: isoTime,
});

/** Claims of the token that opens a tunnel. */
export const tunnelClaims = z.object({
  iss: bridgeId,
  /** The platform's domain. */
  aud: z.string(),
  jti: z.string().min(16).max(100),
  iat: z.number().int(),
  exp: z.number().int(),
});

/** The edge may go by what it knew for this long. */
const RoutedAfterMs = 2_000;

/**
 * Whether a run's receipt counts: what was admitted on a bridge before it was revoked is owed. The sealed ticket in the
 * receipt proves the run, and the run's id carries its time, so a revoked bridge can claim nothing newer.
 */
export function isOwed(run: string, revokedAt: number | null): boolean {
  return revokedAt === null || timeOfId(run) <= revokedAt + RoutedAfterMs;
}
