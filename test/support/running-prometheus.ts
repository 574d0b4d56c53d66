/**
 * Prometheus itself, with the configuration and the rules that lie under `ops/`: only the addresses, the credentials and the
 * pace are a test's. A tenant's name leads nowhere on a machine without a resolver, so it scrapes through a proxy of ours.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repositoryRoot } from '../../scripts/platform.ts';
import { findPrometheus } from './promtool.ts';
import { findFreePort } from '../../scripts/find-free-port.ts';
import { waitUntil } from './wait-until.ts';

const opsDir = join(repositoryRoot, 'ops/prometheus');

export type Target = { readonly host: string; readonly token?: string };
/** What a scrape of a host gets. */
export type Scrape = (host: string, token: string | undefined) => Promise<{ status: number; text: string }>;

type Config = {
  global: object;
  scrape_configs: { job_name: string; authorization?: unknown }[];
};
type Answer = { readonly status: string; readonly data: unknown };

export class RunningPrometheus {
  readonly #url: string;
  readonly #stop: () => Promise<void>;

  private constructor(url: string, stop: () => Promise<void>) {
    this.#url = url;
    this.#stop = stop;
  }

  /** `targets`: by the name of the job that the configuration has for them. */
  static async start(targets: Readonly<Record<string, Target>>, scrape: Scrape): Promise<RunningPrometheus> {
    const proxy = createServer((request, response) => {
      const token = request.headers.authorization?.replace(/^Bearer /, '');
      scrape(new URL(request.url!).hostname, token).then(
        ({ status, text }) => response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end(text),
        () => response.writeHead(502).end(),
      );
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const dir = mkdtempSync(join(tmpdir(), 'freehold-prometheus-'));
    const configPath = join(dir, 'prometheus.yml');
    const own = parse(readFileSync(join(opsDir, 'prometheus.yml'), 'utf8')) as Config;
    const config = {
      ...own,
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [join(opsDir, 'freehold.rules.yml')],
      scrape_configs: own.scrape_configs.map(({ job_name: name }) => ({
        job_name: name,
        proxy_url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
        ...(targets[name]?.token === undefined ? {} : { authorization: { credentials: targets[name].token } }),
        static_configs: [{ targets: [`${targets[name]?.host}:80`] }],
      })),
    };
    writeFileSync(configPath, JSON.stringify(config));
    const port = await findFreePort();
    const args = [`--config.file=${configPath}`, `--storage.tsdb.path=${join(dir, 'data')}`, '--log.level=error'];
    const child = spawn(findPrometheus(), [...args, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const running = new RunningPrometheus(`http://127.0.0.1:${port}`, async () => {
      child.kill('SIGKILL');
      await ended;
      proxy.closeAllConnections();
      proxy.close();
      rmSync(dir, { recursive: true, force: true });
    });
    await waitUntil('Prometheus is ready', () => running.#isReady(), { withinMs: 120_000 });
    return running;
  }

  /** What a query of the API gives; throws where Prometheus says that it is none. */
  async read<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
    const answer = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(query)}`);
    const { status, data, ...rest } = (await answer.json()) as Answer;
    if (status !== 'success') throw new Error(`${path} ${JSON.stringify(query)}: ${JSON.stringify(rest)}`);
    return data as T;
  }

  /** The values of an expression now, by the value of one of its labels. */
  async values(expression: string, label: string): Promise<Record<string, number>> {
    type Vector = { result: { metric: Record<string, string>; value: [number, string] }[] };
    const { result } = await this.read<Vector>('query', { query: expression });
    return Object.fromEntries(result.map(({ metric, value }) => [metric[label] ?? '', Number(value[1])]));
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.#url}/-/ready`)).ok;
    } catch {
      return false;
    }
  }
}
