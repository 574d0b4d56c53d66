/**
 * A scriptable OpenAI-compatible inference node on loopback. It can cut, reset, stall or garble its stream at any chunk,
 * leave fields out, and refuse; it counts what it produced and which requests were broken off, so that a test has an
 * independent meter.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

export type FakeScript = {
  models?: string[];
  /** What its models hold, in tokens; by default it does not tell. */
  contextWindow?: number;
  /** What the model does, by what it is asked: words, calls of tools, or both. */
  reply?: (request: FakeRequest) => { readonly text?: string; readonly calls?: readonly FakeCall[] };
  /** The words of the answer, one token each. */
  words?: string[];
  /** Before chunk `at` (0 is the first word), do this. */
  fault?: { at: number; how: 'fin' | 'rst' | 'garbage' | 'stall' | 'error-event' };
  /** Do not answer before `release()`. */
  hang?: boolean;
  /** Before this word (0 is the first), wait for `release()`. */
  pauseAt?: number;
  /** Time from one word to the next, as a model takes it. */
  paceMs?: number;
  /** Answer with this instead. */
  refuse?: { status: number; body: unknown };
  /** Answer with this page of HTML, and status 200, as what stands in front of a node may. */
  page?: string;
  /** The body of an answer that is not streamed, or of embeddings. */
  body?: (request: FakeRequest) => unknown;
  /** What reranking, tokenising and audio are answered with. */
  forwarded?: (request: FakeRequest) => { readonly type: string; readonly body: string | Buffer };
  /** What it speaks, in the pieces that it speaks it in: `pauseAt`, `paceMs` and `fault` go by them. */
  speech?: readonly Buffer[];
  /** Changes a chunk before it is sent; undefined leaves it out. */
  mapChunk?: (chunk: FakeChunk, index: number) => unknown;
  usage?: 'own-chunk' | 'last-choice' | 'none';
  finish?: string | null;
  /** What becomes of canaries, which are counted apart; by default they are answered. */
  canary?: 'answer' | 'hang' | 'empty' | 'html';
  /** What its models read, as some servers tell it of each; by default it does not. */
  modalities?: readonly string[];
  /** The text of `/metrics`, and the models of `/api/ps`. */
  metrics?: string;
  loaded?: string[];
  /** Of its models, as Ollama tells them; by default it is an old one, which does not. */
  capabilities?: string[];
  /** Leave `[DONE]` out. */
  omitDone?: boolean;
  /** Produce more words than the request allows. */
  ignoreLimit?: boolean;
};

export type FakeCall = { readonly name: string; readonly arguments: unknown };
export type FakeChunk = Record<string, unknown> & { choices: Record<string, unknown>[] };
export type FakeRequest = { path: string; headers: IncomingMessage['headers']; body: Record<string, unknown> };

export class FakeNode {
  script: FakeScript;
  readonly requests: FakeRequest[] = [];
  readonly canaryRequests: FakeRequest[] = [];
  /** Tokens produced, over all requests. */
  produced = 0;
  /** Of each streamed request, by its `x-request-id`: how many tokens it produced, and what it was to do to the stream. */
  readonly streams = new Map<string, { produced: number; readonly fault: string | undefined }>();
  aborted = 0;
  canaries = 0;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #sockets = new Set<Socket>();
  #waiters: { readonly met: () => boolean; readonly resolve: () => void }[] = [];
  #released = Promise.withResolvers<void>();

  private constructor(script: FakeScript) {
    this.script = script;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
  }

