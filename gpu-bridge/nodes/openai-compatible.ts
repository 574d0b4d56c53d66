/**
 * A node that speaks OpenAI's HTTP API (LM Studio, llama.cpp, SGLang, …), and the base of the vLLM and Ollama ones.
 * Bodies go through undici without WHATWG streams; the node's usage is always asked for; aborting closes the connection,
 * which is what makes every such node stop generating.
 */
import type { Readable } from 'node:stream';
import { Agent, request, FormData, type Dispatcher } from 'undici';
import { operationPaths, type AnnouncedModel, type JobOperation } from '../../shared/contracts/inference.ts';
import { fail, type Failure } from '../../shared/core/failure.ts';
import { describeError } from '../../shared/core/log.ts';
import { findCount, findObject, findString, isJsonObject, parseJson, type JsonObject } from '../json-object.ts';
import { toNodeError } from '../normalise.ts';
import { toAudioForm } from './audio-form.ts';
import { guessOperations } from './guess-operations.ts';
import {
  NodeError,
  type CanaryHabit,
  type ForwardedAnswer,
  type ForwardedOperation,
  type SpokenAnswer,
  type TextAnswer,
  type InferenceNode,
  type NodeCall,
  type NodeKind,
  type NodeLoad,
} from './node.ts';
import { SseFrameReader } from './sse-frames.ts';

const decoder = new TextDecoder();
const MaxErrorBytes = 64 * 1024;
const MaxBodyBytes = 256 * 1024 * 1024;

export type HttpNodeOptions = {
  readonly name: string;
  /** The server's root or its `/v1`. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly external: boolean;
  readonly capacity: number | null;
  /** The field that limits the output; OpenAI's own newer models refuse `max_tokens`. */
  readonly limitField: 'max_tokens' | 'max_completion_tokens';
  /** Ask for a stream also where the caller wants a body, so that a run that is broken off is counted exactly. */
  readonly alwaysStream: boolean;
  /** What models do, by id, where their names do not say it. */
  readonly operations: Readonly<Record<string, readonly JobOperation[]>>;
  /** Models that take images, by id, where the node does not say it. */
  readonly images: readonly string[];
  readonly gpus: number | undefined;
  readonly keepWarm: readonly string[];
};

export class OpenAiCompatibleNode implements InferenceNode {
  readonly kind: NodeKind = 'openai-compatible';
  readonly name: string;
  readonly external: boolean;
  readonly capacity: number | null;
  readonly gpus: number | undefined;
  readonly keepWarm: readonly string[];
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
    this.capacity = options.capacity;
    this.gpus = options.gpus;
    this.keepWarm = options.keepWarm;
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

  /** A canary on somebody else's hardware would be paid for. */
  get canary(): CanaryHabit {
    return this.external ? 'never' : 'any';
  }

  readLoad(_signal: AbortSignal): Promise<NodeLoad | undefined> {
    return Promise.resolve(undefined);
  }

