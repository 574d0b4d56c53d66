/** `npm start` as a user runs it: `scripts/start.ts` in a process group of its own, on a data folder of the test's. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/platform.ts';
import { waitUntil, within } from './wait-until.ts';

const ReadyMs = 90_000;

export type DevFile = {
  readonly platform_url: string;
  readonly operator_token: string;
  readonly tenant_url: string;
  readonly api_key: string;
  readonly agent: string;
};

export class StartedProcess {
  readonly dataDir: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  #stdout = '';
  #stderr = '';

  constructor(dataDir: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.dataDir = dataDir;
    this.#child = spawn(process.execPath, [join(repositoryRoot, 'scripts/start.ts'), '--data', dataDir, ...args], {
      cwd: repositoryRoot,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout!.on('data', (text) => (this.#stdout += String(text)));
    this.#child.stderr!.on('data', (text) => (this.#stderr += String(text)));
    this.#exit = once(this.#child, 'close').then(([code]) => code as number | null);
  }

  static async start(
    dataDir: string,
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<StartedProcess> {
    const started = new StartedProcess(dataDir, args, env);
    await started.ready();
    return started;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get dev(): DevFile {
    return JSON.parse(readFileSync(join(this.dataDir, 'dev.json'), 'utf8')) as DevFile;
  }

  async ready(): Promise<void> {
    await waitUntil(
      'Freehold is ready',
      () => {
        if (this.#child.exitCode !== null) throw new Error(`start.ts ended (${this.#child.exitCode}): ${this.#stderr}`);
        return /Freehold is ready[\s\S]*Operator/.test(this.#stdout) && existsSync(join(this.dataDir, 'dev.json'));
      },
      { withinMs: ReadyMs },
    );
  }

  /** The exit code; null when a signal ended it. */
  ended(): Promise<number | null> {
    return within('start.ts ends', ReadyMs, this.#exit);
  }

  /** Ctrl-C reaches the whole group of a terminal. */
  async interrupt(): Promise<number | null> {
    process.kill(-this.pid, 'SIGINT');
    return this.ended();
  }

  /** Everything at once, as when the power goes. */
  async killGroup(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // All of it has gone already.
    }
    await this.#exit;
    await waitUntil('no process of the group is left', () => this.group().length === 0);
  }

  async killParentOnly(): Promise<void> {
    this.#child.kill('SIGKILL');
    await waitUntil('the parent has gone', () => this.#child.signalCode !== null);
  }

  /** The living processes of the group. */
  group(): number[] {
    return listProcesses().flatMap(({ pid, groupId, state }) => (groupId === this.pid && state !== 'Z' ? [pid] : []));
  }
}

/** From /proc: the fields after the command, which may hold anything, stand behind the last `)`. */
function listProcesses(): { pid: number; state: string; groupId: number }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [{ pid: Number(name), state: state ?? '', groupId: Number(group) }];
    } catch {
      return [];
    }
  });
}