  static async start(script: FakeScript = {}): Promise<FakeNode> {
    const node = new FakeNode(script);
    await new Promise<void>((resolve) => node.#server.listen(0, '127.0.0.1', resolve));
    return node;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Lets the requests go on that hang. */
  release(): void {
    this.#released.resolve();
    this.#released = Promise.withResolvers<void>();
  }

  /** Resolves when a request has been broken off by its caller. */
  waitForAbort(): Promise<void> {
    return this.waitForAborts(1);
  }

  waitForAborts(count: number): Promise<void> {
    return this.#waitFor(() => this.aborted >= count);
  }

  waitForRequests(count: number): Promise<void> {
    return this.#waitFor(() => this.requests.length >= count);
  }

  #waitFor(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ met, resolve }));
  }

  #tell(): void {
    const met = this.#waiters.filter((waiter) => waiter.met());
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const waiter of met) waiter.resolve();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    if (request.method === 'GET') return this.#list(path, response);
    const seen: FakeRequest = { path, headers: request.headers, body: await readBody(request) };
    if (String(request.headers['x-request-id']).startsWith('canary-')) return this.#answerCanary(seen, response);
    if (path === '/api/show') {
      const { capabilities } = this.script;
      return sendJson(response, capabilities ? 200 : 404, { capabilities });
    }
    this.requests.push(seen);
    response.on('close', () => {
      if (response.writableFinished) return;
      this.aborted++;
      this.#tell();
    });
    this.#tell();
    if (this.script.hang) await this.#released.promise;
    if (response.destroyed) return;
    const { refuse, body, page } = this.script;
    if (page !== undefined) {
      response.writeHead(200, { 'content-type': 'text/html' }).end(page);
      return;
    }
    if (refuse) return sendJson(response, refuse.status, refuse.body);
    if (path === '/v1/audio/speech' && this.script.speech) return this.#speak(this.script.speech, response);
    if (forwardedPaths.has(path)) {
      const { type, body: answer } = (this.script.forwarded ?? forward)(seen);
      response.writeHead(200, { 'content-type': type });
      response.end(answer);
      return;
    }
    if (path === '/v1/embeddings') return sendJson(response, 200, body?.(seen) ?? embed(seen));
    if (seen.body['stream'] === true) return this.#stream(seen, response);
    if (body) return sendJson(response, 200, body(seen));
    const words = this.#words(seen);
    this.produced += words.length;
    const said = isCompletion(seen)
      ? { text: words.join(' ') }
      : { message: { role: 'assistant', content: words.join(' ') } };
    sendJson(response, 200, {
      id: 'chatcmpl-fake',
      object: 'chat.completion',
      created: 1700000000,
      model: seen.body['model'],
      choices: [{ index: 0, ...said, finish_reason: 'stop' }],
      usage: this.#usage(words.length),
    });
  }

  #answerCanary(request: FakeRequest, response: ServerResponse): void {
    this.canaries++;
    this.canaryRequests.push(request);
    this.#tell();
    const how = this.script.canary ?? 'answer';
    if (how === 'hang') return;
    if (how === 'html') {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html>fine</html>');
    } else if (request.path === '/v1/embeddings') sendJson(response, 200, how === 'empty' ? {} : embed(request));
    else if (forwardedPaths.has(request.path)) response.end(how === 'empty' ? '{}' : forward(request).body);
    else {
      const message = { role: 'assistant', content: how === 'empty' ? '' : 'ok' };
      const choices = [{ index: 0, message, finish_reason: how === 'empty' ? null : 'length' }];
      sendJson(response, 200, { object: 'chat.completion', choices });
    }
  }

  waitForCanaries(count: number): Promise<void> {
    return this.#waitFor(() => this.canaries >= count);
  }

  #list(path: string, response: ServerResponse): void {
    const models = this.script.models ?? ['tiny'];
    if (path === '/v1/models')
      sendJson(response, 200, {
        object: 'list',
        data: models.map((id) => ({
          id,
          object: 'model',
          max_model_len: this.script.contextWindow,
          ...(this.script.modalities ? { architecture: { input_modalities: this.script.modalities } } : {}),
        })),
      });
    else if (path === '/api/tags') sendJson(response, 200, { models: models.map((model) => ({ name: model, model })) });
    else if (path === '/metrics' && this.script.metrics !== undefined) response.end(this.script.metrics);
    else if (path === '/api/ps')
      sendJson(response, 200, { models: (this.script.loaded ?? []).map((model) => ({ model })) });
    else sendJson(response, 404, { error: 'not found' });
  }

  #words(request: FakeRequest): string[] {
    const words = this.script.words ?? ['one', 'two', 'three', 'four', 'five'];
    return this.script.ignoreLimit ? words : words.slice(0, Number(request.body['max_tokens'] ?? words.length));
  }

  #usage(count: number): object {
    return { prompt_tokens: 7, completion_tokens: count, total_tokens: 7 + count };
  }

  async #stream(request: FakeRequest, response: ServerResponse): Promise<void> {
    const { fault, usage = 'own-chunk', omitDone } = this.script;
    const reply = this.script.reply?.(request);
    const calls = reply?.calls ?? [];
    const { finish = calls.length > 0 ? 'tool_calls' : 'stop' } = this.script;
    const options = (request.body['stream_options'] ?? {}) as Record<string, unknown>;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    const words = reply ? (reply.text?.split(' ') ?? []) : this.#words(request);
    const record = { produced: 0, fault: fault?.how };
    this.streams.set(String(request.headers['x-request-id']), record);
    let sent = 0;
    const send = (choices: Record<string, unknown>[], more: object = {}) => {
      const names = {
        id: 'chatcmpl-fake',
        object: 'chat.completion.chunk',
        created: 1700000000,
        model: request.body['model'],
      };
      const chunk: FakeChunk = { ...names, choices, ...more };
      const mapped = this.script.mapChunk ? this.script.mapChunk(chunk, sent) : chunk;
      sent++;
      if (mapped !== undefined) response.write(`data: ${JSON.stringify(mapped)}\n\n`);
    };
    const choice = (
      delta: { readonly content?: string; readonly [key: string]: unknown },
      reason: string | null = null,
    ) => [
      {
        index: 0,
        ...(isCompletion(request) ? { text: delta.content ?? '' } : { delta }),
        finish_reason: reason,
        logprobs: null,
      },
    ];
    send(choice({ role: 'assistant', content: '' }));
    for (let index = 0; index <= words.length; index++) {
      if (this.script.pauseAt === index) await this.#released.promise;
      if (response.destroyed) return;
      if (fault?.at === index && (await this.#fail(fault.how, response))) return;
      if (index === words.length) break;
      this.produced++;
      record.produced++;
      const counted = options['continuous_usage_stats'] ? { usage: this.#usage(index + 1) } : {};
      send(choice({ content: `${index > 0 ? ' ' : ''}${words[index]}` }), counted);
      // A turn of the event loop between tokens, so that each is a read of its own for the bridge.
      await (this.script.paceMs === undefined ? new Promise(setImmediate) : setTimeout(this.script.paceMs));
      if (response.destroyed) return;
    }
    for (const [index, call] of calls.entries()) {
      const text = typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments);
      const begun = { name: call.name, arguments: text.slice(0, text.length / 2) };
      send(choice({ tool_calls: [{ index, id: `call_${index}`, type: 'function', function: begun }] }));
      send(choice({ tool_calls: [{ index, function: { arguments: text.slice(text.length / 2) } }] }));
    }
    const total = options['include_usage'] ? { usage: this.#usage(words.length) } : {};
    if (finish !== null) send(choice({}, finish), usage === 'last-choice' ? total : {});
    if (usage === 'own-chunk' && options['include_usage']) send([], total);
    if (!omitDone) response.write('data: [DONE]\n\n');
    response.end();
  }

  async #speak(pieces: readonly Buffer[], response: ServerResponse): Promise<void> {
    const { fault, pauseAt, paceMs } = this.script;
    response.writeHead(200, { 'content-type': 'audio/mpeg' });
    response.flushHeaders();
    for (let at = 0; at <= pieces.length; at++) {
      if (pauseAt === at) await this.#released.promise;
      if (response.destroyed) return;
      if (fault?.at === at) {
        if (fault.how === 'rst') response.socket?.resetAndDestroy();
        else if (fault.how === 'fin') response.socket?.end();
        return;
      }
      if (at < pieces.length) {
        this.produced++;
        // On its way before anything that follows, or a reset would swallow it.
        await new Promise<void>((resolve) => response.write(pieces[at]!, () => resolve()));
        await (paceMs === undefined ? new Promise(setImmediate) : setTimeout(paceMs));
      }
    }
    response.end();
  }

  /** True when nothing may follow. */
  async #fail(how: NonNullable<FakeScript['fault']>['how'], response: ServerResponse): Promise<boolean> {
    if (how === 'fin') response.end();
    else if (how === 'rst') {
      // What was written before must be on its way, or the reset would swallow it.
      await new Promise<void>((resolve) => response.write(': flush\n\n', () => resolve()));
      response.socket?.resetAndDestroy();
    } else if (how === 'garbage') response.write('data: {"id": "chatcmpl-fa\n\n');
    else if (how === 'error-event') response.write('data: {"error":{"message":"out of memory"}}\n\n');
    else {
      await new Promise<void>((resolve) => response.once('close', resolve));
    }
    return how !== 'garbage';
  }
}

