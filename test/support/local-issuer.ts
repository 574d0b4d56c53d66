/**
 * An OpenID issuer on loopback for tests: discovery and JWKS as the standards have them, keys of every algorithm,
 * rotation with and without overlap, and every way in which a key server can misbehave. Signs whatever it is told to.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTHeaderParameters } from 'jose';
import { tokenAlgorithms, type TokenAlgorithm } from '../../shared/contracts/issuers.ts';

export type IssuerKey = {
  readonly kid: string;
  readonly alg: TokenAlgorithm;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
};
export type Misbehaviour = 'none' | 'error' | 'slow' | 'endless' | 'redirect' | 'html' | 'array' | 'private' | 'gone';

export async function makeIssuerKey(alg: TokenAlgorithm, kid: string): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export class LocalIssuer {
  readonly #server = createServer((request, response) => this.#answer(request.url ?? '', response));
  keys: IssuerKey[] = [];
  misbehaviour: Misbehaviour = 'none';
  /** What the discovery document says of itself, where it should differ. */
  discovery: Readonly<Record<string, unknown>> = {};
  jwksFetches = 0;
  discoveryFetches = 0;
  url = '';

  static async start(algorithms: readonly TokenAlgorithm[] = tokenAlgorithms): Promise<LocalIssuer> {
    const issuer = new LocalIssuer();
    issuer.keys = await Promise.all(algorithms.map((alg) => makeIssuerKey(alg, `${alg}-1`)));
    issuer.#server.listen(0, '127.0.0.1');
    await once(issuer.#server, 'listening');
    issuer.url = `http://127.0.0.1:${(issuer.#server.address() as AddressInfo).port}`;
    return issuer;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** A good token, but for what is given. A claim that is `undefined` is left out. */
  sign(
    claims: Readonly<Record<string, unknown>> = {},
    header: Partial<JWTHeaderParameters> = {},
    key = this.keys[0]!,
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const payload = { iss: this.url, aud: 'freehold', sub: 'someone', iat: now, exp: now + 600, ...claims };
    return new SignJWT(JSON.parse(JSON.stringify(payload)) as Record<string, unknown>)
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
      .sign(key.privateKey);
  }

  #answer(path: string, response: ServerResponse): void {
    const isJwks = path === '/jwks' || path === '/moved-jwks';
    if (isJwks) this.jwksFetches++;
    else this.discoveryFetches++;
    if (!isJwks && path !== '/.well-known/openid-configuration') response.writeHead(404).end();
    else if (path === '/jwks' && this.misbehaviour !== 'none') this.#misbehave(response);
    else {
      const discovery = { issuer: this.url, jwks_uri: `${this.url}/jwks`, ...this.discovery };
      const body = isJwks ? { keys: this.keys.map(({ publicJwk }) => publicJwk) } : discovery;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }
  }

  #misbehave(response: ServerResponse): void {
    switch (this.misbehaviour) {
      case 'error':
        return void response.writeHead(500).end('{}');
      case 'slow':
        return void response.writeHead(200).write('{"keys":');
      case 'endless':
        return writeForEver(response.writeHead(200));
      case 'redirect':
        return void response.writeHead(302, { location: `${this.url}/moved-jwks` }).end();
      case 'html':
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>{"keys":[]}</html>');
      case 'array':
        return void response.writeHead(200).end('[]');
      case 'private':
        return void response
          .writeHead(200)
          .end(JSON.stringify({ keys: this.keys.map(({ publicJwk }) => ({ ...publicJwk, d: 'AA' })) }));
      case 'gone':
      case 'none':
        return void response.destroy();
    }
  }
}

function writeForEver(response: ServerResponse): void {
  const part = Buffer.alloc(65_536, 32);
  const more = () => {
    while (!response.destroyed && response.write(part));
  };
  response.on('drain', more);
  more();
}
