/** A bridge that is nothing but a key: what a test says to the platform in a bridge's name, rightly or wrongly. */
import { exportJWK, generateKeyPair, type CryptoKey } from 'jose';
import { signAs } from '../../gpu-bridge/platform-client.ts';
import type { PublicKey } from '../../shared/contracts/bridges.ts';
import { TokenTypes } from '../../shared/contracts/inference.ts';
import { mintId, type BridgeId } from '../../shared/core/ids.ts';
import type { Answer, TestPlatform } from './running-platform.ts';

/** What is asked of a platform, wherever it runs. */
type Target = Pick<TestPlatform, 'call' | 'operator'> & { readonly domain?: string };

export type HandKey = { readonly privateKey: CryptoKey; readonly publicKey: PublicKey };
export type HandBridge = { readonly id: BridgeId; readonly key: HandKey };

export const nowSeconds = () => Math.floor(Date.now() / 1000);

export async function newHandKey(): Promise<HandKey> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x } = await exportJWK(pair.publicKey);
  return { privateKey: pair.privateKey, publicKey: { kty: 'OKP', crv: 'Ed25519', x: x! } };
}

export function signBy({ privateKey }: HandKey, id: string, type: string, payload: object): Promise<string> {
  return signAs(id, { privateKey, publicJwk: {} }, type, payload);
}

export function sendJws(platform: Target, path: string, jws: string): Promise<Answer> {
  return platform.call('POST', platform.domain ?? 'localhost', path, {
    rawBody: jws,
    headers: { 'content-type': 'application/jose' },
  });
}

export async function mintEnrolment(platform: Target): Promise<string> {
  const terms = { name: 'by hand' };
  return (await platform.operator.require<{ token: string }>('POST', '/operator/v1/bridges', terms)).token;
}

/** `changes` to what is said when a bridge enrols. */
export async function sendEnrol(
  platform: Target,
  { id, key }: HandBridge,
  token: string,
  changes: object = {},
): Promise<Answer> {
  const payload = { iss: id, iat: nowSeconds(), token, public_key: key.publicKey, url: null, ...changes };
  return sendJws(platform, '/bridge/v1/enrol', await signBy(key, id, TokenTypes.enrol, payload));
}

export async function enrolByHand(platform: Target): Promise<HandBridge> {
  const bridge = { id: mintId('bridge', Date.now()), key: await newHandKey() };
  const answer = await sendEnrol(platform, bridge, await mintEnrolment(platform));
  if (answer.status !== 201) throw new Error(`enrol: ${answer.status} ${answer.text}`);
  return bridge;
}
