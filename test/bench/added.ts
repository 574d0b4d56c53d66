/**
 * What the bridge adds: jobs straight to a bridge, a process of its own before a fast node, beside the same to the node.
 * With `BENCH_AGAINST` naming another checkout of this repository, a row of the bridge that is there.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadyBridge } from '../../scripts/bridge-process.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import { JobIssuer, TokenTypes } from '../../shared/contracts/inference.ts';
import { systemClock, toUnixSeconds } from '../../shared/core/clock.ts';
import { mintId } from '../../shared/core/ids.ts';
import { BridgePlatform } from '../support/bridge-platform.ts';
import { compare, type Row } from './compare.ts';
import type { Target } from './load.ts';
import { startUpstream } from './stage.ts';

const Model = 'bench-model';
const path = '/v1/chat/completions';
const headers = { 'content-type': 'application/json' };

type OwnBridge = { readonly id: string; readonly url: string; stop(): Promise<void> };

export async function measureAdded(
  size: { readonly rounds: number; readonly windowMs: number },
  stream: boolean,
): Promise<Row[]> {
  const node = await startUpstream();
  const dataDir = mkdtempSync(join(tmpdir(), 'freehold-bench-'));
  const bridges = new Map<string, OwnBridge>();
  const against = process.env['BENCH_AGAINST'];
  if (against !== undefined)
    bridges.set('bridge, the other', await startOwn(against, join(dataDir, 'other'), node.url));
  bridges.set('bridge', await startOwn(repositoryRoot, join(dataDir, 'own'), node.url));
  const asked = { model: Model, messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 64, stream };
  const common = { path, body: JSON.stringify(asked), end: stream ? '[DONE]' : '"stop"' };
  const subjects: Target[] = [
    { ...common, name: 'node alone', origin: node.url, headers },
    ...[...bridges].map(([name, { id, url }]) => ({
      ...common,
      name,
      origin: url,
      headers: () => ({ ...headers, authorization: `Bearer ${mintJobToken(id)}` }),
    })),
  ];
  try {
    return await compare(subjects, size, true);
  } finally {
    for (const bridge of bridges.values()) await bridge.stop();
    node.process.disconnect();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function startOwn(root: string, dataDir: string, nodeUrl: string): Promise<OwnBridge> {
  const platform = await BridgePlatform.start();
  // It gives the job key only in an answer that says something.
  platform.draining = [];
  const child: ChildProcess = fork(join(root, 'gpu-bridge/main.ts'), [], {
    cwd: root,
    env: {
      ...process.env,
      FREEHOLD_BRIDGE_PORT: '0',
      FREEHOLD_BRIDGE_DATA: dataDir,
      FREEHOLD_PLATFORM_URL: platform.url,
      FREEHOLD_PLATFORM_KEYS: JSON.stringify(platform.publicJwk),
      FREEHOLD_NODES: JSON.stringify([{ kind: 'openai-compatible', name: 'bench', url: nodeUrl }]),
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  child.stdout?.resume();
  const ready = await new Promise<ReadyBridge>((resolve, reject) => {
    child.once('message', (said) => resolve(said as ReadyBridge));
    child.once('exit', (code) => reject(new Error(`the bridge of ${root} ended with ${code}`)));
  });
  platform.bridgeKey = ready.public_jwk;
  await platform.waitFor(() => platform.announcements.some(({ job_key: key }) => key !== undefined));
  return {
    id: ready.id,
    url: ready.url,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      await platform.close();
    },
  };
}

/** As the platform authenticates its jobs to a bridge that has its job key. */
function mintJobToken(bridge: string): string {
  const now = systemClock.now();
  const iat = toUnixSeconds(now);
  const claims = {
    iss: JobIssuer,
    aud: bridge,
    jti: mintId('run', now),
    iat,
    exp: iat + 60,
    tenant: 'tnt_bench',
    operation: 'chat',
    model: Model,
    max_output_tokens: 100,
    allow_external: false,
    timeout_ms: 30_000,
    ticket: 'ticket',
    count_answer: true,
  };
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: TokenTypes.job, kid: 'job' })}.${encode(claims)}`;
  const key = Buffer.from('A'.repeat(43), 'base64url');
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}
