/**
 * What the benchmark compares, all running at once: the upstream alone, a bare workerd worker that passes it through,
 * Freehold's edge in front of the same upstream, and Freehold with its real bridge in between.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from 'miniflare';
import { systemClock } from '../../shared/core/clock.ts';
import { mintId } from '../../shared/core/ids.ts';
import { TokenTypes } from '../../shared/contracts/inference.ts';
import { startBridgeProcess, type BridgeProcess } from '../../scripts/bridge-process.ts';
import { LocalClient } from '../../scripts/local-client.ts';
import { loadSecrets, startPlatform, type RunningPlatform } from '../../scripts/platform.ts';
import { connectBridge, ensurePrice } from '../../scripts/provision.ts';

export type Stage = {
  readonly upstreamUrl: string;
  readonly bareUrl: string;
  /** The edge, with the upstream in the bridge's place. */
  readonly edge: RunningFreehold;
  /** The edge and the real bridge. */
  readonly whole: RunningFreehold;
  stop(): Promise<void>;
};

export type RunningFreehold = {
  readonly port: number;
  readonly host: string;
  readonly key: string;
  readonly client: LocalClient;
};

export async function setStage(): Promise<Stage> {
  const dataDir = mkdtempSync(join(tmpdir(), 'freehold-bench-'));
  const direct = await startUpstream();
  const bare = await startBare(direct.url);
  const edge = await startEdge(join(dataDir, 'edge'));
  const whole = await startWhole(join(dataDir, 'whole'), direct.url);
  return {
    upstreamUrl: direct.url,
    bareUrl: `http://127.0.0.1:${bare.port}`,
    edge: edge.running,
    whole: whole.running,
    async stop() {
      await edge.stop();
      await whole.stop();
      await bare.worker.dispose();
      direct.process.disconnect();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function startUpstream(
  env: Readonly<Record<string, string>> = {},
): Promise<{ url: string; process: ChildProcess }> {
  const process_ = fork(join(import.meta.dirname, 'upstream.ts'), [], { env: { ...process.env, ...env } });
  const { port } = await new Promise<{ port: number }>((resolve) =>
    process_.once('message', (said) => resolve(said as never)),
  );
  return { url: `http://127.0.0.1:${port}`, process: process_ };
}

async function startBare(upstream: string): Promise<{ port: number; worker: Miniflare }> {
  const script = `export default { fetch(request) {
    const { pathname } = new URL(request.url);
    return fetch('${upstream}' + pathname, request);
  } }`;
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: 'ESModule', path: 'bare.js', contents: script }],
      compatibilityDate: '2026-09-01',
      unsafeDirectSockets: [{ host: '127.0.0.1', port }],
      cf: false,
      port: 0,
      log: new NoOpLog(),
      telemetry: { enabled: false },
    }),
  );
  await worker.ready;
  return { port, worker };
}

async function startFreehold(
  dataDir: string,
): Promise<{ platform: RunningPlatform; operator: LocalClient; publicKey: object }> {
  const secrets = await loadSecrets(dataDir);
  const platform = await startPlatform({ dataDir, port: 0, secrets });
  const operator = new LocalClient(platform.port, 'localhost', secrets.operator_token);
  await ensurePrice(operator);
  const { d: _, ...publicKey } = secrets.platform_key;
  return { platform, operator, publicKey };
}

async function createTenant(platform: RunningPlatform, operator: LocalClient): Promise<RunningFreehold> {
  const created = await operator.require<{ admin_key: { secret: string } }>('POST', '/operator/v1/tenants', {
    slug: 'bench',
    name: 'Bench',
  });
  const host = 'bench.localhost';
  const key = created.admin_key.secret;
  const client = new LocalClient(platform.port, host, key);
  await client.require('POST', '/v1/agents', { slug: 'bench', name: 'Bench', definition: { model: 'bench-model' } });
  return { port: platform.port, host, key, client };
}

async function startEdge(dataDir: string): Promise<{ running: RunningFreehold; stop(): Promise<void> }> {
  const { platform, operator } = await startFreehold(dataDir);
  const platformUrl = `http://localhost:${platform.port}`;
  const id = mintId('bridge', systemClock.now());
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const identity = { id, privateJwk: await exportJWK(privateKey), platformUrl };
  const upstream = await startUpstream({ BENCH_BRIDGE: JSON.stringify(identity) });
  const { kty, crv, x } = await exportJWK(publicKey);
  await operator.require('POST', '/operator/v1/bridges', {
    id,
    name: 'bench',
    url: upstream.url,
    public_key: { kty, crv, x },
  });
  const announce = async () => {
    const models = [
      {
        id: 'bench-model',
        operations: ['chat'],
        context_window: 8192,
        dimensions: null,
        semantic: true,
        external: false,
        owned_by: 'bench',
      },
    ];
    const jws = await new SignJWT({ models, default_model: 'bench-model' })
      .setProtectedHeader({ alg: 'EdDSA', typ: TokenTypes.announce, kid: id })
      .setIssuer(id)
      .setIssuedAt()
      .sign(privateKey);
    const said = await fetch(`${platformUrl}/bridge/v1/announce`, {
      method: 'POST',
      headers: { 'content-type': 'application/jose' },
      body: jws,
    });
    if (!said.ok) throw new Error(`announce: ${said.status} ${await said.text()}`);
  };
  await announce();
  const timer = setInterval(() => void announce(), 2_000);
  return {
    running: await createTenant(platform, operator),
    async stop() {
      clearInterval(timer);
      upstream.process.disconnect();
      await platform.stop();
    },
  };
}

async function startWhole(
  dataDir: string,
  upstream: string,
): Promise<{ running: RunningFreehold; stop(): Promise<void> }> {
  const { platform, operator, publicKey } = await startFreehold(dataDir);
  process.env['FREEHOLD_NODES'] = JSON.stringify([{ kind: 'openai-compatible', name: 'bench', url: upstream }]);
  const bridge: BridgeProcess = await startBridgeProcess({
    dataDir,
    platformUrl: `http://localhost:${platform.port}`,
    platformKeys: { keys: [publicKey] },
    onExit: (code) => console.error(`the bridge ended with ${code}`),
  });
  await connectBridge(operator, bridge.ready);
  return {
    running: await createTenant(platform, operator),
    async stop() {
      await bridge.stop();
      await platform.stop();
    },
  };
}
