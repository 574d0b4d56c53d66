/**
 * A whole bridge in this process, between a fake platform and whatever nodes a test gives it, with everything it opened
 * closed again after the test.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { onTestFinished } from 'vitest';
import { startBridge, type BridgeDeps, type BridgeTimings, type RunningBridge } from '../../gpu-bridge/bridge.ts';
import { parseConfig, type NodeConfig } from '../../gpu-bridge/config.ts';
import type { JobClaims, Receipt } from '../../shared/contracts/inference.ts';
import { mintId } from '../../shared/core/ids.ts';
import { silentLogger } from '../../shared/core/log.ts';
import { BridgePlatform } from './bridge-platform.ts';
import { FakeNode, type FakeScript } from './fake-node.ts';

export function makeTempDir(): string {
  const path = mkdtempSync(join(tmpdir(), 'freehold-bridge-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export async function startFakeNode(script: FakeScript = {}): Promise<FakeNode> {
  const node = await FakeNode.start(script);
  onTestFinished(() => node.close());
  return node;
}

export type HarnessOptions = {
  readonly nodes?: readonly (Partial<NodeConfig> & Pick<NodeConfig, 'kind' | 'name'>)[];
  readonly deps?: BridgeDeps;
  readonly timings?: Partial<BridgeTimings>;
  readonly dataDir?: string;
  readonly platform?: BridgePlatform;
  readonly bridgeId?: string;
};

export type Answer = {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
};

export class BridgeHarness {
  readonly bridge: RunningBridge;
  readonly platform: BridgePlatform;
  readonly dataDir: string;

  constructor(bridge: RunningBridge, platform: BridgePlatform, dataDir: string) {
    this.bridge = bridge;
    this.platform = platform;
    this.dataDir = dataDir;
  }

  token(claims: Partial<JobClaims> = {}): Promise<string> {
    return this.platform.mintToken(this.bridge.id, claims);
  }

  /** Sends a chat with a token made for it, and reads the answer to its end. */
  async chat(
    body: Record<string, unknown> = {},
    claims: Partial<JobClaims> = {},
  ): Promise<Answer & { readonly run: string }> {
    const run = claims.jti ?? mintId('run', Date.now());
    const model = String(body['model'] ?? 'tiny');
    const token = await this.token({ model, ...claims, jti: run });
    const message = { role: 'user', content: 'hello there' };
    const answer = await this.post('/v1/chat/completions', { model, messages: [message], ...body }, token);
    return { ...answer, run };
  }

  /** The same, for the receipt too. */
  async chatAndReceipt(
    body: Record<string, unknown> = {},
    claims: Partial<JobClaims> = {},
  ): Promise<Answer & { readonly receipt: Receipt }> {
    const answer = await this.chat(body, claims);
    return { ...answer, receipt: await this.platform.waitForReceipt(answer.run) };
  }

  async post(path: string, body: unknown, token?: string): Promise<Answer> {
    const answer = await request(this.bridge.url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  }
}

export async function startHarness(options: HarnessOptions = {}): Promise<BridgeHarness> {
  const platform = options.platform ?? (await BridgePlatform.start());
  const dataDir = options.dataDir ?? makeTempDir();
  const config = parseConfig({
    FREEHOLD_BRIDGE_PORT: '0',
    FREEHOLD_BRIDGE_DATA: dataDir,
    FREEHOLD_PLATFORM_URL: platform.url,
    FREEHOLD_PLATFORM_KEYS: JSON.stringify(platform.publicJwk),
    FREEHOLD_NODES: JSON.stringify(options.nodes ?? []),
    FREEHOLD_BRIDGE_ID: options.bridgeId,
  });
  // Messages may come before the key is known here: the fake platform waits for nothing, so load the identity first.
  const { loadBridgeIdentity } = await import('../../gpu-bridge/bridge-key.ts');
  const identity = await loadBridgeIdentity({ dataDir, id: config.bridge_id, privateJwk: undefined, now: Date.now() });
  platform.bridgeKey = identity.publicJwk;
  const bridge = await startBridge(config, {
    log: silentLogger,
    ...options.deps,
    timings: { drainMs: 2000, flushMs: 500, receiptBackoff: { baseMs: 5, capMs: 20 }, ...options.timings },
  });
  onTestFinished(async () => {
    await bridge.close();
    if (!options.platform) await platform.close();
  });
  return new BridgeHarness(bridge, platform, dataDir);
}

/** A bridge before one fake node. */
export async function startWithFake(
  script: FakeScript = {},
  options: HarnessOptions & { readonly node?: Partial<NodeConfig> } = {},
): Promise<{ readonly harness: BridgeHarness; readonly node: FakeNode }> {
  const node = await startFakeNode(script);
  const config = { kind: 'openai-compatible' as const, name: 'fake', url: node.url, ...options.node };
  return { node, harness: await startHarness({ ...options, nodes: [config] }) };
}

export type SseAnswer = { readonly chunks: Record<string, unknown>[]; readonly done: boolean; readonly error: unknown };

/** The events of an SSE body, as a strict client reads them. */
export function readEvents(text: string): SseAnswer {
  const payloads = text
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: '))
    .map((frame) => frame.slice(6));
  const done = payloads.at(-1) === '[DONE]';
  const chunks = payloads
    .filter((each) => each !== '[DONE]')
    .map((each) => JSON.parse(each) as Record<string, unknown>);
  const error = chunks.find((chunk) => 'error' in chunk)?.['error'];
  return { chunks: chunks.filter((chunk) => !('error' in chunk)), done, error };
}

/** The text that the chunks carry. */
export function joinText(chunks: readonly Record<string, unknown>[]): string {
  return chunks
    .flatMap((chunk) => chunk['choices'] as { delta?: { content?: string } }[])
    .map((choice) => choice.delta?.content ?? '')
    .join('');
}
