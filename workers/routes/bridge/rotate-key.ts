import { toIso } from '../../../shared/core/clock.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { nextKey, rotated, rotateRequest } from '../../../shared/contracts/bridges.ts';
import { TokenTypes } from '../../../shared/contracts/inference.ts';
import { door } from '../../edge/doors.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { openJws, readKid, verifyBridgeJws } from './verify-bridge-jws.ts';
import { decodeJwt } from 'jose';

export const rotateBridgeKey = publicRoute(
  {
    host: 'apex',
    method: 'POST',
    path: '/bridge/v1/rotate',
    operation: 'rotateBridgeKey',
    summary: 'A bridge replaces its key. The body is a JWS by the present key, around one by the next.',
    tag: 'Bridge',
    surface: 'native',
    rawBody: 'application/jose',
    answer: { status: 200, schema: rotated },
  },
  async (context) => {
    const said = await verifyBridgeJws(context, TokenTypes.rotate, rotateRequest);
    if (!said.ok) return said;
    if (said.value.revokedAt !== null) return err('permission_denied', 'This bridge was revoked.');
    const { iss, next } = said.value.claims;
    const key = readNextKey(next, iss);
    const shown = key && (await openJws(next, [key.public_key.x], nextKey));
    if (!shown?.ok) return err('invalid_request', 'The next key is not shown by a signature of its own.');
    const made = await door(context.objects.nodePool()).rotate(iss, shown.value.public_key.x);
    if (!made.ok) return made;
    const { previousUntil, expiresAt } = made.value;
    return ok(json({ object: 'bridge_key', previous_until: toIso(previousUntil), expires_at: toIso(expiresAt) }));
  },
);

/** What it claims; its signature is checked with the key that it names. */
function readNextKey(jws: string, bridge: string) {
  if (readKid(jws, TokenTypes.nextKey) !== bridge) return undefined;
  try {
    const claims = nextKey.safeParse(decodeJwt(jws));
    return claims.success && claims.data.iss === bridge ? claims.data : undefined;
  } catch {
    return undefined;
  }
}
