/** Load on one target: closed loops for throughput, an open loop for latency. Every answer is checked to be whole. */
import { Pool } from 'undici';

type Headers = Readonly<Record<string, string>>;

export type Target = {
  readonly name: string;
  readonly origin: string;
  readonly path: string;
  /** A function where every request needs its own. */
  readonly headers: Headers | (() => Headers);
  readonly body: string;
  /** What a whole answer ends with. */
  readonly end: string;
};

export function headersOf({ headers }: Target): Headers {
  return typeof headers === 'function' ? headers() : headers;
}

export type Latency = { readonly p50: number; readonly p95: number; readonly firstByteP50: number };

export class Load {
  readonly #pool: Pool;
  readonly #target: Target;

  constructor(target: Target, connections = 16) {
    this.#target = target;
    this.#pool = new Pool(target.origin, { connections, pipelining: 1 });
  }

  /** Whole answers a second, with every connection busy. */
  async throughput(connections: number, ms: number): Promise<number> {
    const until = performance.now() + ms;
    let done = 0;
    const started = performance.now();
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (performance.now() < until) {
          await this.once();
          done++;
        }
      }),
    );
    return (done / (performance.now() - started)) * 1000;
  }

  /** Latency in milliseconds at a fixed rate, whatever the answers take. */
  async latency(perSecond: number, ms: number): Promise<Latency> {
    const total: number[] = [];
    const first: number[] = [];
    const running: Promise<void>[] = [];
    const count = Math.round((perSecond * ms) / 1000);
    const started = performance.now();
    for (let at = 0; at < count; at++) {
      const due = started + (at * 1000) / perSecond;
      const wait = due - performance.now();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      running.push(
        this.once().then((took) => {
          total.push(took.total);
          first.push(took.first);
        }),
      );
    }
    await Promise.all(running);
    return { p50: percentile(total, 0.5), p95: percentile(total, 0.95), firstByteP50: percentile(first, 0.5) };
  }

  async once(): Promise<{ total: number; first: number }> {
    const { path, body, end, name } = this.#target;
    const headers = headersOf(this.#target);
    const started = performance.now();
    const answer = await this.#pool.request({ method: 'POST', path, headers, body });
    let first = 0;
    let tail = '';
    for await (const part of answer.body as AsyncIterable<Uint8Array>) {
      first ||= performance.now() - started;
      tail = (tail + Buffer.from(part).toString('latin1')).slice(-4_000);
    }
    if (answer.statusCode !== 200 || !tail.includes(end)) {
      throw new Error(`${name} answered ${answer.statusCode}: ${tail.slice(-300)}`);
    }
    return { total: performance.now() - started, first };
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}
