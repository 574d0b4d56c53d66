/**
 * llama.cpp's `llama-server` as a process of its own, where `LLAMA_SERVER` names the program; and always its double
 * (llama-server-double.ts), so that what is tested of one is tested of the other.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import type { NodeConfig } from '../../gpu-bridge/config.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import { waitUntil } from './wait-until.ts';

const program = process.env['LLAMA_SERVER'] ?? '';

export type LlamaServerKind = { readonly name: string; readonly command: readonly [string, ...string[]] };

const double: LlamaServerKind = {
  name: 'the double of llama-server',
  command: [process.execPath, join(repositoryRoot, 'test/support/llama-server-double.ts')],
};

/** Those that there are here. */
export const llamaServers: readonly LlamaServerKind[] =
  program === '' ? [double] : [double, { name: `llama-server (${program})`, command: [program] }];

/** Why the program itself is not among them; undefined where it is. */
export const llamaServerMissing =
  program === '' ? 'llama-server itself is left out: LLAMA_SERVER names no program' : undefined;

export class LlamaServer {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  static async start({ command }: LlamaServerKind, modelPath: string, alias: string): Promise<LlamaServer> {
    const port = await findFreePort();
    const [file, ...first] = command;
    const flags = ['--model', modelPath, '--alias', alias, '--host', '127.0.0.1', '--port', String(port)];
    const args = [...first, ...flags, '--ctx-size', '8192', '--parallel', '1', '--threads', '1', '--slots'];
    const server = new LlamaServer(`http://127.0.0.1:${port}`, spawn(file, args, { stdio: 'ignore' }));
    await server.#ready();
    return server;
  }

  node(name: string): NodeConfig {
    return {
      kind: 'openai-compatible',
      name,
      url: this.url,
      external: false,
      limit_field: 'max_tokens',
      always_stream: false,
      threads: 1,
      max_context: 8192,
    };
  }

  /** `/health` answers 503 while the model is loaded. */
  #ready(): Promise<unknown> {
    return waitUntil('llama-server is healthy', async () => {
      if (this.#child.exitCode !== null) throw new Error(`llama-server ended: ${this.#child.exitCode}`);
      const answer = await request(`${this.url}/health`).catch(() => undefined);
      await answer?.body.dump();
      return answer?.statusCode === 200;
    });
  }

  async isIdle(): Promise<boolean> {
    const answer = await request(`${this.url}/slots`);
    const slots = (await answer.body.json()) as readonly { readonly is_processing: boolean }[];
    return slots.every((slot) => !slot.is_processing);
  }

  /** SIGSTOP leaves its connections open and answers nothing more. */
  async kill(signal: 'SIGKILL' | 'SIGSTOP' = 'SIGKILL'): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    if (signal === 'SIGKILL') await ended;
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
