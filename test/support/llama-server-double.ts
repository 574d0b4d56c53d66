/**
 * What llama.cpp's `llama-server` answers with, without a model: a program of its own with the same flags, endpoints and
 * shapes (`/health`, `/v1/models`, `/slots`, `/v1/chat/completions`), that can be killed and stopped like it. One slot;
 * every word is a token, and an answer runs to its limit.
 */
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';

type Asked = {
  readonly messages: readonly { readonly content: string }[];
  readonly max_tokens: number;
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
};

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: '' },
    alias: { type: 'string', default: 'model' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8080' },
    'ctx-size': { type: 'string', default: '4096' },
    parallel: { type: 'string' },
    threads: { type: 'string' },
    slots: { type: 'boolean' },
  },
});
const contextSize = Number(values['ctx-size']);
const PaceMs = 2;

let isProcessing = false;
let waiting = Promise.resolve();

createServer((request, response) => {
  const path = request.url;
  if (path === '/health') return sendJson(response, 200, { status: 'ok' });
  if (path === '/slots') return sendJson(response, 200, [{ id: 0, n_ctx: contextSize, is_processing: isProcessing }]);
  if (path === '/v1/models')
    return sendJson(response, 200, {
      object: 'list',
      data: [{ id: values.alias, object: 'model', owned_by: 'llamacpp' }],
    });
  if (path !== '/v1/chat/completions' || request.method !== 'POST')
    return sendJson(response, 404, { error: { code: 404, message: 'File Not Found', type: 'not_found_error' } });
  let text = '';
  request.on('data', (bytes) => (text += String(bytes)));
  request.on('end', () => {
    const asked = JSON.parse(text) as Asked;
    waiting = waiting.then(() => complete(asked, response)).finally(() => (isProcessing = false));
  });
}).listen(Number(values.port), values.host);

async function complete(asked: Asked, response: ServerResponse): Promise<void> {
  const words = asked.messages.flatMap(({ content }) => content.split(/\s+/).filter(Boolean));
  if (words.length >= contextSize) {
    const message = `request (${words.length} tokens) exceeds the available context size (${contextSize} tokens), try increasing it`;
    const counts = { n_prompt_tokens: words.length, n_ctx: contextSize };
    return sendJson(response, 400, { error: { code: 400, message, type: 'exceed_context_size_error', ...counts } });
  }
  isProcessing = true;
  const limit = Math.min(asked.max_tokens, contextSize - words.length);
  const usage = { prompt_tokens: words.length, completion_tokens: limit, total_tokens: words.length + limit };
  const names = { id: 'chatcmpl-double', created: 1_700_000_000, model: values.alias };
  const send = (choices: readonly object[], more: object = {}) =>
    response.write(`data: ${JSON.stringify({ ...names, object: 'chat.completion.chunk', choices, ...more })}\n\n`);
  const toChoice = (delta: object, reason: string | null = null) => [{ index: 0, delta, finish_reason: reason }];
  if (asked.stream) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    send(toChoice({ role: 'assistant', content: null }));
  }
  const said: string[] = [];
  while (said.length < limit && !response.destroyed) {
    await setTimeout(PaceMs);
    said.push(`w${said.length} `);
    if (asked.stream) send(toChoice({ content: said.at(-1)! }));
  }
  if (!asked.stream) {
    const message = { role: 'assistant', content: said.join('') };
    const choices = [{ index: 0, message, finish_reason: 'length' }];
    return sendJson(response, 200, { ...names, object: 'chat.completion', choices, usage });
  }
  send(toChoice({}, 'length'));
  if (asked.stream_options?.include_usage) send([], { usage });
  response.end('data: [DONE]\n\n');
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
