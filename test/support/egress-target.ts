/** A server on loopback that answers in every way in which a target can misbehave, and counts who came. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Seen = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

export class EgressTarget {
  readonly seen: Seen[] = [];
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(host = '127.0.0.1'): Promise<EgressTarget> {
    const server = createServer();
    server.listen(0, host);
    await once(server, 'listening');
    const target = new EgressTarget(server);
    server.on('request', (request, response) => void target.#answer(request, response));
    return target;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request) body += String(part);
    const url = request.url ?? '';
    this.seen.push({ method: request.method ?? '', url, headers: request.headers, body });
    const asked = new URL(url, this.url);
    const redirect = /^\/(30\d)$/.exec(asked.pathname);
    if (redirect) {
      const location = asked.searchParams.get('to');
      const bytes = location === null ? {} : { location: Buffer.from(location).toString('latin1') };
      response.writeHead(Number(redirect[1]), bytes).end();
    } else if (asked.pathname === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (asked.pathname === '/hang') return;
    else if (asked.pathname === '/reset') request.socket.destroy();
    else if (asked.pathname === '/slow-body') response.writeHead(200).write('begun');
    else if (asked.pathname === '/trickle') trickle(response.writeHead(200));
    else if (asked.pathname === '/cut') response.writeHead(200).write('begun', () => request.socket.destroy());
    else if (asked.pathname === '/endless') writeForEver(response.writeHead(200));
    else if (asked.pathname === '/bytes') response.end(Buffer.alloc(Number(asked.searchParams.get('n')), 97));
    else response.writeHead(Number(asked.searchParams.get('status') ?? 200)).end('reached');
  }
}

function writeForEver(response: ServerResponse): void {
  const part = Buffer.alloc(65_536, 32);
  const more = () => {
    while (!response.destroyed && response.write(part));
  };
  response.on('drain', more);
  more();
}

/** A byte now and then, without end: never silent, never done. */
function trickle(response: ServerResponse): void {
  const timer = setInterval(() => response.write('.'), 20);
  response.on('close', () => clearInterval(timer));
}
