/**
 * Idempotency-Key (IETF draft): one execution, then its stored answer. The key is scoped by tenant, credential and route.
 * Everything a request mints is derived from the key and the caller's own secret, so that a run which died is taken over
 * as the same run; and the stored answer is sealed under the same secret, so that no plain secret ever lies on disk.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { canonicalJson, type Json } from '../../shared/core/canonical-json.ts';
import type { Random } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { bearerToken, sha256Hex } from './authenticate.ts';
import type { RequestContext } from './request-context.ts';

const MaxKeyLength = 255;
const MaxStoredBytes = 1_000_000;

export type Idempotency = {
  /** Digest that names the record; tells nothing of the key or the credential. */
  readonly scope: string;
  readonly fingerprint: string;
  readonly random: Random;
  readonly seal: (body: string) => string | undefined;
  readonly open: (sealed: string) => string;
};

/** Undefined where the request carries no key. */
export function readIdempotency(
  context: RequestContext,
  operation: string,
  input: { readonly params: unknown; readonly body: unknown },
): Result<Idempotency | undefined> {
  const header = context.request.headers.get('idempotency-key');
  if (header === null) return ok(undefined);
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (key === '' || key.length > MaxKeyLength || !/^[\x21-\x7e]+$/.test(key)) {
    return err('invalid_request', `Idempotency-Key: between 1 and ${MaxKeyLength} visible ASCII characters.`, {
      param: 'Idempotency-Key',
    });
  }
  const secret = Buffer.from(
    hkdfSync('sha256', bearerToken(context.request) ?? '', key, `freehold idempotency ${operation}`, 64),
  );
  const sealKey = secret.subarray(0, 32);
  return ok({
    scope: sha256Hex(`${operation} ${secret.toString('hex')}`),
    // Keyed, since a body can hold a secret that a plain hash would let a reader of the disk guess.
    fingerprint: createHmac('sha256', secret)
      .update(canonicalJson([operation, input.params ?? null, input.body ?? null] as Json))
      .digest('hex'),
    random: seededRandom(secret.subarray(32)),
    seal: (body) => (Buffer.byteLength(body) > MaxStoredBytes ? undefined : seal(sealKey, body)),
    open: (sealed) => open(sealKey, sealed),
  });
}

/** HMAC-SHA256 in counter mode: the same seed gives the same bytes in the same order. */
function seededRandom(seed: Uint8Array): Random {
  let counter = 0;
  return (bytes) => {
    for (let filled = 0; filled < bytes.length; counter++) {
      const block = createHmac('sha256', seed).update(String(counter)).digest();
      bytes.set(block.subarray(0, bytes.length - filled), filled);
      filled += block.length;
    }
    return bytes;
  };
}

function seal(key: Uint8Array, body: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return Buffer.concat([nonce, cipher.update(body, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

function open(key: Uint8Array, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8');
}