  protected describeModel(id: string, item: unknown): AnnouncedModel {
    const digest = findString(item, 'digest');
    const images = this.#options.images.includes(id) || this.takesImages(id, item);
    return {
      id,
      operations: [...(this.#options.operations[id] ?? this.operationsOf(id, item))],
      context_window: findCount(item, 'max_model_len') || findCount(item, 'context_length') || null,
      dimensions: null,
      semantic: true,
      external: this.external,
      owned_by: findString(item, 'owned_by') ?? this.kind,
      ...(images === undefined ? {} : { images }),
      ...(digest === undefined ? {} : { digest: digest.slice(0, 200) }),
    };
  }

  /** A list of OpenAI's shape does not say what a model is for; its name mostly does. */
  protected operationsOf(id: string, _item: unknown): readonly JobOperation[] {
    return guessOperations(id);
  }

  /** Some say what may go in; undefined where it does not tell. */
  protected takesImages(_id: string, item: unknown): boolean | undefined {
    const told = findObject(item, 'architecture')?.['input_modalities'];
    return Array.isArray(told) ? told.includes('image') : undefined;
  }

  findUnsupported(_operation: JobOperation, _body: JsonObject): Failure | undefined {
    return undefined;
  }

  /** Members that this kind of node understands besides OpenAI's. */
  protected get extraStreamOptions(): JsonObject {
    return {};
  }

  chat(body: JsonObject, call: NodeCall): Promise<TextAnswer> {
    const { max_tokens: limit, max_completion_tokens: _, ...rest } = body;
    const stream = body['stream'] === true || this.#options.alwaysStream;
    return this.#write('chat', call, { ...rest, [this.#options.limitField]: limit, stream });
  }

  complete(body: JsonObject, call: NodeCall): Promise<TextAnswer> {
    return this.#write('completions', call, { ...body, stream: body['stream'] === true });
  }

  async #write(operation: 'chat' | 'completions', call: NodeCall, body: JsonObject): Promise<TextAnswer> {
    const { stream_options: options, ...rest } = body;
    const stream = body['stream'] === true;
    const given = isJsonObject(options) ? options : {};
    const answer = await this.#post(operationPaths[operation], call, {
      ...rest,
      ...(stream ? { stream_options: { ...given, include_usage: true, ...this.extraStreamOptions } } : {}),
    });
    const type = String(answer.headers['content-type'] ?? '');
    if (stream && type.startsWith('text/event-stream')) return { kind: 'stream', batches: readFrames(answer.body) };
    return { kind: 'body', body: await readJsonBody(answer.body) };
  }

  embed(body: JsonObject, call: NodeCall): Promise<unknown> {
    return this.postJson(operationPaths.embeddings, call, body);
  }

  async forward(operation: ForwardedOperation, body: JsonObject, call: NodeCall): Promise<ForwardedAnswer> {
    const sent = operation === 'transcription' ? toAudioForm(body) : body;
    const answer = await this.#post(this.pathOf(operation), call, sent);
    return { type: String(answer.headers['content-type'] ?? ''), bytes: await readBytes(answer.body) };
  }

  async speak(body: JsonObject, call: NodeCall): Promise<SpokenAnswer> {
    const { stream_format: _, ...rest } = body;
    const answer = await this.#post(operationPaths.speech, call, rest);
    return { type: String(answer.headers['content-type'] ?? ''), pieces: readPieces(answer.body) };
  }

  protected pathOf(operation: ForwardedOperation): string {
    return operationPaths[operation];
  }

  protected async postJson(path: string, call: NodeCall, body: JsonObject): Promise<unknown> {
    return readJsonBody((await this.#post(path, call, body)).body);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  protected async getJson(path: string, signal: AbortSignal): Promise<unknown> {
    return readJsonBody(await this.#get(path, signal));
  }

  protected async getText(path: string, signal: AbortSignal): Promise<string> {
    return decoder.decode(await readBytes(await this.#get(path, signal)));
  }

  async #get(path: string, signal: AbortSignal): Promise<Dispatcher.ResponseData['body']> {
    const answer = await request(this.root + path, { dispatcher: this.#agent, headers: this.#headers(), signal });
    if (answer.statusCode === 200) return answer.body;
    await answer.body.dump();
    throw new Error(`${path} answered ${answer.statusCode}`);
  }

  #headers(): Record<string, string> {
    return this.#options.apiKey === undefined ? {} : { authorization: `Bearer ${this.#options.apiKey}` };
  }

  async #post(path: string, call: NodeCall, body: JsonObject | FormData): Promise<Dispatcher.ResponseData> {
    const isForm = body instanceof FormData;
    let answer: Dispatcher.ResponseData;
    try {
      answer = await request(this.root + path, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: {
          ...(isForm ? {} : { 'content-type': 'application/json' }),
          'x-request-id': call.run,
          ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }),
          ...this.#headers(),
        },
        body: isForm ? body : JSON.stringify(body),
        signal: call.signal,
      });
    } catch (error) {
      throw new NodeError('unreachable', fail('node_unavailable', undefined, { reason: describeError(error) }));
    }
    if (answer.statusCode === 200) return answer;
    throw toNodeError(answer.statusCode, parseJson(await readErrorText(answer.body))?.value);
  }
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

async function* readPieces(body: Dispatcher.ResponseData['body']): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch (error) {
    throw new NodeError('cut', fail('upstream_cut', undefined, { reason: describeError(error) }));
  }
}

async function readBytes(body: Dispatcher.ResponseData['body']): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const bytes of readPieces(body)) {
    parts.push(bytes);
    size += bytes.length;
    if (size > MaxBodyBytes) break;
  }
  if (size <= MaxBodyBytes) return Buffer.concat(parts);
  throw new NodeError('invalid', fail('upstream_invalid', undefined, { reason: 'the body is too large' }));
}

async function readJsonBody(body: Dispatcher.ResponseData['body']): Promise<unknown> {
  const parsed = parseJson(decoder.decode(await readBytes(body)));
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
