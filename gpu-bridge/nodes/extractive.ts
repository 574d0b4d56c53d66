/**
 * The node without a model: answers chats by quoting, and embeds by hashing characters. Pure and deterministic, always
 * ready, and refuses what only a model could honour. Its parts are in `gpu-bridge/extractive/`.
 */
import { ExtractiveModel, type AnnouncedModel, type JobOperation } from '../../shared/contracts/inference.ts';
import { fail, type Failure } from '../../shared/core/failure.ts';
import { embedByHash, HashEmbeddingDimensions, HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { chooseTool } from '../extractive/choose-tool.ts';
import { composeAnswer } from '../extractive/compose-answer.ts';
import { readConversation } from '../extractive/passages.ts';
import { countPieces, takePieces } from '../extractive/pieces.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { countInput } from '../count-input.ts';
import { encodeVector, toNumbers } from '../normalise.ts';
import { EngineChunks } from './engine-chunks.ts';
import type { TextAnswer, InferenceNode, NodeCall } from './node.ts';

const WordsPerBatch = 8;

export class ExtractiveNode implements InferenceNode {
  readonly kind = 'extractive';
  readonly name: string;
  readonly external = false;
  readonly capacity = null;
  readonly canary = 'never';

  constructor(name: string) {
    this.name = name;
  }

  readLoad(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  listModels(): Promise<readonly AnnouncedModel[]> {
    const common = { context_window: null, external: false, owned_by: 'freehold', images: false } as const;
    return Promise.resolve([
      { ...common, id: ExtractiveModel, operations: ['chat'], dimensions: null, semantic: false },
      {
        ...common,
        id: HashEmbeddingModel,
        operations: ['embeddings'],
        dimensions: HashEmbeddingDimensions,
        semantic: false,
      },
    ]);
  }

  findUnsupported(operation: JobOperation, body: JsonObject): Failure | undefined {
    if (operation === 'embeddings') return findUnsupportedEmbedding(body);
    const format = body['response_format'];
    if (isJsonObject(format) && format['type'] !== 'text') {
      return refuse('response_format', 'The extractive engine quotes text; it cannot write JSON.');
    }
    const forces = body['tool_choice'] === 'required' || isJsonObject(body['tool_choice']);
    if (!forces) return undefined;
    const messages = Array.isArray(body['messages']) ? body['messages'] : [];
    const tool = chooseTool(body, readConversation(messages).question);
    return tool ? undefined : refuse('tool_choice', 'The message names no tool that the extractive engine could call.');
  }

  chat(body: JsonObject, call: NodeCall): Promise<TextAnswer> {
    return Promise.resolve({ kind: 'stream', batches: answer(body, call) });
  }

  embed(body: JsonObject): Promise<unknown> {
    const texts = (Array.isArray(body['input']) ? body['input'] : [body['input']]).map(String);
    const base64 = body['encoding_format'] === 'base64';
    const data = texts.map((text, index) => {
      const vector = embedByHash(text);
      return { object: 'embedding', index, embedding: base64 ? encodeVector(vector) : toNumbers(vector) };
    });
    const tokens = countInput('embeddings', body);
    return Promise.resolve({ object: 'list', data, usage: { prompt_tokens: tokens, total_tokens: tokens } });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function findUnsupportedEmbedding(body: JsonObject): Failure | undefined {
  const inputs = Array.isArray(body['input']) ? body['input'] : [body['input']];
  if (inputs.length === 0 || inputs.some((input) => typeof input !== 'string')) {
    return refuse('input', `${HashEmbeddingModel} takes texts only, not tokens.`);
  }
  const dimensions = body['dimensions'] ?? HashEmbeddingDimensions;
  return dimensions === HashEmbeddingDimensions
    ? undefined
    : refuse('dimensions', `${HashEmbeddingModel} gives vectors of ${HashEmbeddingDimensions} numbers only.`);
}

function refuse(param: string, message: string): Failure {
  return fail('unsupported_parameter', message, { param });
}

async function* answer(body: JsonObject, call: NodeCall): AsyncGenerator<readonly string[]> {
  const chunks = new EngineChunks(call.run, call.created, ExtractiveModel);
  const prompt = countInput('chat', body);
  const limit = Number(body['max_tokens']);
  const conversation = readConversation(Array.isArray(body['messages']) ? body['messages'] : []);
  const tool = conversation.toolResults.length === 0 ? chooseTool(body, conversation.question) : undefined;
  if (tool) {
    const given = JSON.stringify(tool.arguments);
    const target = { name: tool.name, arguments: given };
    const cost = Math.min(limit, countPieces(tool.name) + countPieces(given));
    yield [chunks.role(), chunks.toolCall({ index: 0, id: `call_${call.run}`, type: 'function', function: target })];
    yield chunks.finish('tool_calls', prompt, cost);
    return;
  }
  const whole = cutAtStop(composeAnswer(conversation), body['stop']);
  const { text, count } = takePieces(whole, limit);
  const words = text.match(/\s*\S+\s*/gu) ?? [];
  yield [chunks.role()];
  for (let at = 0; at < words.length && !call.signal.aborted; at += WordsPerBatch) {
    yield words.slice(at, at + WordsPerBatch).map((word) => chunks.text(word));
  }
  yield chunks.finish(text === whole ? 'stop' : 'length', prompt, count);
}

function cutAtStop(text: string, stop: unknown): string {
  const stops = (Array.isArray(stop) ? stop : [stop]).filter((each) => typeof each === 'string' && each !== '');
  const ends = stops.map((each) => text.indexOf(String(each))).filter((at) => at >= 0);
  return ends.length > 0 ? text.slice(0, Math.min(...ends)) : text;
}
