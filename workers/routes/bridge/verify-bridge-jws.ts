/**
 * What a bridge says is a JWS under one of its keys that count now, of the expected type, and fresh. The issuer is the
 * bridge. Only who has shown the key learns what is wrong with bridge or clock.
 */
import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import type { z } from 'zod';
import { parseJson } from '../../../shared/core/parse-json.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { toUnixSeconds } from '../../../shared/core/clock.ts';
import { MaxClockSkewSeconds } from '../../../shared/contracts/inference.ts';
import { door } from '../../edge/doors.ts';
import { readText } from '../../edge/read-body.ts';
import type { RequestContext } from '../../edge/request-context.ts';

export type BridgeSaid<T> = {
  readonly claims: T;
  readonly jws: string;
  /** When the bridge was revoked; null where it was not. */
  readonly revokedAt: number | null;
};

export async function verifyBridgeJws<T extends z.ZodType<{ iss: string; iat: number }>>(
  context: RequestContext,
  typ: string,
  schema: T,
): Promise<Result<BridgeSaid<z.infer<T>>>> {
  const text = await readText(context.request, Number(context.platform.MAX_BODY_BYTES));
  return text.ok ? verifyBridgeToken(context, text.value, typ, schema) : text;
}

export async function verifyBridgeToken<T extends z.ZodType<{ iss: string; iat: number }>>(
  context: RequestContext,
  jws: string,
  typ: string,
  schema: T,
): Promise<Result<BridgeSaid<z.infer<T>>>> {
  const kid = readKid(jws, typ);
  if (kid === undefined) return err('invalid_api_key');
  const known = await door(context.objects.nodePool()).findKeys(kid);
  if (!known.ok) return known;
  const { keys, revokedAt } = known.value;
  const claims = await openJws(jws, keys, schema);
  if (!claims.ok) return claims;
  if (claims.value.iss !== kid) return err('invalid_api_key');
  const fresh = checkClock(context, claims.value.iat);
  if (!fresh.ok) return fresh;
  context.event['bridge'] = kid;
  return ok({ claims: claims.value, jws, revokedAt });
}

/** The payload, if one of the keys has signed it. */
export async function openJws<T extends z.ZodType>(
  jws: string,
  keys: readonly string[],
  schema: T,
): Promise<Result<z.infer<T>>> {
  for (const x of keys) {
    const payload = await verifyWith(jws, x);
    if (!payload) continue;
    const json = parseJson(new TextDecoder().decode(payload));
    const claims = json.ok ? schema.safeParse(json.value) : undefined;
    return claims?.success ? ok(claims.data) : err('invalid_request', 'The payload is not what its type says.');
  }
  return err('invalid_api_key', "The signature is not by this bridge's key.");
}

async function verifyWith(jws: string, x: string): Promise<Uint8Array | undefined> {
  try {
    const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA');
    return (await compactVerify(jws, key, { algorithms: ['EdDSA'] })).payload;
  } catch {
    return undefined;
  }
}

export function checkClock(context: RequestContext, iat: number): Result<undefined> {
  const ahead = iat - toUnixSeconds(context.clock.now());
  if (Math.abs(ahead) <= MaxClockSkewSeconds) return ok();
  const off = `${Math.abs(ahead)} seconds ${ahead > 0 ? 'ahead of' : 'behind'}`;
  return err(
    'invalid_api_key',
    `The clock of the bridge is ${off} the platform's; at most ${MaxClockSkewSeconds} are allowed. Set it by NTP.`,
  );
}

export function readKid(jws: string, typ: string): string | undefined {
  try {
    const header = decodeProtectedHeader(jws);
    return header.typ === typ && header.alg === 'EdDSA' ? header.kid : undefined;
  } catch {
    return undefined;
  }
}
