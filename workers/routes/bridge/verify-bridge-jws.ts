/** What a bridge says is a JWS under its registered key, of the expected type, and fresh. The issuer is the bridge. */
import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import type { z } from 'zod';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { toUnixSeconds } from '../../../shared/core/clock.ts';
import { door } from '../../edge/doors.ts';
import { parseJson, readText } from '../../edge/read-body.ts';
import type { RequestContext } from '../../edge/request-context.ts';

const MaxAgeSeconds = 120;

export async function verifyBridgeJws<T extends z.ZodType<{ iss: string; iat: number }>>(
  context: RequestContext,
  typ: string,
  schema: T,
): Promise<Result<{ readonly claims: z.infer<T>; readonly jws: string }>> {
  const text = await readText(context.request, Number(context.platform.MAX_BODY_BYTES));
  if (!text.ok) return text;
  const jws = text.value;
  const kid = readKid(jws, typ);
  if (kid === undefined) return err('invalid_api_key');
  const key = await door(context.objects.nodePool()).findKey(kid);
  if (!key.ok) return key;
  try {
    const { payload } = await compactVerify(jws, await importJWK({ ...key.value }, 'EdDSA'), { algorithms: ['EdDSA'] });
    const json = parseJson(new TextDecoder().decode(payload));
    const claims = json.ok ? schema.safeParse(json.value) : undefined;
    if (!claims?.success) return err('invalid_request', 'The payload is not what its type says.');
    const age = toUnixSeconds(context.clock.now()) - claims.data.iat;
    if (claims.data.iss !== kid || Math.abs(age) > MaxAgeSeconds) return err('invalid_api_key');
    context.event['bridge'] = kid;
    return ok({ claims: claims.data, jws });
  } catch {
    return err('invalid_api_key');
  }
}

function readKid(jws: string, typ: string): string | undefined {
  try {
    const header = decodeProtectedHeader(jws);
    return header.typ === typ && header.alg === 'EdDSA' ? header.kid : undefined;
  } catch {
    return undefined;
  }
}
