/**
 * The bridge as a process: `enrol <token>`, `rotate`, or without a command the bridge itself, with one line (or IPC
 * message) when it is ready, and an orderly end on SIGTERM and SIGINT and when the parent that started it goes away.
 */
import { startBridge, type RunningBridge } from './bridge.ts';
import { enrolMachine, rotateNow, UsageError } from './commands.ts';
import { ConfigError, parseConfig } from './config.ts';
import { EnrolmentError } from './enrolment.ts';
import { gatherLines } from './log-lines.ts';

let bridge: RunningBridge | undefined;
let stopping = false;

async function stop(): Promise<void> {
  if (stopping) process.exit(1);
  stopping = true;
  await bridge?.close();
  process.exit(0);
}

async function run(args: readonly string[]): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
  process.on('disconnect', () => void stop());
  bridge = await startBridge(parseConfig(process.env, args), { writeLine: gatherLines() });
  const ready = { type: 'ready', url: bridge.url, id: bridge.id, public_jwk: bridge.publicJwk };
  if (process.send) process.send(ready);
  else console.log(JSON.stringify(ready));
}

const [command, ...rest] = process.argv.slice(2);
try {
  if (command === 'enrol') console.log(await enrolMachine(rest, process.env));
  else if (command === 'rotate') console.log(await rotateNow(rest, process.env));
  else await run(process.argv.slice(2));
} catch (error) {
  const isExpected = error instanceof ConfigError || error instanceof EnrolmentError || error instanceof UsageError;
  console.error(isExpected ? `gpu-bridge: ${error.message}` : error);
  process.exit(1);
}
