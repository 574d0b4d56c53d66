/**
 * Makes what a node sends conform to OpenAI's shapes: whole completions, embeddings, usage, finish reasons and errors.
 * Pure. Whatever is not a valid answer is a Failure, never a repaired guess: a completion without a finish reason, an
 * embedding that is not numbers, an answer that holds an error. Streams are in `normalise-stream.ts`.
 */
import type { CompletionUsage, FinishReason } from '../shared/contracts/chat-completions.ts';
import { fail, type Failure } from '../shared/core/failure.ts';
import { err, ok, type Result } from '../shared/core/result.ts';
import { findCount, findObject, findString, isJsonObject, type JsonObject } from './json-object.ts';
import { NodeError } from './nodes/node.ts';
import { chatShape, type TextShape } from './text-shapes.ts';

/** What the answer is called where the node does not say. */
export type AnswerNames = { readonly id: string; readonly created: number; readonly model: string };

const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  content_filter: 'content_filter',
  function_call: 'function_call',
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool_calls',
};

/** OpenAI's word for a node's finish reason. `abort`, `error` and unknown ones are undefined: the answer is not whole. */
export function parseFinishReason(value: unknown): FinishReason | undefined {
  return typeof value === 'string' && Object.hasOwn(finishReasons, value) ? finishReasons[value] : undefined;
}

export function parseUsage(value: unknown): CompletionUsage | undefined {
  const prompt = findCount(value, 'prompt_tokens');
  if (prompt === undefined) return undefined;
  const completion = findCount(value, 'completion_tokens') ?? 0;
  const cached = findCount(findObject(value, 'prompt_tokens_details'), 'cached_tokens');
  const reasoning = findCount(findObject(value, 'completion_tokens_details'), 'reasoning_tokens');
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: Math.min(cached, prompt) } }),
    ...(reasoning === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoning } }),
  };
}

function invalid(reason: string): { readonly ok: false; readonly failure: Failure } {
  return err('upstream_invalid', undefined, { reason });
}

/** A completion that conforms save for `usage`, which is undefined where the node gave none that can be believed. */
export type NormalisedCompletion = { readonly body: JsonObject; readonly usage: CompletionUsage | undefined };

export function normaliseCompletion(
  value: unknown,
  names: AnswerNames,
  shape: TextShape = chatShape,
): Result<NormalisedCompletion> {
  if (!isJsonObject(value)) return invalid('the completion is not an object');
  if (value['error'] !== undefined && value['error'] !== null) return invalid('the completion is an error');
  const given = value['choices'];
  if (!Array.isArray(given) || given.length === 0) return invalid('the completion has no choices');
  const choices: JsonObject[] = [];
  for (const [index, choice] of given.entries()) {
    const normalised = normaliseChoice(choice, index, names.id, shape);
    if (!normalised.ok) return normalised;
    choices.push(normalised.value);
  }
  const usage = parseUsage(value['usage']);
  return ok({
    usage,
    body: {
      ...value,
      id: findString(value, 'id') || names.id,
      object: shape.object,
      created: findCount(value, 'created') ?? names.created,
      model: names.model,
      choices,
      ...(usage === undefined ? {} : { usage }),
    },
  });
}

function normaliseChoice(choice: unknown, index: number, answerId: string, shape: TextShape): Result<JsonObject> {
  if (!isJsonObject(choice)) return invalid('a choice is not an object');
  const said = shape.readWhole(choice, `call_${answerId}_${index}`);
  if (!said.ok) return said;
  const finish = parseFinishReason(choice['finish_reason']);
  if (!finish) return invalid(`finish_reason is ${JSON.stringify(choice['finish_reason'])}`);
  return ok({
    ...choice,
    index: findCount(choice, 'index') ?? index,
    ...said.value,
    logprobs: choice['logprobs'] ?? null,
    finish_reason: finish,
  });
}

/** What the caller asked of the embeddings. */
export type EmbeddingAsk = {
  readonly count: number;
  readonly format: 'float' | 'base64';
  readonly dimensions: number | undefined;
};

