/**
 * The bridge as a process: configuration from its surroundings, one line (or IPC message) when it is ready, an orderly
 * end on SIGTERM and SIGINT and when the parent that started it goes away.
 */
import { startBridge, type RunningBridge } from './bridge.ts';
import { ConfigError, parseConfig } from './config.ts';

let bridge: RunningBridge | undefined;
let stopping = false;

async function stop(): Promise<void> {
  if (stopping) process.exit(1);
  stopping = true;
  await bridge?.close();
  process.exit(0);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
process.on('disconnect', () => void stop());

try {
  bridge = await startBridge(parseConfig(process.env, process.argv.slice(2)));
  const ready = { type: 'ready', url: bridge.url, id: bridge.id, public_jwk: bridge.publicJwk };
  if (process.send) process.send(ready);
  else console.log(JSON.stringify(ready));
} catch (error) {
  console.error(error instanceof ConfigError ? `gpu-bridge: ${error.message}` : error);
  process.exit(1);
}