const forwardedPaths = new Set([
  '/v1/rerank',
  '/tokenize',
  '/v1/tokenize',
  '/v1/audio/transcriptions',
  '/v1/audio/speech',
]);

function isCompletion({ path }: FakeRequest): boolean {
  return path === '/v1/completions';
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const bytes of request as AsyncIterable<Buffer>) parts.push(bytes);
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/')) return JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>;
  const form = await new Response(Buffer.concat(parts), { headers: { 'content-type': type } }).formData();
  return Object.fromEntries([...form.keys()].map((name) => [name, form.get(name)]));
}

/** Scores fall with the index; every letter is a token; all audio is two and a half seconds long. */
function forward({ path, body }: FakeRequest): { readonly type: string; readonly body: string | Buffer } {
  const toJson = (value: object) => ({ type: 'application/json', body: JSON.stringify(value) });
  if (path === '/v1/rerank') {
    const documents = body['documents'] as readonly string[];
    const results = documents.map((text, index) => ({ index, relevance_score: 1 / (index + 2), document: { text } }));
    return toJson({ id: 'rerank-fake', model: body['model'], results, usage: { total_tokens: 9 } });
  }
  if (path.endsWith('/tokenize')) {
    const tokens = [...String(body['prompt'] ?? JSON.stringify(body['messages']))].map((_, at) => at);
    return toJson({ count: tokens.length, max_model_len: 4096, tokens });
  }
  if (path === '/v1/audio/speech') return { type: 'audio/mpeg', body: Buffer.from([0xff, 0xfb, 0x00, 0x80]) };
  return ['text', 'srt', 'vtt'].includes(String(body['response_format']))
    ? { type: 'text/plain', body: 'hello there' }
    : toJson({ text: 'hello there', usage: { type: 'duration', seconds: 2.5 } });
}

function embed(request: FakeRequest): object {
  const input = request.body['input'];
  const inputs = Array.isArray(input) ? input : [input];
  const data = inputs.map((text, index) => ({ object: 'embedding', index, embedding: [String(text).length, 0.5, -1] }));
  return { object: 'list', data, model: request.body['model'], usage: { prompt_tokens: 3, total_tokens: 3 } };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
