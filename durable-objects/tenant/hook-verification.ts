/**
 * Whether a request comes from whom a hook expects, by the sender's own scheme: over the bytes that came, in constant
 * time, and within five minutes of its time where it is signed with one. And by what a delivery is known again.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { HookRequest, HookScheme, HookVerification } from '../../shared/contracts/hooks.ts';
import {
  findSignatureFault,
  findWebhookKeyFault,
  isTimely,
  type SignatureFault,
} from '../../shared/core/standard-webhooks.ts';

/** Signatures of one header that are looked at. */
const MaxSignatures = 16;

/** What is wrong with a secret for this scheme; undefined where it fits. */
export function findSecretFault(scheme: HookScheme, secret: string): string | undefined {
  switch (scheme) {
    case 'standard_webhooks':
      return secret.startsWith('whsk_') ? 'is a key to sign with; give the whpk_' : findWebhookKeyFault(secret);
    case 'discord':
      return /^[0-9a-f]{64}$/.test(secret) ? undefined : "is not the application's public key, 64 hexadecimal digits";
    default:
      return /^[\x21-\x7e]+$/.test(secret) ? undefined : 'holds white space or characters beyond ASCII';
  }
}

/** Whether the receiver chooses the secret, so that one can be minted. */
export function isSecretOurs(scheme: HookScheme): boolean {
  return scheme !== 'slack' && scheme !== 'discord' && scheme !== 'stripe';
}

export async function findRequestFault(
  verification: HookVerification,
  secret: string,
  { headers, body }: HookRequest,
  now: number,
): Promise<SignatureFault | undefined> {
  const header = (name: string) => headers[name] ?? null;
  switch (verification.scheme) {
    case 'standard_webhooks':
      return findSignatureFault(
        {
          id: header('webhook-id'),
          timestamp: header('webhook-timestamp'),
          signature: header('webhook-signature'),
          body,
        },
        [secret],
        now,
      );
    case 'github':
      return compare(withoutPrefix(header('x-hub-signature-256'), 'sha256='), 'hex', hmac('sha256', secret, body));
    case 'gitlab':
      return compareToken(header('x-gitlab-token'), secret);
    case 'slack': {
      const timestamp = header('x-slack-request-timestamp');
      const signature = withoutPrefix(header('x-slack-signature'), 'v0=');
      return (
        findTimeFault(timestamp, now) ?? compare(signature, 'hex', hmac('sha256', secret, `v0:${timestamp}:`, body))
      );
    }
    case 'discord': {
      const timestamp = header('x-signature-timestamp');
      const fault = findTimeFault(timestamp, now);
      return (
        fault ?? findEd25519Fault(header('x-signature-ed25519'), secret, Buffer.concat([Buffer.from(timestamp!), body]))
      );
    }
    case 'stripe':
      return findStripeFault(header('stripe-signature'), secret, body, now);
    case 'hmac': {
      const { algorithm, encoding, prefix, timestamp_header } = verification;
      const timestamp = timestamp_header === null ? undefined : header(timestamp_header);
      const fault = timestamp === undefined ? undefined : findTimeFault(timestamp, now);
      const signed = timestamp === undefined ? [body] : [`${timestamp}.`, body];
      const signature = withoutPrefix(header(verification.header), prefix);
      return fault ?? compare(signature, encoding, hmac(algorithm, secret, ...signed));
    }
    case 'bearer':
      return compareToken(withoutPrefix(header('authorization'), 'Bearer '), secret);
  }
}

/** How a delivery is shown and known again. */
export type DeliveryIdentity = {
  /** The sender's name for it. */
  readonly id: string | null;
  readonly event: string | null;
  /** Digests: a request with one of them is the same delivery. */
  readonly keys: readonly string[];
};

/**
 * A name that is signed is enough. One in a header that is not signed could be changed by whoever replays a request, so
 * there what was signed counts as well. A bearer's request is not signed at all: only its name counts.
 */
