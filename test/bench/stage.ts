/**
 * What the benchmark compares, all running at once: the upstream alone, a bare workerd worker that passes it through,
 * Freehold's edge in front of the same upstream, and Freehold with its real bridge in between.
 */
import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from 'miniflare';
import { systemClock, toUnixSeconds } from '../../shared/core/clock.ts';
import { signAs } from '../../gpu-bridge/platform-client.ts';
import { mintId } from '../../shared/core/ids.ts';
import type { Transport } from '../../shared/contracts/bridges.ts';
import { announcementAnswer, TokenTypes } from '../../shared/contracts/inference.ts';
import { startBridgeProcess, type BridgeProcess } from '../../scripts/bridge-process.ts';
import { LocalClient } from '../../scripts/local-client.ts';
import { loadSecrets, startPlatform, type RunningPlatform } from '../../scripts/platform.ts';
import { awaitBridge, createEnrolment, ensurePrice } from '../../scripts/provision.ts';

export type Stage = {
  readonly upstreamUrl: string;
  readonly bareUrl: string;
  /** Another gateway in front of the same upstream, where `PORTKEY_GATEWAY` names its start script. */
  readonly portkeyUrl: string | undefined;
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
  const portkey = await startPortkey(direct.url);
  const edge = await startEdge(join(dataDir, 'edge'));
  const whole = await startWhole(join(dataDir, 'whole'), direct.url);
  return {
    upstreamUrl: direct.url,
    bareUrl: `http://127.0.0.1:${bare.port}`,
    portkeyUrl: portkey?.url,
    edge: edge.running,
    whole: whole.running,
    async stop() {
      await edge.stop();
      await whole.stop();
      await bare.worker.dispose();
      portkey?.process.kill();
      direct.process.disconnect();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** What can stand before one upstream, all running at once: nginx where it is installed, the edge, and both ways to a bridge. */
export async function setWays(): Promise<{
  readonly upstreamUrl: string;
  readonly nginxUrl: string | undefined;
  readonly edge: RunningFreehold;
  readonly http: RunningFreehold;
  readonly tunnel: RunningFreehold;
  stop(): Promise<void>;
}> {
  const dataDir = mkdtempSync(join(tmpdir(), 'freehold-bench-'));
  const direct = await startUpstream();
  const nginx = await startNginx(join(dataDir, 'nginx'), direct.url);
  const edge = await startEdge(join(dataDir, 'edge'));
  const http = await startWhole(join(dataDir, 'http'), direct.url, 'http');
  const tunnel = await startWhole(join(dataDir, 'tunnel'), direct.url, 'tunnel');
  return {
    upstreamUrl: direct.url,
    nginxUrl: nginx?.url,
    edge: edge.running,
    http: http.running,
    tunnel: tunnel.running,
    async stop() {
      await edge.stop();
      await http.stop();
      await tunnel.stop();
      nginx?.process.kill();
      direct.process.disconnect();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The edge and the real bridge before an upstream that writes as its environment says. */
export async function setPaced(
  pace: Readonly<Record<'BENCH_PACE_MS' | 'BENCH_PACED_CHUNKS', string>>,
): Promise<{ readonly whole: RunningFreehold; stop(): Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'freehold-bench-'));
  const upstream = await startUpstream(pace);
  const whole = await startWhole(dataDir, upstream.url);
  return {
    whole: whole.running,
    async stop() {
      await whole.stop();
      upstream.process.disconnect();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A platform without any model. */
export async function setPlatform(): Promise<RunningFreehold & { stop(): Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'freehold-bench-'));
  const { platform, operator } = await startFreehold(dataDir);
  return {
    ...(await createTenant(platform, operator)),
    async stop() {
      await platform.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A pass-through with kept connections and without buffers, as nginx is set before a model. */
async function startNginx(dir: string, upstream: string): Promise<{ url: string; process: ChildProcess } | undefined> {
  if (spawnSync('nginx', ['-v']).status !== 0) return undefined;
  mkdirSync(dir, { recursive: true });
  const port = drawPort();
  const config = `daemon off; worker_processes auto; pid ${dir}/pid; error_log stderr;
    events { worker_connections 1024; }
    http {
      access_log off; client_body_temp_path ${dir}; proxy_temp_path ${dir}; fastcgi_temp_path ${dir};
      uwsgi_temp_path ${dir}; scgi_temp_path ${dir}; keepalive_requests 1000000;
      upstream node { server ${new URL(upstream).host}; keepalive 64; keepalive_requests 1000000; }
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://node; proxy_http_version 1.1; proxy_set_header connection ""; proxy_buffering off; }
      }
    }`;
  writeFileSync(join(dir, 'nginx.conf'), config);
  const process_ = spawn('nginx', ['-c', join(dir, 'nginx.conf'), '-p', dir], { stdio: 'inherit' });
  return { url: await awaitUrl(`http://127.0.0.1:${port}`, process_, '/v1/models'), process: process_ };
}

/** Below those that the system gives to connections. */
function drawPort(): number {
  return 10_000 + Math.floor(Math.random() * 20_000);
}

/** The url, once something answers there. */
async function awaitUrl(url: string, process_: ChildProcess, path = '/'): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const isUp = await fetch(url + path).then(
      () => true,
      () => false,
    );
    if (isUp) return url;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  process_.kill();
  throw new Error(`nothing answers at ${url}`);
}

export async function startUpstream(
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
  const port = drawPort();
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

/** What tells it which provider to go to, and where that is. */
export function portkeyHeaders(upstreamUrl: string): Readonly<Record<string, string>> {
  return {
    authorization: 'Bearer none',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstreamUrl}/v1`,
  };
}

async function startPortkey(upstreamUrl: string): Promise<{ url: string; process: ChildProcess } | undefined> {
  const script = process.env['PORTKEY_GATEWAY'];
  if (script === undefined) return undefined;
  const port = drawPort();
  const process_ = fork(script, [`--port=${port}`, '--headless'], { stdio: 'ignore' });
  const url = await awaitUrl(`http://127.0.0.1:${port}`, process_);
  await requireStreams(url, upstreamUrl).catch((error: unknown) => {
    process_.kill();
    throw error;
  });
  return { url, process: process_ };
}

/** Beside a newer @hono/node-server than 1.3.3 it writes to headers that are immutable, and each stream of it is a 500. */
async function requireStreams(url: string, upstreamUrl: string): Promise<void> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...portkeyHeaders(upstreamUrl) },
    body: JSON.stringify({ model: 'bench-model', messages: [{ role: 'user', content: 'Say hello.' }], stream: true }),
  });
  const text = await answer.text();
  if (answer.ok && text.includes('[DONE]')) return;
  throw new Error(
    `PORTKEY_GATEWAY does not stream (${answer.status} ${text.slice(0, 200)}). Install it with {"overrides":{"@hono/node-server":"1.3.3"}}.`,
  );
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
  const { token } = await operator.require<{ token: string }>('POST', '/operator/v1/bridges', {
    name: 'bench',
    transport: 'http',
  });
  const payload = {
    iss: id,
    iat: toUnixSeconds(systemClock.now()),
    token,
    public_key: { kty, crv, x },
    url: upstream.url,
  };
  const body = await signAs(id, { privateKey, publicJwk: {} }, TokenTypes.enrol, payload);
  const headers = { 'content-type': 'application/jose' };
  const enrolled = await fetch(`${platformUrl}/bridge/v1/enrol`, { method: 'POST', headers, body });
  if (!enrolled.ok) throw new Error(`enrol: ${enrolled.status} ${await enrolled.text()}`);
  let jobKey: string | undefined;
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
    const jws = await new SignJWT({ models, default_model: 'bench-model', ...(jobKey ? { job_key: jobKey } : {}) })
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
    jobKey = announcementAnswer.parse(await said.json()).job_key.kid;
  };
  await announce();
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
  transport: Transport = 'http',
): Promise<{ running: RunningFreehold; stop(): Promise<void> }> {
  const { platform, operator, publicKey } = await startFreehold(dataDir);
  // What waits for a node is not what is measured.
  const node = { kind: 'openai-compatible', name: 'bench', url: upstream, max_concurrency: 1_000 };
  process.env['FREEHOLD_NODES'] = JSON.stringify([node]);
  const bridge: BridgeProcess = await startBridgeProcess({
    dataDir,
    platformUrl: `http://localhost:${platform.port}`,
    platformKeys: { keys: [publicKey] },
    enrolment: await createEnrolment(operator, join(dataDir, 'bridge'), transport),
    onExit: (code) => console.error(`the bridge ended with ${code}`),
  });
  await awaitBridge(operator, bridge.ready);
  return {
    running: await createTenant(platform, operator),
    async stop() {
      await bridge.stop();
      await platform.stop();
    },
  };
}
