/** A machine exchanges the operator's token for the enrolment of a key that it has made, and shows that it holds it. */
import { decodeJwt } from 'jose';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { enrolled, enrolRequest, type EnrolRequest } from '../../../shared/contracts/bridges.ts';
import { TokenTypes } from '../../../shared/contracts/inference.ts';
import { door } from '../../edge/doors.ts';
import { platformKey } from '../../edge/platform-key.ts';
import { readText } from '../../edge/read-body.ts';
import type { RequestContext } from '../../edge/request-context.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { checkClock, openJws, readKid } from './verify-bridge-jws.ts';

export const enrol = publicRoute(
  {
    host: 'apex',
    method: 'POST',
    path: '/bridge/v1/enrol',
    operation: 'enrol',
    summary: 'A machine becomes a bridge. The body is a JWS by the key that it enrols, around the one-time token.',
    tag: 'Bridge',
    surface: 'native',
    rawBody: 'application/jose',
    answer: { status: 201, schema: enrolled },
  },
  async (context) => {
    const request = await readEnrolRequest(context);
    if (!request.ok) return request;
    const key = await platformKey(context.platform);
    const claims = await key.verifyEnrolment(request.value.token);
    if (!claims) {
      return err('invalid_api_key', 'This enrolment token was not made by this platform, or was altered.');
    }
    context.event['enrolment'] = claims.jti;
    const pool = door(context.objects.nodePool());
    const fresh = checkClock(context, request.value.iat);
    if (!fresh.ok) {
      await pool.noteRefusedEnrolment(claims.jti, fresh.failure.message);
      return fresh;
    }
    const made = await pool.enrol(claims.jti, request.value);
    if (!made.ok) return made;
    context.event['bridge'] = made.value.id;
    return ok(
      json({ object: 'bridge_enrolled', bridge: made.value, platform_keys: { keys: [...key.publicJwks] } }, 201),
    );
  },
);

/** The key that signs is the one that is enrolled: nobody enrols a key that they do not hold. */
async function readEnrolRequest(context: RequestContext): Promise<Result<EnrolRequest>> {
  const text = await readText(context.request, Number(context.platform.MAX_BODY_BYTES));
  if (!text.ok) return text;
  const kid = readKid(text.value, TokenTypes.enrol);
  const claimed = kid === undefined ? undefined : enrolRequest.safeParse(readPayload(text.value));
  if (!claimed?.success) return err('invalid_request', 'The body is not an enrolment by a bridge.');
  const request = await openJws(text.value, [claimed.data.public_key.x], enrolRequest);
  return request.ok && request.value.iss !== kid ? err('invalid_request', 'Issuer and key id differ.') : request;
}

function readPayload(jws: string): unknown {
  try {
    return decodeJwt(jws);
  } catch {
    return undefined;
  }
}