export function normaliseEmbeddings(
  value: unknown,
  ask: EmbeddingAsk,
  model: string,
): Result<{ readonly data: readonly JsonObject[]; readonly model: string; readonly promptTokens: number | undefined }> {
  const given = isJsonObject(value) ? value['data'] : undefined;
  if (!Array.isArray(given) || given.length !== ask.count) return invalid('data does not hold one vector an input');
  const vectors = Array.from<Vector | undefined>({ length: ask.count });
  for (const [place, item] of given.entries()) {
    const index = findCount(item, 'index') ?? place;
    const vector = parseVector(isJsonObject(item) ? item['embedding'] : undefined);
    if (!vector || index >= ask.count || vectors[index]) return invalid('an embedding is not a vector of its own');
    vectors[index] = vector;
  }
  const length = vectors[0]?.length ?? 0;
  if (vectors.some((vector) => vector?.length !== length)) return invalid('the vectors differ in length');
  if (ask.dimensions !== undefined && ask.dimensions !== length) {
    return err('unsupported_parameter', `The model gives vectors of ${length} numbers only.`, { param: 'dimensions' });
  }
  const data = vectors.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: ask.format === 'base64' ? encodeVector(vector!) : toNumbers(vector!),
  }));
  return ok({
    data,
    model,
    promptTokens: findCount(isJsonObject(value) ? value['usage'] : undefined, 'prompt_tokens'),
  });
}

type Vector = readonly number[] | Float32Array;

function parseVector(embedding: unknown): Vector | undefined {
  if (typeof embedding === 'string') {
    const bytes = Buffer.from(embedding, 'base64');
    if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined;
    const vector = Float32Array.from({ length: bytes.length / 4 }, (_, place) => bytes.readFloatLE(place * 4));
    return vector.every(Number.isFinite) ? vector : undefined;
  }
  if (!Array.isArray(embedding) || embedding.length === 0) return undefined;
  return embedding.every((each): each is number => typeof each === 'number' && Number.isFinite(each))
    ? embedding
    : undefined;
}

/** Little-endian float32, as the official clients expect. */
export function encodeVector(vector: Vector): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, place) => bytes.writeFloatLE(value, place * 4));
  return bytes.toString('base64');
}

/** A float32 has nine significant digits at most; more are noise on the wire. */
export function toNumbers(vector: Vector): readonly number[] {
  return vector instanceof Float32Array ? Array.from(vector, (value) => Number(value.toPrecision(9))) : vector;
}

/** What a node's HTTP error means to the caller. The node's own words pass only where the request is at fault. */
export function toNodeError(status: number, body: unknown): NodeError {
  const inner = findObject(body, 'error') ?? (isJsonObject(body) ? body : undefined);
  const text = findString(inner, 'message') ?? findString(body, 'error') ?? findString(body, 'detail');
  const reason = `the node answered ${status}${text ? `: ${text.slice(0, 300)}` : ''}`;
  if (status === 404) return new NodeError('rejected', fail('model_not_found', undefined, { reason }));
  if (status === 429 || status === 503) return new NodeError('busy', fail('node_unavailable', undefined, { reason }));
  if (status === 401 || status === 403 || status === 408 || status === 407) {
    return new NodeError('unreachable', fail('node_unavailable', undefined, { reason }));
  }
  if (status >= 400 && status < 500) return new NodeError('rejected', rejectedRequest(inner, text, reason));
  return new NodeError('invalid', fail('upstream_invalid', undefined, { reason }));
}

function rejectedRequest(inner: JsonObject | undefined, text: string | undefined, reason: string): Failure {
  const param = findString(inner, 'param');
  const tooLong = /context_length_exceeded|maximum context length|context (size|window|length)/i;
  const code = tooLong.test(`${findString(inner, 'code') ?? ''} ${text ?? ''}`)
    ? 'context_length_exceeded'
    : 'invalid_request';
  return fail(code, text?.slice(0, 2000), { reason, ...(param ? { param } : {}) });
}
