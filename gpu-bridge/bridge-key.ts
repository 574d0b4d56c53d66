/**
 * The bridge's identity: its id and Ed25519 key, made once and kept in the data directory, readable by its owner only.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import { z } from 'zod';
import { isId, mintId, type BridgeId } from '../shared/core/ids.ts';
import type { BridgeKey } from './platform-client.ts';

export const bridgePrivateJwk = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().min(1),
  d: z.string().min(1),
  kid: z.string().optional(),
});
export type BridgePrivateJwk = z.infer<typeof bridgePrivateJwk>;

export type BridgeIdentity = BridgeKey & { readonly id: BridgeId };

export async function loadBridgeIdentity(options: {
  readonly dataDir: string;
  readonly id: BridgeId | undefined;
  readonly privateJwk: BridgePrivateJwk | undefined;
  readonly now: number;
}): Promise<BridgeIdentity> {
  const path = join(options.dataDir, 'bridge-key.json');
  const jwk =
    options.privateJwk ?? (await readKey(path)) ?? (await makeKey(path, options.id ?? mintId('bridge', options.now)));
  const kept = isId('bridge', jwk.kid) ? jwk.kid : undefined;
  const id = options.id ?? kept;
  if (!id) throw new Error(`${path}: "kid" is not a bridge id, and FREEHOLD_BRIDGE_ID is not set`);
  const privateKey = (await importJWK({ kty: jwk.kty, crv: jwk.crv, x: jwk.x, d: jwk.d }, 'EdDSA')) as CryptoKey;
  const publicJwk: JWK = { kty: jwk.kty, crv: jwk.crv, x: jwk.x, kid: id, alg: 'EdDSA', use: 'sig' };
  return { id, privateKey, publicJwk };
}

async function readKey(path: string): Promise<BridgePrivateJwk | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const parsed = bridgePrivateJwk.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`${path} does not hold a private Ed25519 JWK`);
  return parsed.data;
}

async function makeKey(path: string, id: BridgeId): Promise<BridgePrivateJwk> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = bridgePrivateJwk.parse({ ...(await exportJWK(privateKey)), kid: id });
  await writeFile(path, `${JSON.stringify(jwk)}\n`, { mode: 0o600, flag: 'wx' });
  return jwk;
}
