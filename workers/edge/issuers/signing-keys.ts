/**
 * The public signing keys of a JSON Web Key Set. A key of the wrong kind, for another use, too short, or with its
 * private or secret part in it, is as if it were not there.
 */
import { importJWK, type CryptoKey, type JWK } from 'jose';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { TokenAlgorithm } from '../../../shared/contracts/issuers.ts';
import type { JsonObject } from './fetch-document.ts';

const MaxKeys = 100;
export const MaxKidLength = 256;
/** 2,048 to 8,192 bits, in base64url. */
const ModulusLength = { min: 342, max: 1_366 };
const SecretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

type KeyShape = { readonly kty: string; readonly crv?: string };
const shapes: Readonly<Record<TokenAlgorithm, KeyShape>> = {
  RS256: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
};

export class SigningKeys {
  readonly #byKid: ReadonlyMap<string, readonly JWK[]>;
  readonly #imported = new Map<string, CryptoKey>();

  private constructor(keys: readonly JWK[]) {
    this.#byKid = Map.groupBy(keys, (key) => key.kid!);
  }

  static parse(document: JsonObject): Result<SigningKeys> {
    const { keys } = document;
    if (!Array.isArray(keys) || keys.length > MaxKeys) {
      return err('service_unavailable', undefined, { reason: 'the key set is none, or too long' });
    }
    return ok(new SigningKeys(keys.filter(isPublicSigningKey)));
  }

  has(kid: string): boolean {
    return this.#byKid.has(kid);
  }

  /** The one key of this id that fits the algorithm. */
  async find(kid: string, algorithm: TokenAlgorithm): Promise<CryptoKey | undefined> {
    const { kty, crv } = shapes[algorithm];
    const fitting = (this.#byKid.get(kid) ?? []).filter(
      (key) => key.kty === kty && (!crv || key.crv === crv) && (key.alg === undefined || key.alg === algorithm),
    );
    const [key] = fitting;
    if (!key || fitting.length > 1) return undefined;
    const name = `${algorithm} ${kid}`;
    const known = this.#imported.get(name);
    if (known) return known;
    try {
      const imported = (await importJWK(key, algorithm)) as CryptoKey;
      this.#imported.set(name, imported);
      return imported;
    } catch {
      return undefined;
    }
  }
}

function isPublicSigningKey(value: unknown): value is JWK {
  if (typeof value !== 'object' || value === null) return false;
  const key = value as JWK;
  const { kid, use, key_ops: operations } = key;
  if (typeof kid !== 'string' || kid === '' || kid.length > MaxKidLength) return false;
  if (use !== undefined && use !== 'sig') return false;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return false;
  if (SecretMembers.some((name) => Object.hasOwn(key, name))) return false;
  if (key.kty === 'RSA') {
    const length = typeof key.n === 'string' ? key.n.length : 0;
    return length >= ModulusLength.min && length <= ModulusLength.max;
  }
  return Object.values(shapes).some(({ kty, crv }) => kty === key.kty && crv === key.crv);
}
