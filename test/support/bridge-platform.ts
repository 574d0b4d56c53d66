/**
 * The platform as a bridge sees it, on loopback: verifies every message's signature and type, keeps announcements and
 * receipts, can refuse or fail, and settles each run once.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compactVerify, exportJWK, generateKeyPair, importJWK, SignJWT, type CryptoKey, type JWK } from 'jose';
import {
  announcement,
  JobIssuer,
  receiptBatch,
  TokenTypes,
  type Announcement,
  type JobClaims,
  type Receipt,
} from '../../shared/contracts/inference.ts';
import { mintId } from '../../shared/core/ids.ts';

export class BridgePlatform {
  readonly announcements: Announcement[] = [];
  /** Every receipt that arrived, repeats included. */
  readonly arrived: Receipt[] = [];
  /** By run: what was settled. */
  readonly settled = new Map<string, Receipt>();
  readonly batches: { readonly tenant: string; readonly size: number }[] = [];
  /** Says what to do with a batch of receipts; settles by default. */
  onReceipts: (receipts: readonly Receipt[]) => 'settle' | 'refuse' | 'fail' | 'forget' = () => 'settle';
  /** The nodes that the operator drains; without any, announcements are answered with nothing. */
  draining: string[] | undefined;
  bridgeKey: JWK | undefined;
  readonly publicJwk: JWK;
  readonly #key: CryptoKey;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #waiters: { readonly met: () => boolean; readonly resolve: () => void }[] = [];

  private constructor(key: CryptoKey, publicJwk: JWK) {
    this.#key = key;
    this.publicJwk = publicJwk;
  }

  static async start(): Promise<BridgePlatform> {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const platform = new BridgePlatform(privateKey, { ...(await exportJWK(publicKey)), kid: 'platform-1' });
    await new Promise<void>((resolve) => platform.#server.listen(0, '127.0.0.1', resolve));
    return platform;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** A job token, good unless a claim or the header says otherwise. */
  async mintToken(
    bridge: string,
    claims: Partial<JobClaims> = {},
    header: { typ?: string; key?: CryptoKey } = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({
      iss: JobIssuer,
      aud: bridge,
      jti: mintId('run', Date.now()),
      iat: now,
      exp: now + 60,
      tenant: 'tnt_test',
      operation: 'chat',
      model: 'tiny',
      max_output_tokens: 100,
      allow_external: false,
      timeout_ms: 30_000,
      ticket: 'ticket',
      ...claims,
    })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'platform-1', typ: header.typ ?? TokenTypes.job })
      .sign(header.key ?? this.#key);
  }

  /** Resolves when the condition holds after some message. */
  waitFor(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ met, resolve }));
  }

  async waitForReceipt(run: string): Promise<Receipt> {
    await this.waitFor(() => this.settled.has(run));
    return this.settled.get(run)!;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const bytes of request) text += String(bytes);
    const key = await importJWK(this.bridgeKey ?? {}, 'EdDSA');
    const { payload, protectedHeader } = await compactVerify(text, key, { algorithms: ['EdDSA'] });
    const body: unknown = JSON.parse(new TextDecoder().decode(payload));
    const answer = this.#take(request.url ?? '', protectedHeader.typ, body);
    response.writeHead(answer ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { error: { message: 'down' } }));
    const met = this.#waiters.filter((waiter) => waiter.met());
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const waiter of met) waiter.resolve();
  }

  #take(path: string, typ: string | undefined, body: unknown): object | undefined {
    if (path === '/bridge/v1/announce' && typ === TokenTypes.announce) {
      this.announcements.push(announcement.parse(body));
      if (!this.draining) return {};
      return { object: 'announcement', job_key: { kid: 'job', k: 'A'.repeat(43) }, draining: this.draining };
    }
    if (path !== '/bridge/v1/receipts' || typ !== TokenTypes.receipts) return undefined;
    const batch = receiptBatch.parse(body);
    const what = this.onReceipts(batch.receipts);
    this.batches.push({ tenant: batch.tenant, size: batch.receipts.length });
    this.arrived.push(...batch.receipts);
    if (what === 'fail') return undefined;
    if (what === 'refuse')
      return { settled: [], refused: batch.receipts.map(({ id }) => ({ id, reason: 'unknown run' })) };
    for (const each of batch.receipts) if (!this.settled.has(each.run)) this.settled.set(each.run, each);
    // Settled, but the platform's answer is lost.
    return what === 'forget' ? undefined : { settled: batch.receipts.map(({ id }) => id), refused: [] };
  }
}
