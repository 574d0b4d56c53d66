/**
 * Envelope encryption of a tenant's secrets: a value under the tenant's data key, the data key under a key-encryption key
 * that is derived from the platform's own. AES-256-GCM with a random nonce each time; what a text is and where it belongs
 * (tenant, name, version, generation of the key) is authenticated with it, so nothing sealed opens in another's place.
 */
import { createCipheriv, createDecipheriv, hkdfSync, scryptSync } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Random } from '../core/ids.ts';

const KeyBytes = 32;
const NonceBytes = 12;
const TagBytes = 16;
const ScryptCost = { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 };
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export type Sealed = Uint8Array<ArrayBuffer>;
type Key = Uint8Array<ArrayBuffer>;

/** What a sealed text is, in words; no two kinds have the same. */
type Belonging = readonly (string | number)[];

/** A key that data keys are wrapped under. */
class WrappingKey {
  readonly #key: Key;

  protected constructor(key: Key) {
    this.#key = key;
  }

  wrap(tenant: string, dataKey: DataKey, random: Random): Sealed {
    return seal(this.#key, dataKeyBelonging(tenant, dataKey.generation), dataKey.bytes, random);
  }

  /** Undefined where it was not wrapped by this key for this tenant and generation. */
  unwrap(tenant: string, generation: number, wrapped: Uint8Array): DataKey | undefined {
    const bytes = open(this.#key, dataKeyBelonging(tenant, generation), wrapped);
    return bytes?.length === KeyBytes ? new DataKey(generation, bytes) : undefined;
  }
}

/** The platform's key-encryption key. */
export class KeyEncryptionKey extends WrappingKey {
  /** Tells which platform key wrapped a data key; says nothing of the key itself. */
  readonly id: string;

  /** `signingKey`: the platform's private key as a JWK. */
  constructor(signingKey: string) {
    const { d } = JSON.parse(signingKey) as { readonly d: string };
    const derive = (info: string, bytes: number) =>
      new Uint8Array(hkdfSync('sha256', Buffer.from(d, 'base64url'), '', info, bytes));
    super(derive('freehold secrets key-encryption key', KeyBytes));
    this.id = Buffer.from(derive('freehold secrets key-encryption key id', 8)).toString('hex');
  }
}

/** For an archive: a data key that travels. The derivation is slow on purpose (scrypt, 32 MB). */
export class PassphraseKey extends WrappingKey {
  constructor(passphrase: string, salt: Uint8Array) {
    super(new Uint8Array(scryptSync(passphrase.normalize('NFC'), salt, KeyBytes, ScryptCost)));
  }
}

/** A tenant's data key, in the clear for as long as one operation takes. */
export class DataKey {
  readonly generation: number;
  readonly bytes: Key;

  constructor(generation: number, bytes: Key) {
    this.generation = generation;
    this.bytes = bytes;
  }

  static generate(generation: number, random: Random): DataKey {
    return new DataKey(generation, random(new Uint8Array(KeyBytes)));
  }

  seal(tenant: string, name: string, version: number, value: string, random: Random): Sealed {
    return seal(this.bytes, secretBelonging(tenant, name, version), encoder.encode(value), random);
  }

  /** Undefined where it was not sealed by this key for this place. */
  open(tenant: string, name: string, version: number, sealed: Uint8Array): string | undefined {
    const bytes = open(this.bytes, secretBelonging(tenant, name, version), sealed);
    return bytes && decoder.decode(bytes);
  }
}

function dataKeyBelonging(tenant: string, generation: number): Belonging {
  return ['freehold data key', 1, tenant, generation];
}

function secretBelonging(tenant: string, name: string, version: number): Belonging {
  return ['freehold secret', 1, tenant, name, version];
}

/** nonce, ciphertext, tag. */
function seal(key: Key, belonging: Belonging, plain: Uint8Array, random: Random): Sealed {
  const nonce = random(new Uint8Array(NonceBytes));
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(canonicalJson(belonging)));
  return new Uint8Array(Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
}

function open(key: Key, belonging: Belonging, sealed: Uint8Array): Key | undefined {
  if (sealed.length < NonceBytes + TagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NonceBytes), { authTagLength: TagBytes });
  decipher.setAAD(Buffer.from(canonicalJson(belonging)));
  decipher.setAuthTag(sealed.subarray(sealed.length - TagBytes));
  try {
    const plain = decipher.update(sealed.subarray(NonceBytes, sealed.length - TagBytes));
    return new Uint8Array(Buffer.concat([plain, decipher.final()]));
  } catch {
    return undefined;
  }
}
