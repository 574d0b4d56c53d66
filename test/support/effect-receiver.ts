/**
 * The far end of tools, on loopback: it keeps every request that it gets, and answers as it is told. What it has counted is
 * the independent meter of effects.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ReceivedCall = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The Idempotency-Key. */
  readonly key: string;
};

export class EffectReceiver {
  readonly calls: ReceivedCall[] = [];
  answer: (call: ReceivedCall, response: ServerResponse) => void | Promise<void> = (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"ok":true}');
  };
  readonly #server = createServer((request, response) => {
    let body = '';
    response.on('error', () => {});
    request.on('error', () => {});
    request.on('data', (bytes) => (body += String(bytes)));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const call = { method, path: url, headers, body, key: String(headers['idempotency-key'] ?? '') };
      this.calls.push(call);
      void this.answer(call, response);
    });
  });

  static async start(): Promise<EffectReceiver> {
    const receiver = new EffectReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  of(path: string): ReceivedCall[] {
    return this.calls.filter((call) => call.path.startsWith(path));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
