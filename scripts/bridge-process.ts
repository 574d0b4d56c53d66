/** The bridge of `npm start`, as a process of its own that ends with this one. */
import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { repositoryRoot } from './platform.ts';

export type ReadyBridge = { readonly id: string; readonly url: string; readonly public_jwk: JWK };

export type BridgeProcess = {
  readonly ready: ReadyBridge;
  stop(): Promise<void>;
};

const StopMs = 30_000;

export async function startBridgeProcess(options: {
  readonly dataDir: string;
  readonly platformUrl: string;
  readonly platformKeys: { readonly keys: readonly JWK[] };
  /** What the bridge enrols with, once it listens. */
  readonly enrolment: string;
  readonly onExit: (code: number | null) => void;
}): Promise<BridgeProcess> {
  const child = fork(join(repositoryRoot, 'gpu-bridge/main.ts'), [], {
    env: {
      ...process.env,
      FREEHOLD_BRIDGE_PORT: process.env['FREEHOLD_BRIDGE_PORT'] ?? '0',
      FREEHOLD_BRIDGE_DATA: join(options.dataDir, 'bridge'),
      FREEHOLD_PLATFORM_URL: options.platformUrl,
      FREEHOLD_BRIDGE_ENROLMENT: options.enrolment,
      FREEHOLD_PLATFORM_KEYS: JSON.stringify(options.platformKeys),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const log = createWriteStream(join(options.dataDir, 'bridge.log'), { flags: 'a' });
  const errors: string[] = [];
  child.stdout?.pipe(log, { end: false });
  child.stderr?.on('data', (text: Buffer) => {
    log.write(text);
    if (errors.length < 20) errors.push(text.toString());
  });
  const ready = await readReady(child, errors);
  let stopping = false;
  child.once('exit', (code) => {
    if (!stopping) options.onExit(code);
  });
  return {
    ready,
    stop: async () => {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), StopMs);
      await gone;
      clearTimeout(timer);
      log.end();
    },
  };
}

function readReady(child: ChildProcess, errors: readonly string[]): Promise<ReadyBridge> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`The bridge did not start. ${errors.join('').trim()}`));
    child.once('exit', fail);
    child.once('message', (message) => {
      child.off('exit', fail);
      resolve(message as ReadyBridge);
    });
  });
}
