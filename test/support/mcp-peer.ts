/**
 * A remote MCP server on loopback: the official server library for revision 2026-07-28, or one by hand that knows only
 * 2025-11-25. What it lists is the test's: it may change its mind, and it may lie.
 */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMcpHandler, Server } from '@modelcontextprotocol/server';

export type PeerTool = { readonly name: string; readonly description?: string; readonly inputSchema: object };
export type PeerCall = { readonly name: string; readonly arguments: unknown; readonly headers: IncomingHttpHeaders };

type Message = { readonly id?: number | string; readonly method: string; readonly params?: Record<string, unknown> };

export class McpPeer {
  tools: readonly PeerTool[];
  readonly calls: PeerCall[] = [];
  readonly methods: string[] = [];
  result: (call: PeerCall) => unknown = () => ({ content: [{ type: 'text', text: 'It is 7 degrees.' }] });
  readonly #revision: '2026-07-28' | '2025-11-25';
  readonly #server = createServer((request, response) => {
    let text = '';
    request.on('data', (bytes) => (text += String(bytes)));
    request.on('end', () => {
      void this.#answer(request.method ?? 'GET', request.headers, text).then(async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(Buffer.from(await answer.arrayBuffer()));
      });
    });
  });

  private constructor(tools: readonly PeerTool[], revision: '2026-07-28' | '2025-11-25') {
    this.tools = tools;
    this.#revision = revision;
  }

  static async start(
    tools: readonly PeerTool[],
    revision: '2026-07-28' | '2025-11-25' = '2026-07-28',
  ): Promise<McpPeer> {
    const peer = new McpPeer(tools, revision);
    await new Promise<void>((resolve) => peer.#server.listen(0, '127.0.0.1', resolve));
    return peer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(method: string, headers: IncomingHttpHeaders, text: string): Promise<Response> {
    if (method === 'POST') this.methods.push((JSON.parse(text) as Message).method);
    return this.#revision === '2026-07-28'
      ? this.#answerNew(method, headers, text)
      : this.#answerOld(method, headers, text);
  }

  async #answerNew(method: string, headers: IncomingHttpHeaders, text: string): Promise<Response> {
    const handler = createMcpHandler(
      () => {
        const server = new Server({ name: 'peer', version: '1' }, { capabilities: { tools: {} } });
        server.setRequestHandler('tools/list', () => ({ tools: this.tools }) as never);
        server.setRequestHandler(
          'tools/call',
          ({ params }) => this.#call(params.name, params.arguments, headers) as never,
        );
        return server;
      },
      { legacy: 'reject' },
    );
    const init = { method, headers: headers as Record<string, string>, ...(method === 'POST' ? { body: text } : {}) };
    return handler.fetch(new Request(this.url, init));
  }

  async #answerOld(method: string, headers: IncomingHttpHeaders, text: string): Promise<Response> {
    if (method !== 'POST') return new Response(null, { status: 405 });
    const { id, method: name, params } = JSON.parse(text) as Message;
    if (id === undefined) return new Response(null, { status: 202 });
    const reply = (body: object) => Response.json({ jsonrpc: '2.0', id, ...body });
    switch (name) {
      case 'initialize':
        return reply({
          result: {
            protocolVersion: '2025-11-25',
            capabilities: { tools: {} },
            serverInfo: { name: 'old peer', version: '1' },
          },
        });
      case 'tools/list':
        return reply({ result: { tools: this.tools } });
      case 'tools/call':
        return reply({ result: this.#call(String(params?.['name']), params?.['arguments'], headers) });
      default:
        return reply({ error: { code: -32601, message: 'Method not found' } });
    }
  }

  #call(name: string, args: unknown, headers: IncomingHttpHeaders): unknown {
    const call = { name, arguments: args, headers };
    this.calls.push(call);
    return this.result(call);
  }
}
