/**
 * Standard Webhooks 1.0, both directions: `id.timestamp.body` under HMAC-SHA256 (`v1`, secrets `whsec_…`) and Ed25519
 * (`v1a`, keys `whsk_…` to sign with and `whpk_…` to verify with). Pure but for WebCrypto, which compares in constant
 * time. The body is signed as the bytes that travel, never as what they parse to.
 */
import type { Random } from './ids.ts';
import { systemRandom } from './ids.ts';
import { err, ok, type Result } from './result.ts';

export const WebhookToleranceSeconds = 300;
const MaxSignatures = 16;
const Seed = 32;
/** The ASN.1 in front of a seed that makes it PKCS #8. */
const Pkcs8Head = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

type Bytes = Uint8Array<ArrayBuffer>;

export type WebhookMessage = {
  readonly id: string;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly body: string | Bytes;
};

/** `whsec_`, 32 random bytes. */
export function mintWebhookSecret(random: Random = systemRandom): string {
  return `whsec_${encodeBase64(random(new Uint8Array(32)))}`;
}

export async function mintWebhookKeyPair(
  random: Random = systemRandom,
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const seed = random(new Uint8Array(Seed));
  const key = await importSeed(seed, true);
  const { x } = (await crypto.subtle.exportKey('jwk', key)) as { x?: string };
  const publicKey = decodeBase64(x!.replaceAll('-', '+').replaceAll('_', '/').concat('='))!;
  return {
    privateKey: `whsk_${encodeBase64(concat(seed, publicKey))}`,
    publicKey: `whpk_${encodeBase64(publicKey)}`,
  };
}

/** What is wrong with a secret or key, by its prefix: `whsec_` 24 to 64 bytes, `whsk_` 64 (or 32), `whpk_` 32. */
export function findWebhookKeyFault(text: string): string | undefined {
  return parseKey(text) ? undefined : 'is no whsec_ with 24 to 64 bytes, no whsk_ and no whpk_, each in base64';
}

/** The value of `webhook-signature`: one signature for each secret (`whsec_`) or private key (`whsk_`). */
export async function signWebhook(message: WebhookMessage, keys: readonly string[]): Promise<Result<string>> {
  const content = signedContent(message.id, String(message.timestamp), message.body);
  const signatures: string[] = [];
  for (const text of keys) {
    const key = parseKey(text);
    if (!key || key.kind === 'whpk') return err('invalid_request', 'A webhook secret is not one to sign with.');
    const signed =
      key.kind === 'whsec'
        ? await crypto.subtle.sign('HMAC', await importHmac(key.bytes, 'sign'), content)
        : await crypto.subtle.sign('Ed25519', await importSeed(key.bytes.slice(0, Seed)), content);
    signatures.push(`${key.kind === 'whsec' ? 'v1' : 'v1a'},${encodeBase64(new Uint8Array(signed))}`);
  }
  return ok(signatures.join(' '));
}

export type SignedWebhook = {
  readonly id: string | null;
  readonly timestamp: string | null;
  readonly signature: string | null;
  readonly body: string | Bytes;
};

/** Why a message is not accepted. `clock`: signed too long ago, or too far ahead. */
export type SignatureFault = 'missing' | 'malformed' | 'clock' | 'mismatch';

/** Undefined where one signature fits one of the secrets (`whsec_`) or public keys (`whpk_`), and the time is near. */
export async function findSignatureFault(
  message: SignedWebhook,
  keys: readonly string[],
  nowMs: number,
): Promise<SignatureFault | undefined> {
  const { id, timestamp, signature, body } = message;
  if (!id || !timestamp || !signature) return 'missing';
  if (!/^\d{1,12}$/.test(timestamp)) return 'malformed';
  if (!isTimely(Number(timestamp), nowMs)) return 'clock';
  const content = signedContent(id, timestamp, body);
  for (const one of signature.split(' ').slice(0, MaxSignatures)) {
    const comma = one.indexOf(',');
    const version = one.slice(0, comma);
    const signed = decodeBase64(one.slice(comma + 1));
    if (!signed) continue;
    for (const text of keys) {
      const key = parseKey(text);
      if (key && (await fits(key, version, signed, content))) return undefined;
    }
  }
  return 'mismatch';
}

/** Whether a signature's time, in Unix seconds, is within the tolerance. */
export function isTimely(timestamp: number, nowMs: number): boolean {
  return Math.abs(Math.floor(nowMs / 1000) - timestamp) <= WebhookToleranceSeconds;
}

async function fits(key: Key, version: string, signed: Bytes, content: Bytes): Promise<boolean> {
  if (version === 'v1' && key.kind === 'whsec')
    return crypto.subtle.verify('HMAC', await importHmac(key.bytes, 'verify'), signed, content);
  if (version !== 'v1a' || key.kind !== 'whpk' || signed.byteLength !== 64) return false;
  const publicKey = await crypto.subtle.importKey('raw', key.bytes, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', publicKey, signed, content);
}

type Key = { readonly kind: 'whsec' | 'whsk' | 'whpk'; readonly bytes: Bytes };

function parseKey(text: string): Key | undefined {
  const [, kind, encoded] = /^(whsec|whsk|whpk)_(.*)$/.exec(text) ?? [];
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  if (!bytes) return undefined;
  const size = bytes.byteLength;
  const fitting = kind === 'whsec' ? size >= 24 && size <= 64 : size === 32 || (kind === 'whsk' && size === 64);
  return fitting ? { kind: kind as Key['kind'], bytes } : undefined;
}

function signedContent(id: string, timestamp: string, body: string | Bytes): Bytes {
  const encoder = new TextEncoder();
  return concat(encoder.encode(`${id}.${timestamp}.`), typeof body === 'string' ? encoder.encode(body) : body);
}

function importHmac(bytes: Bytes, use: 'sign' | 'verify'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, [use]);
}

function importSeed(seed: Bytes, extractable = false): Promise<CryptoKey> {
  return crypto.subtle.importKey('pkcs8', concat(new Uint8Array(Pkcs8Head), seed), 'Ed25519', extractable, ['sign']);
}

function concat(head: Uint8Array, tail: Uint8Array): Bytes {
  const whole = new Uint8Array(head.byteLength + tail.byteLength);
  whole.set(head);
  whole.set(tail, head.byteLength);
  return whole;
}

function encodeBase64(bytes: Bytes): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Only the one spelling that encoding gives. */
function decodeBase64(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  return encodeBase64(bytes) === text ? bytes : undefined;
}