export function identify(
  verification: HookVerification,
  { headers, body }: HookRequest,
  payload: unknown,
): DeliveryIdentity {
  const header = (name: string | null) => (name === null ? null : (headers[name] ?? null));
  const member = (name: string) => text((payload as Record<string, unknown> | null)?.[name]);
  const known = (id: string | null, event: string | null, signed: string | null) => ({
    id: id?.slice(0, 200) ?? null,
    event: event?.slice(0, 200) ?? null,
    keys: [...(id === null ? [] : [digest('id', id)]), ...(signed === null ? [] : [digest('signed', signed, body)])],
  });
  switch (verification.scheme) {
    case 'standard_webhooks':
      return known(header('webhook-id'), member('type'), null);
    case 'github':
      return known(header('x-github-delivery'), header('x-github-event'), '');
    case 'gitlab': {
      const id = header('idempotency-key');
      return known(id, header('x-gitlab-event'), id === null ? '' : null);
    }
    case 'slack': {
      const { event } = (payload ?? {}) as { event?: { type?: unknown } | null };
      const id = member('event_id');
      return known(
        id,
        text(event?.type) ?? member('command') ?? member('type'),
        id === null ? headers['x-slack-request-timestamp']! : null,
      );
    }
    case 'discord': {
      const id = member('id');
      return known(id, discordEvent(payload), id === null ? headers['x-signature-timestamp']! : null);
    }
    case 'stripe': {
      const id = member('id');
      return known(id, member('type'), id === null ? '' : null);
    }
    case 'hmac':
      return known(
        header(verification.delivery_id_header),
        member('type'),
        header(verification.timestamp_header) ?? '',
      );
    case 'bearer':
      return known(header(verification.delivery_id_header), member('type'), null);
  }
}

function discordEvent(payload: unknown): string | null {
  const { event, data } = (payload ?? {}) as { event?: { type?: unknown } | null; data?: { name?: unknown } | null };
  return text(event?.type) ?? text(data?.name);
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function findTimeFault(timestamp: string | null, now: number): SignatureFault | undefined {
  if (timestamp === null) return 'missing';
  if (!/^\d{1,12}$/.test(timestamp)) return 'malformed';
  return isTimely(Number(timestamp), now) ? undefined : 'clock';
}

/** `t=1492774577,v1=…,v1=…`: one of the signatures has to fit. */
function findStripeFault(
  header: string | null,
  secret: string,
  body: Uint8Array,
  now: number,
): SignatureFault | undefined {
  if (header === null) return 'missing';
  const pairs = header.split(',', MaxSignatures).map((pair) => pair.trim().split('=', 2) as [string, string?]);
  const timestamp = pairs.find(([name]) => name === 't')?.[1] ?? null;
  const fault = findTimeFault(timestamp, now);
  if (fault) return fault;
  const expected = hmac('sha256', secret, `${timestamp}.`, body);
  const faults = pairs.filter(([name]) => name === 'v1').map(([, value = '']) => compare(value, 'hex', expected));
  return faults.length === 0 ? 'missing' : faults.includes(undefined) ? undefined : 'mismatch';
}

async function findEd25519Fault(
  signature: string | null,
  publicKey: string,
  signed: Buffer<ArrayBuffer>,
): Promise<SignatureFault | undefined> {
  if (signature === null) return 'missing';
  if (!/^[0-9a-f]{128}$/i.test(signature)) return 'malformed';
  const key = await crypto.subtle.importKey('raw', Buffer.from(publicKey, 'hex'), 'Ed25519', false, ['verify']);
  const fits = await crypto.subtle.verify('Ed25519', key, Buffer.from(signature, 'hex'), signed);
  return fits ? undefined : 'mismatch';
}

function hmac(algorithm: string, secret: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const mac = createHmac(algorithm, secret);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function compare(signature: string | null, encoding: 'hex' | 'base64', expected: Buffer): SignatureFault | undefined {
  if (signature === null) return 'missing';
  const given = Buffer.from(signature, encoding);
  // What decodes to fewer bytes than it has characters for was none; a digest's length is no secret.
  if (given.toString(encoding) !== (encoding === 'hex' ? signature.toLowerCase() : signature)) return 'malformed';
  if (given.byteLength !== expected.byteLength) return 'malformed';
  return timingSafeEqual(given, expected) ? undefined : 'mismatch';
}

/** By their digests, so that not even the length of the secret shows. */
function compareToken(given: string | null, secret: string): SignatureFault | undefined {
  if (given === null) return 'missing';
  const hash = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(hash(given), hash(secret)) ? undefined : 'mismatch';
}

function withoutPrefix(value: string | null, prefix: string): string | null {
  if (value === null) return null;
  return value.startsWith(prefix) ? value.slice(prefix.length) : '';
}

function digest(kind: string, name: string, body?: Uint8Array): string {
  const hash = createHash('sha256').update(`${kind}\0${name}\0`);
  return (body ? hash.update(body) : hash).digest('base64url');
}
