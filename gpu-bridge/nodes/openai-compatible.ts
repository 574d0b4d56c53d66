/**
 * A node that speaks OpenAI's HTTP API (LM Studio, llama.cpp, SGLang, …), and the base of the vLLM and Ollama ones.
 * Bodies go through undici without WHATWG streams; the node's usage is always asked for; aborting closes the connection,
 * which is what makes every such node stop generating.
 */
import type { Readable } from 'node:stream';
import { Agent, request, type Dispatcher } from 'undici';
import type { AnnouncedModel } from '../../shared/contracts/inference.ts';
import { fail, type Failure } from '../../shared/core/failure.ts';
import { describeError } from '../../shared/core/log.ts';
import { findCount, findString, isJsonObject, parseJson, type JsonObject } from '../json-object.ts';
import { toNodeError } from '../normalise.ts';
import { NodeError, type ChatAnswer, type InferenceNode, type NodeCall, type NodeKind } from './node.ts';
import { SseFrameReader } from './sse-frames.ts';

const MaxErrorBytes = 64 * 1024;
const MaxBodyBytes = 256 * 1024 * 1024;

export type HttpNodeOptions = {
  readonly name: string;
  /** The server's root or its `/v1`. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly external: boolean;
  /** The field that limits the output; OpenAI's own newer models refuse `max_tokens`. */
  readonly limitField: 'max_tokens' | 'max_completion_tokens';
  /** Ask for a stream also where the caller wants a body, so that a run that is broken off is counted exactly. */
  readonly alwaysStream: boolean;
};

export class OpenAiCompatibleNode implements InferenceNode {
  readonly kind: NodeKind = 'openai-compatible';
  readonly name: string;
  readonly external: boolean;
  /** The server's root, without `/v1` and without a slash at its end. */
  protected readonly root: string;
  readonly #options: HttpNodeOptions;
  readonly #agent = new Agent({
    connect: { timeout: 5000 },
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4000,
  });

  constructor(options: HttpNodeOptions) {
    this.name = options.name;
    this.external = options.external;
    this.root = options.url.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#options = options;
  }

  async listModels(signal: AbortSignal): Promise<readonly AnnouncedModel[]> {
    const body = await this.getJson('/v1/models', signal);
    const data = isJsonObject(body) && Array.isArray(body['data']) ? body['data'] : undefined;
    if (!data) throw new Error('/v1/models does not answer with a list');
    return data.flatMap((item) => {
      const id = findString(item, 'id');
      return id ? [this.describeModel(id, item)] : [];
    });
  }

  /** A list of OpenAI's shape does not say what a model is for; the name of nearly every embedder does. */
  protected describeModel(id: string, item: unknown): AnnouncedModel {
    const embeds = looksLikeEmbedder(id);
    return {
      id,
      operations: [embeds ? 'embeddings' : 'chat'],
      context_window: findCount(item, 'max_model_len') || findCount(item, 'context_length') || null,
      dimensions: null,
      semantic: true,
      external: this.external,
      owned_by: findString(item, 'owned_by') ?? this.kind,
    };
  }

  findUnsupported(_operation: 'chat' | 'embeddings', _body: JsonObject): Failure | undefined {
    return undefined;
  }

  /** Members that this kind of node understands besides OpenAI's. */
  protected get extraStreamOptions(): JsonObject {
    return {};
  }

  async chat(body: JsonObject, call: NodeCall): Promise<ChatAnswer> {
    const { max_tokens: limit, max_completion_tokens: _, stream_options: options, ...rest } = body;
    const stream = body['stream'] === true || this.#options.alwaysStream;
    const given = isJsonObject(options) ? options : {};
    const answer = await this.#post('/v1/chat/completions', call, {
      ...rest,
      [this.#options.limitField]: limit,
      stream,
      ...(stream ? { stream_options: { ...given, include_usage: true, ...this.extraStreamOptions } } : {}),
    });
    const type = String(answer.headers['content-type'] ?? '');
    if (stream && type.startsWith('text/event-stream')) return { kind: 'stream', batches: readFrames(answer.body) };
    return { kind: 'body', body: await readJsonBody(answer.body) };
  }

  async embed(body: JsonObject, call: NodeCall): Promise<unknown> {
    const answer = await this.#post('/v1/embeddings', call, body);
    return readJsonBody(answer.body);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  protected async getJson(path: string, signal: AbortSignal): Promise<unknown> {
    const answer = await request(this.root + path, { dispatcher: this.#agent, headers: this.#headers(), signal });
    if (answer.statusCode === 200) return readJsonBody(answer.body);
    await answer.body.dump();
    throw new Error(`${path} answered ${answer.statusCode}`);
  }

  #headers(): Record<string, string> {
    return this.#options.apiKey === undefined ? {} : { authorization: `Bearer ${this.#options.apiKey}` };
  }

  async #post(path: string, call: NodeCall, body: JsonObject): Promise<Dispatcher.ResponseData> {
    let answer: Dispatcher.ResponseData;
    try {
      answer = await request(this.root + path, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: {
          'content-type': 'application/json',
          'x-request-id': call.run,
          ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }),
          ...this.#headers(),
        },
        body: JSON.stringify(body),
        signal: call.signal,
      });
    } catch (error) {
      throw new NodeError('unreachable', fail('node_unavailable', undefined, { reason: describeError(error) }));
    }
    if (answer.statusCode === 200) return answer;
    throw toNodeError(answer.statusCode, parseJson(await readErrorText(answer.body))?.value);
  }
}

export function looksLikeEmbedder(id: string): boolean {
  return /embed|\b(?:bge|gte|e5|minilm)\b|[/_-](?:bge|gte|e5)[-_]/i.test(id) && !/rerank/i.test(id);
}

async function readErrorText(body: Dispatcher.ResponseData['body']): Promise<string> {
  let text = '';
  try {
    for await (const bytes of body) {
      text += String(bytes);
      if (text.length > MaxErrorBytes) break;
    }
  } catch {
    // The status alone says enough.
  }
  return text;
}

async function readJsonBody(body: Dispatcher.ResponseData['body']): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const bytes of body as AsyncIterable<Buffer>) {
      parts.push(bytes);
      size += bytes.length;
      if (size > MaxBodyBytes) break;
    }
  } catch (error) {
    throw new NodeError('cut', fail('upstream_cut', undefined, { reason: describeError(error) }));
  }
  const parsed = size > MaxBodyBytes ? undefined : parseJson(Buffer.concat(parts).toString('utf8'));
  if (!parsed) throw new NodeError('invalid', fail('upstream_invalid', undefined, { reason: 'the body is not JSON' }));
  return parsed.value;
}

/** The frames of each read. After `[DONE]` the rest is let go by, so that the connection can serve the next job. */
async function* readFrames(body: Dispatcher.ResponseData['body']): AsyncGenerator<readonly string[]> {
  const reader = new SseFrameReader();
  const stream = body as unknown as Readable;
  let done = false;
  try {
    for await (const bytes of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const frames = reader.push(bytes);
      done ||= frames.includes('[DONE]');
      if (frames.length > 0) yield frames;
      if (done) return;
    }
  } catch (error) {
    throw new NodeError('cut', fail('upstream_cut', undefined, { reason: describeError(error) }));
  } finally {
    if (done) body.dump({ limit: 64 * 1024 }).catch(() => {});
    else stream.destroy();
  }
}
