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
import { requireAllowedOrigin } from './cross-origin.ts';
import { platformKey } from './platform-key.ts';
import type { RequestContext } from './request-context.ts';

const MaxTokenLength = 8_192;
const MaxTakenApart = 1_000;
const takenApart = new Map<string, Credential>();
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
  const key = takeApart(token);
  if (key) return ok(key);
  if (!token.startsWith('ey')) return err('invalid_api_key');
  if (!isVisitorSession(token)) return authenticateUser(context, tenantId, token);
  const platform = await platformKey(context.platform);
  const visitor = await platform.verifyVisitor(token, tenantId, context.clock.now());
  if (!visitor) return err('invalid_api_key');
  const { visitorId, agentId, origin, jti } = visitor;
  const asking = context.request.headers.get('origin');
  const isElsewhere = origin !== undefined && asking !== null && asking !== origin;
  if (isElsewhere) return err('invalid_api_key', undefined, { reason: 'the session is bound to another origin' });
  const allowed = await requireAllowedOrigin(context, tenantId);
  return allowed.ok ? ok({ kind: 'visitor', visitorId, agentId, jti }) : allowed;
}

/** Checksum and hash of a key are the same each time; what is remembered says nothing of whether the key holds. */
function takeApart(token: string): Credential | undefined {
  const known = takenApart.get(token);
  if (known) return known;
  const keyId = parseApiKey(token);
  if (!keyId) return undefined;
  const key: Credential = { kind: 'key', keyId, secretHash: sha256Hex(token) };
  if (takenApart.size >= MaxTakenApart) takenApart.clear();
  takenApart.set(token, key);
  return key;
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
