/**
 * The bridge's identity: its id and Ed25519 key, made on this machine and kept in the data directory, readable by its
 * owner only. A key never leaves the machine; its successor lies beside it until the platform has accepted that.
 */
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import { z } from 'zod';
import { isId, mintId, type BridgeId } from '../shared/core/ids.ts';
import { KeyRotateAfterMs, type PublicKey } from '../shared/contracts/bridges.ts';
import type { BridgeKey } from './platform-client.ts';
import { replaceFile } from './replace-file.ts';

export const bridgePrivateJwk = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().min(1),
  d: z.string().min(1),
  kid: z.string().optional(),
  /** When the key was made, in milliseconds. */
  made_at: z.number().int().optional(),
});
export type BridgePrivateJwk = z.infer<typeof bridgePrivateJwk>;

export type BridgeIdentity = BridgeKey & {
  readonly id: BridgeId;
  readonly publicKey: PublicKey;
  readonly madeAt: number;
};

const keyPath = (dataDir: string) => join(dataDir, 'bridge-key.json');
const nextKeyPath = (dataDir: string) => join(dataDir, 'bridge-key.next.json');

export async function loadBridgeIdentity(options: {
  readonly dataDir: string;
  readonly id: BridgeId | undefined;
  readonly privateJwk: BridgePrivateJwk | undefined;
  readonly now: number;
}): Promise<BridgeIdentity> {
  const path = keyPath(options.dataDir);
  const jwk =
    options.privateJwk ??
    (await readKey(path)) ??
    (await makeKey(path, options.id ?? mintId('bridge', options.now), options.now));
  const kept = isId('bridge', jwk.kid) ? jwk.kid : undefined;
  const id = options.id ?? kept;
  if (!id) throw new Error(`${path}: "kid" is not a bridge id, and FREEHOLD_BRIDGE_ID is not set`);
  return toIdentity(jwk, id);
}

/** Undefined where this machine has no key yet. */
export async function findBridgeIdentity(dataDir: string): Promise<BridgeIdentity | undefined> {
  const jwk = await readKey(keyPath(dataDir));
  return jwk && isId('bridge', jwk.kid) ? toIdentity(jwk, jwk.kid) : undefined;
}

/** The key that is to follow: what an earlier attempt has left, or a new one. */
export async function prepareNextIdentity(dataDir: string, id: BridgeId, now: number): Promise<BridgeIdentity> {
  const path = nextKeyPath(dataDir);
  return toIdentity((await readKey(path)) ?? (await makeKey(path, id, now)), id);
}

export async function hasNextIdentity(dataDir: string): Promise<boolean> {
  return (await readKey(nextKeyPath(dataDir))) !== undefined;
}

/** From now on the next key is the key. Another process may have said so first. */
export async function adoptNextIdentity(dataDir: string): Promise<void> {
  await rename(nextKeyPath(dataDir), keyPath(dataDir)).catch(ignoreMissing);
}

export async function discardNextIdentity(dataDir: string): Promise<void> {
  await rm(nextKeyPath(dataDir), { force: true });
}

export function isDueForRotation(identity: BridgeIdentity, now: number): boolean {
  return now - identity.madeAt >= KeyRotateAfterMs;
}

/** The identity that is in force, also after another process has replaced it. */
export class IdentityKeeper {
  readonly #dataDir: string;
  #current: BridgeIdentity;
  /** Which file was read last: its time alone is too coarse to tell two apart. */
  #read = '';

  constructor(dataDir: string, current: BridgeIdentity) {
    this.#dataDir = dataDir;
    this.#current = current;
  }

  get current(): BridgeIdentity {
    return this.#current;
  }

  /** True where the key has changed. */
  async reload(): Promise<boolean> {
    const found = await stat(keyPath(this.#dataDir)).catch(ignoreMissing);
    const version = found && `${found.ino} ${found.mtimeMs}`;
    if (version === undefined || version === this.#read) return false;
    const identity = await findBridgeIdentity(this.#dataDir);
    this.#read = version;
    if (!identity || identity.id !== this.#current.id || identity.publicKey.x === this.#current.publicKey.x)
      return false;
    this.#current = identity;
    return true;
  }
}

async function toIdentity(jwk: BridgePrivateJwk, id: BridgeId): Promise<BridgeIdentity> {
  const { kty, crv, x, d } = jwk;
  const privateKey = (await importJWK({ kty, crv, x, d }, 'EdDSA')) as CryptoKey;
  const publicJwk: JWK = { kty, crv, x, kid: id, alg: 'EdDSA', use: 'sig' };
  // A key that does not tell its age is replaced soon.
  return { id, privateKey, publicJwk, publicKey: { kty, crv, x }, madeAt: jwk.made_at ?? 0 };
}

async function readKey(path: string): Promise<BridgePrivateJwk | undefined> {
  const text = await readFile(path, 'utf8').catch(ignoreMissing);
  if (text === undefined) return undefined;
  const parsed = bridgePrivateJwk.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`${path} does not hold a private Ed25519 JWK`);
  return parsed.data;
}

async function makeKey(path: string, id: BridgeId, now: number): Promise<BridgePrivateJwk> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = bridgePrivateJwk.parse({ ...(await exportJWK(privateKey)), kid: id, made_at: now });
  await replaceFile(path, `${JSON.stringify(jwk)}\n`);
  return jwk;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
