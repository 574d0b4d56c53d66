/** Answers of MCP servers that come as events (SSE): taken when they have come, bounded in time and in bytes. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { err } from '../../../shared/core/result.ts';
import { mcpTool } from '../../../shared/contracts/tools.ts';
import { Allowlist } from '../../../shared/egress/allowlist.ts';
import { Egress } from '../../../shared/egress/egress.ts';
import { callMcpTool } from '../../../durable-objects/conversation/tools/mcp-tool.ts';

type Call = { readonly id: number; readonly response: ServerResponse; readonly closed: Promise<unknown> };

/** A server of revision 2025-11-25 that answers a call of a tool as events; what it sends is the test's. */
let send: (call: Call) => void;
let calls: Call[];
const server = createServer((request, response) => {
  void (async () => {
    let text = '';
    for await (const part of request) text += String(part);
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const { id, method } = JSON.parse(text) as { id?: number; method: string };
    if (id === undefined) return void response.writeHead(202).end();
    if (method === 'tools/call') {
      const call = { id, response, closed: once(response, 'close') };
      calls.push(call);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return send(call);
    }
    const serverInfo = { name: 'peer', version: '1' };
    const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
    const answer = method === 'initialize' ? { result } : { error: { code: -32601, message: 'Method not found' } };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
  })();
});
const write = (response: ServerResponse, message: object) =>
  response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
const remark = { method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(8_192) } };

let egress: Egress;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const allowlist = Allowlist.parse('127.0.0.1');
  egress = new Egress(allowlist.ok ? allowlist.value : Allowlist.none);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});
beforeEach(() => void (calls = []));

function call(timeoutMs: number) {
  const { port } = server.address() as AddressInfo;
  const tool = mcpTool.parse({ type: 'mcp', server_label: 'peer', server_url: `http://127.0.0.1:${port}/mcp` });
  const ways = { egress, reveal: async () => err('not_found') };
  const context = { effectId: mintId('effect', 1), timeoutMs, signal: new AbortController().signal };
  return callMcpTool(ways, tool, 'look', {}, context);
}

test('an answer is taken when its event has come, though the stream goes on, which is then left', async () => {
  send = ({ id, response }) => {
    write(response, remark);
    write(response, { id, result: { content: [{ type: 'text', text: 'It is 7 degrees.' }] } });
  };
  expect(await call(300_000)).toMatchObject({ status: 'confirmed', isError: false, text: 'It is 7 degrees.' });
  await calls[0]!.closed;
});

test('a stream that brings no answer in time is left, and what became of the call is not known', async () => {
  send = ({ response }) => void write(response, remark);
  expect(await call(2_000)).toMatchObject({ status: 'unknown', isError: true });
  await calls[0]!.closed;
});

test('a stream that brings more than a megabyte before its answer is left at once, without its answer', async () => {
  send = ({ id, response }) => {
    let sent = 0;
    const more = () => {
      while (!response.destroyed && sent < 4_096) {
        sent++;
        if (!write(response, remark)) return void response.once('drain', more);
      }
      if (!response.destroyed) write(response, { id, result: { content: [{ type: 'text', text: 'too late' }] } });
    };
    more();
  };
  // Were it left by its time alone, the test would be over before.
  expect(await call(300_000)).toMatchObject({ status: 'unknown', isError: true });
  await calls[0]!.closed;
});
