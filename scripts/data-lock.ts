/**
 * One platform a data folder. A start that was killed may leave its workerd behind, which still holds the folder: the
 * next start ends it, after making sure that the process is the one that was written down.
 */
import { existsSync, readFileSync, rmSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lockDataDir } from '../gpu-bridge/data-dir-lock.ts';
import { replaceFile } from '../gpu-bridge/replace-file.ts';

type Holder = { readonly pid: number; readonly workerd: readonly number[] };

export class DataLock {
  readonly #path: string;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    this.#path = join(dataDir, 'run.json');
  }

  /** Throws where another platform runs on this folder. */
  async acquire(): Promise<void> {
    const holder = this.#read();
    const alive = holder !== undefined && isOurs(holder.pid, 'start.ts');
    // The socket decides between two that start at the same moment; the file says who the other one is.
    const locked = !alive && (await lockDataDir(dirname(this.#path)).catch(() => undefined));
    if (!locked) {
      const who = alive ? ` (process ${holder.pid})` : '';
      throw new Error(`Freehold is already running on this data folder${who}.`);
    }
    for (const pid of holder?.workerd ?? []) await end(pid);
    await this.note([]);
  }

  /** Writes down the workerd processes of this start. */
  async note(workerd: readonly number[]): Promise<void> {
    await replaceFile(this.#path, JSON.stringify({ pid: process.pid, workerd } satisfies Holder));
  }

  release(): void {
    rmSync(this.#path, { force: true });
  }

  #read(): Holder | undefined {
    if (!existsSync(this.#path)) return undefined;
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8')) as Holder;
    } catch {
      return undefined;
    }
  }
}

/** Children of this process whose command is workerd. Empty where the system has no /proc. */
export function findWorkerd(parent = process.pid): number[] {
  const path = `/proc/${parent}/task/${parent}/children`;
  if (!existsSync(path)) return [];
  const children = readFileSync(path, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
  return children.filter((pid) => isOurs(pid, 'workerd'));
}

function isOurs(pid: number, word: string): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const path = `/proc/${pid}/cmdline`;
  return existsSync(path) ? readFileSync(path, 'utf8').includes(word) : true;
}

async function end(pid: number): Promise<void> {
  for (let tries = 0; tries < 100 && isOurs(pid, 'workerd'); tries++) {
    process.kill(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
