/** A receiver of webhooks on loopback that keeps what it got, and answers by its path in every way that a receiver can. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Delivery = {
  readonly path: string;
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
};

/** What a path answers: a status, or whatever the function does. */
export type Behaviour = (response: ServerResponse, delivery: Delivery, count: number) => void;

export class WebhookReceiver {
  readonly deliveries: Delivery[] = [];
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  readonly #behaviours = new Map<string, Behaviour>();
  readonly #counts = new Map<string, number>();
  readonly #lookers = new Set<() => void>();

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(): Promise<WebhookReceiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new WebhookReceiver(server);
    server.on('request', (request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (part: string) => (body += part));
      request.on('error', () => {});
      request.on('end', () => {
        const path = request.url ?? '';
        const { headers } = request;
        const delivery = { path, id: String(headers['webhook-id']), headers, body, at: Date.now() };
        receiver.deliveries.push(delivery);
        const count = (receiver.#counts.get(path) ?? 0) + 1;
        receiver.#counts.set(path, count);
        const behave = receiver.#behaviours.get(path);
        if (behave) behave(response, delivery, count);
        else response.writeHead(204).end();
        for (const look of receiver.#lookers) look();
      });
    });
    return receiver;
  }

  /** The URL of a path, and how that path behaves from now on. */
  url(path: string, behaviour?: Behaviour): string {
    if (behaviour) this.#behaviours.set(path, behaviour);
    return `http://127.0.0.1:${this.port}${path}`;
  }

  on(path: string): readonly Delivery[] {
    return this.deliveries.filter((delivery) => delivery.path === path);
  }

  /** Resolves when what has come satisfies the condition. */
  async until(condition: () => boolean, withinMs = 30_000): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(() => reject(new Error('what was waited for did not come')), withinMs);
    const look = () => {
      try {
        if (condition()) resolve();
      } catch (error) {
        reject(error as Error);
      }
    };
    this.#lookers.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(late);
      this.#lookers.delete(look);
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
