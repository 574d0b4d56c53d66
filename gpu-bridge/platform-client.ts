/**
 * Speaks to the platform in the bridge's name: every message is a compact JWS by the bridge's key, of an explicit type,
 * with the bridge's id as `kid`. The key is asked for each time, because it changes.
 */
import type { CryptoKey, JWK } from 'jose';
import { request } from 'undici';

const TimeoutMs = 10_000;

export type PlatformAnswer = { readonly status: number; readonly body: unknown };

export type PlatformClient = {
  sign(type: string, payload: object): Promise<string>;
  /** Throws where the platform cannot be reached. */
  post(path: string, type: string, payload: object, signal?: AbortSignal): Promise<PlatformAnswer>;
};

export type BridgeKey = { readonly privateKey: CryptoKey; readonly publicJwk: JWK };

export function createPlatformClient(platformUrl: string, bridgeId: string, key: () => BridgeKey): PlatformClient {
  const base = platformUrl.replace(/\/+$/, '');
  const sign = (type: string, payload: object) => signAs(bridgeId, key(), type, payload);
  return {
    sign,
    async post(path, type, payload, signal) {
      const body = await sign(type, payload);
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

/** JWS compact serialisation (RFC 7515, 7.1) by hand: of a large batch, encoding it the general way costs twice its signature. */
export async function signAs(bridgeId: string, key: BridgeKey, type: string, payload: object): Promise<string> {
  const input = `${encode({ alg: 'EdDSA', typ: type, kid: bridgeId })}.${encode(payload)}`;
  const signature = await crypto.subtle.sign('Ed25519', key.privateKey, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** What the platform says is wrong, for a log or a person. */
export function describeRefusal({ status, body }: PlatformAnswer): string {
  const message = (body as { error?: { message?: unknown } } | null)?.error?.message;
  return typeof message === 'string' ? `${message} (${status})` : `the platform answered ${status}`;
}

export function isGood({ status }: PlatformAnswer): boolean {
  return status >= 200 && status <= 299;
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
