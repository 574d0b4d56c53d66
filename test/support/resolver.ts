/** A DNS-over-HTTPS resolver for a test: TXT records by name, in the JSON form that public resolvers answer with. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export class Resolver {
  readonly url: string;
  /** Name to strings; a record's strings are sent in quotes. */
  readonly txt = new Map<string, readonly string[]>();
  /** Answers with 500 while it is set. */
  isDown = false;
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}/dns-query`;
  }

  static async start(): Promise<Resolver> {
    const server = createServer((request, response) => {
      const name = new URL(request.url ?? '/', 'http://resolver').searchParams.get('name') ?? '';
      resolver.asked.push(name);
      if (resolver.isDown) return response.writeHead(500).end('down');
      const records = resolver.txt.get(name) ?? [];
      const answer = records.map((text) => ({ name, type: 16, TTL: 60, data: `"${text}"` }));
      response.writeHead(200, { 'content-type': 'application/dns-json' });
      return response.end(
        JSON.stringify({ Status: records.length > 0 ? 0 : 3, ...(answer.length > 0 ? { Answer: answer } : {}) }),
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const resolver = new Resolver(server, (server.address() as AddressInfo).port);
    return resolver;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
