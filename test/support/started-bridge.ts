/** A bridge as its administrator runs it: `npm run bridge` and its commands, as processes of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/platform.ts';
import { waitUntil, within } from './wait-until.ts';

const EndsMs = 30_000;

export type CommandResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

function start(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [join(repositoryRoot, 'gpu-bridge/main.ts'), ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs `npm run bridge -- …` to its end. */
export async function runBridgeCommand(args: readonly string[]): Promise<CommandResult> {
  const child = start(args, {});
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (text) => (stdout += String(text)));
  child.stderr!.on('data', (text) => (stderr += String(text)));
  const [code] = (await within('the command ends', EndsMs, once(child, 'close'))) as [number | null];
  return { code, stdout, stderr };
}

type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string };

export class StartedBridge {
  readonly id: string;
  readonly #child: ChildProcess;
  readonly #lines: LogLine[];
  readonly #exit: Promise<number | null>;

  private constructor(id: string, child: ChildProcess, lines: LogLine[], exit: Promise<number | null>) {
    this.id = id;
    this.#child = child;
    this.#lines = lines;
    this.#exit = exit;
  }

  static async start(
    dataDir: string,
    nodeUrl: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<StartedBridge> {
    const nodes = [{ kind: 'openai-compatible', name: 'fake', url: nodeUrl }];
    const child = start(['--data-dir', dataDir], { FREEHOLD_NODES: JSON.stringify(nodes), ...env });
    const exit = once(child, 'exit').then(([code]) => code as number | null);
    const lines: LogLine[] = [];
    for (const stream of [child.stdout!, child.stderr!]) collectLines(stream, lines);
    const ready = await waitUntil('the bridge is ready', () => {
      if (child.exitCode !== null) throw new Error(`the bridge ended: ${JSON.stringify(lines)}`);
      return lines.find((line) => line['type'] === 'ready');
    });
    return new StartedBridge(String(ready['id']), child, lines, exit);
  }

  logged(event: string): LogLine[] {
    return this.#lines.filter((line) => line.event === event);
  }

  waitForLog(event: string): Promise<LogLine> {
    return waitUntil(`the bridge logs ${event}`, () => this.logged(event).at(-1));
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    return within('the bridge ends', EndsMs, this.#exit);
  }
}

function collectLines(stream: NodeJS.ReadableStream, lines: LogLine[]): void {
  let rest = '';
  stream.on('data', (bytes) => {
    const parts = (rest + String(bytes)).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) lines.push(part.startsWith('{') ? (JSON.parse(part) as LogLine) : { text: part });
  });
}
