/**
 * A GGUF model file run inside the bridge's process by node-llama-cpp, on the CPU: for a machine without a server, and
 * for tests with a real engine. One sequence, one job at a time; the others wait their turn. Tokens are counted exactly,
 * nothing of one job is kept for the next, and an abort takes effect before the next token.
 */
import { basename } from 'node:path';
import type { AnnouncedModel, JobOperation } from '../../shared/contracts/inference.ts';
import { fail, type Failure } from '../../shared/core/failure.ts';
import { describeError } from '../../shared/core/log.ts';
import { readText } from '../extractive/passages.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { EngineChunks } from './engine-chunks.ts';
import type { ChatHistoryItem, LlamaChatWrapper, LlamaRuntime, LoadedModel, Token } from './llama-types.ts';
import { NodeError, type TextAnswer, type InferenceNode, type NodeCall } from './node.ts';
import { TextTail } from './text-tail.ts';
import { Turnstile } from './turnstile.ts';

export type GgufNodeOptions = {
  readonly name: string;
  readonly modelPath: string;
  /** The id the model is announced under; the file's name without its ending by default. */
  readonly modelId?: string;
  readonly capacity?: number | null;
  readonly threads: number;
  readonly maxContext: number;
};

export class GgufNode implements InferenceNode {
  readonly kind = 'gguf';
  readonly name: string;
  readonly external = false;
  readonly capacity: number | null;
  readonly canary = 'idle';
  readonly #options: GgufNodeOptions;
  readonly #modelId: string;
  readonly #turnstile = new Turnstile();
  #loading: Promise<LoadedModel> | undefined;

  constructor(options: GgufNodeOptions) {
    this.name = options.name;
    this.capacity = options.capacity ?? null;
    this.#options = options;
    this.#modelId = options.modelId ?? basename(options.modelPath).replace(/\.gguf$/i, '');
  }

  /** Loads the file at the first call; a file that cannot be loaded is tried again at the next. */
  #load(): Promise<LoadedModel> {
    this.#loading ??= loadModel(this.#options).catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  readLoad(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async listModels(): Promise<readonly AnnouncedModel[]> {
    const { context } = await this.#load();
    return [
      {
        id: this.#modelId,
        operations: ['chat'],
        context_window: context.contextSize,
        dimensions: null,
        semantic: true,
        external: false,
        owned_by: 'gguf',
      },
    ];
  }

  findUnsupported(operation: JobOperation, body: JsonObject): Failure | undefined {
    const refuse = (param: string) =>
      fail('unsupported_parameter', `The built-in engine does not support ${param}.`, { param });
    if (operation === 'embeddings') return refuse('input');
    const format = body['response_format'];
    if (isJsonObject(format) && format['type'] !== 'text') return refuse('response_format');
    if (Array.isArray(body['tools']) && body['tools'].length > 0 && body['tool_choice'] !== 'none')
      return refuse('tools');
    return body['logprobs'] ? refuse('logprobs') : undefined;
  }

  async chat(body: JsonObject, call: NodeCall): Promise<TextAnswer> {
    const loaded = await this.#load();
    const history = toHistory(Array.isArray(body['messages']) ? body['messages'] : []);
    const state = loaded.wrapper.generateContextState({ chatHistory: history });
    const prompt = state.contextText.tokenize(loaded.model.tokenizer);
    const { contextSize } = loaded.context;
    if (prompt.length >= contextSize) {
      throw new NodeError(
        'rejected',
        fail(
          'context_length_exceeded',
          `The input has ${prompt.length} tokens, the context of the model ${contextSize}.`,
        ),
      );
    }
    const stops = state.stopGenerationTriggers.map(String).filter((text) => text !== '');
    return {
      kind: 'stream',
      batches: this.#generate(loaded, prompt, [...stops, ...readStops(body['stop'])], body, call),
    };
  }

  embed(): Promise<unknown> {
    return Promise.reject(new NodeError('rejected', fail('unsupported_parameter')));
  }

  async *#generate(
    { sequence, model, context }: LoadedModel,
    prompt: Token[],
    stops: readonly string[],
    body: JsonObject,
    call: NodeCall,
  ): AsyncGenerator<readonly string[]> {
    const chunks = new EngineChunks(call.run, call.created, this.#modelId);
    const limit = Math.min(Number(body['max_tokens']), context.contextSize - prompt.length);
    const words = new TokenText(model);
    const tail = new TextTail(stops);
    let produced = 0;
    let finish: 'stop' | 'length' = 'length';
    const leave = await this.#turnstile.enter(call.signal);
    try {
      await sequence.clearHistory();
      yield [chunks.role()];
      for await (const token of sequence.evaluate(prompt, readSampling(body))) {
        if (call.signal.aborted) return;
        produced++;
        if (model.isEogToken(token)) {
          finish = 'stop';
          break;
        }
        const ready = tail.push(words.push(token));
        const counted = chunks.usage(prompt.length, produced);
        yield ready === '' ? [counted] : [chunks.text(ready), counted];
        if (tail.isStopped) finish = 'stop';
        if (tail.isStopped || produced >= limit) break;
      }
      const rest = tail.end();
      if (rest !== '') yield [chunks.text(rest)];
      yield chunks.finish(finish, prompt.length, produced);
    } catch (error) {
      throw new NodeError('cut', fail('upstream_cut', undefined, { reason: describeError(error) }));
    } finally {
      leave();
    }
  }

  async close(): Promise<void> {
    const loading = this.#loading;
    if (!loading) return;
    this.#loading = undefined;
    const loaded = await loading.catch(() => undefined);
    await loaded?.runtime.dispose();
  }
}

