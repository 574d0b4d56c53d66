/**
 * Speaks to the platform in the bridge's name: every message is a compact JWS by the bridge's key, of an explicit type,
 * with the bridge's id as `kid`.
 */
import { CompactSign, type CryptoKey, type JWK } from 'jose';
import { request } from 'undici';

const TimeoutMs = 10_000;
const encoder = new TextEncoder();

export type PlatformAnswer = { readonly status: number; readonly body: unknown };

export type PlatformClient = {
  /** Throws where the platform cannot be reached. */
  post(path: string, type: string, payload: object, signal?: AbortSignal): Promise<PlatformAnswer>;
};

export type BridgeKey = { readonly privateKey: CryptoKey; readonly publicJwk: JWK };

export function createPlatformClient(platformUrl: string, bridgeId: string, key: BridgeKey): PlatformClient {
  const base = platformUrl.replace(/\/+$/, '');
  return {
    async post(path, type, payload, signal) {
      const body = await new CompactSign(encoder.encode(JSON.stringify(payload)))
        .setProtectedHeader({ alg: 'EdDSA', typ: type, kid: bridgeId })
        .sign(key.privateKey);
      const timeout = AbortSignal.timeout(TimeoutMs);
      const answer = await request(base + path, {
        method: 'POST',
        headers: { 'content-type': 'application/jose', accept: 'application/json' },
        body,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, body: parseOrNull(text) };
    },
  };
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
