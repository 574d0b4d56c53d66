/**
 * What credential a request carries. A key is only taken apart here; whether it holds, the tenant's object decides.
 * A visitor's session is a JWT of the platform, bound to this tenant; any other JWT has to be of an issuer that the
 * tenant has registered. Every failure has the same text.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { parseApiKey } from '../../shared/core/api-key.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { Credential } from '../../shared/contracts/admission.ts';
import { VisitorTokenType } from '../../shared/contracts/sessions.ts';
import { authenticateUser } from './issuers/authenticate-user.ts';
import { platformKey } from './platform-key.ts';
import type { RequestContext } from './request-context.ts';

const MaxTokenLength = 8_192;
const Bearer = /^bearer +([\x21-\x7e]+) *$/i;

export function bearerToken(request: Request): string | undefined {
  const header = request.headers.get('authorization');
  return header !== null && header.length <= MaxTokenLength ? Bearer.exec(header)?.[1] : undefined;
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

export async function authenticate(context: RequestContext, tenantId: TenantId): Promise<Result<Credential>> {
  const token = bearerToken(context.request);
  if (token === undefined) return err('invalid_api_key');
  const keyId = parseApiKey(token);
  if (keyId) return ok({ kind: 'key', keyId, secretHash: sha256Hex(token) });
  if (!token.startsWith('ey')) return err('invalid_api_key');
  if (!isVisitorSession(token)) return authenticateUser(context, tenantId, token);
  const key = await platformKey(context.platform);
  const visitor = await key.verifyVisitor(token, tenantId, context.clock.now());
  return visitor ? ok({ kind: 'visitor', ...visitor }) : err('invalid_api_key');
}

/** By what the token says of itself: it chooses the check, and passes neither by it. */
function isVisitorSession(token: string): boolean {
  try {
    return decodeProtectedHeader(token).typ === VisitorTokenType;
  } catch {
    return false;
  }
}

export function authenticateOperator(context: RequestContext): Result<undefined> {
  const token = bearerToken(context.request);
  const expected = context.platform.OPERATOR_TOKEN_SHA256;
  const matches =
    token !== undefined &&
    expected.length === 64 &&
    timingSafeEqual(Buffer.from(sha256Hex(token)), Buffer.from(expected.toLowerCase()));
  return matches ? ok() : err('invalid_api_key');
}