/** Tokens as text. A letter of several bytes comes out with its last token. */
class TokenText {
  readonly #model: LoadedModel['model'];
  #pending: Token[] = [];
  #before: Token[] = [];

  constructor(model: LoadedModel['model']) {
    this.#model = model;
  }

  push(token: Token): string {
    this.#pending.push(token);
    const text = this.#model.detokenize(this.#pending, false, this.#before);
    if (text.endsWith('\ufffd') && this.#pending.length < 8) return '';
    this.#before = this.#pending;
    this.#pending = [];
    return text;
  }
}

async function loadModel(options: GgufNodeOptions): Promise<LoadedModel> {
  const library = await import('node-llama-cpp').catch((error: unknown) => {
    throw new Error(
      `node "${options.name}" needs the optional package node-llama-cpp, which could not be loaded (${describeError(error)})`,
    );
  });
  const runtime: LlamaRuntime = await library.getLlama({
    gpu: false,
    build: 'never',
    maxThreads: options.threads,
    logLevel: library.LlamaLogLevel.error,
    progressLogs: false,
  });
  const model = await runtime.loadModel({ modelPath: options.modelPath });
  const contextSize = Math.min(options.maxContext, model.trainContextSize);
  const context = await model.createContext({ threads: options.threads, contextSize });
  const wrapper: LlamaChatWrapper = library.resolveChatWrapper(model);
  return { runtime, model, context, sequence: context.getSequence(), wrapper };
}

/** The roles a chat template knows; anything a tool said is told as the user's. */
function toHistory(messages: readonly unknown[]): ChatHistoryItem[] {
  const history: ChatHistoryItem[] = [];
  for (const message of messages) {
    if (!isJsonObject(message)) continue;
    const text = readText(message);
    const role = message['role'];
    if (role === 'system' || role === 'developer') history.push({ type: 'system', text });
    else if (role === 'assistant') history.push({ type: 'model', response: [text] });
    else history.push({ type: 'user', text });
  }
  // The template asks for an answer where the history ends with an empty one of the model's.
  if (history.at(-1)?.type !== 'model') history.push({ type: 'model', response: [] });
  return history;
}

function readStops(stop: unknown): string[] {
  return (Array.isArray(stop) ? stop : [stop]).filter(
    (each): each is string => typeof each === 'string' && each !== '',
  );
}

function readSampling(body: JsonObject): { temperature: number; topP?: number; seed?: number } {
  const number = (key: string) => (typeof body[key] === 'number' ? body[key] : undefined);
  const [topP, seed] = [number('top_p'), number('seed')];
  return {
    temperature: number('temperature') ?? 1,
    ...(topP === undefined ? {} : { topP }),
    ...(seed === undefined ? {} : { seed: seed >>> 0 }),
  };
}
