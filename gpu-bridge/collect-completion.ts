/**
 * Puts the chunks of a stream together into one completion: what a caller gets who asked for a body from a node that
 * streams. Takes normalised chunks only, so every shape it reads has been checked.
 */
import type { CompletionUsage } from '../shared/contracts/chat-completions.ts';
import { findObject, findString, isJsonObject, parseJson, type JsonObject } from './json-object.ts';

type ChoiceParts = {
  readonly texts: Map<string, string>;
  readonly calls: Map<number, { id: string; name: string; arguments: string }>;
  readonly logprobs: unknown[];
  finish: unknown;
};

export class CompletionCollector {
  #names: JsonObject = {};
  readonly #choices = new Map<number, ChoiceParts>();

  add(chunkJson: string): void {
    const chunk = parseJson(chunkJson)?.value;
    if (!isJsonObject(chunk) || !Array.isArray(chunk['choices'])) return;
    this.#names = { id: chunk['id'], created: chunk['created'], model: chunk['model'] };
    for (const choice of chunk['choices']) if (isJsonObject(choice)) this.#addChoice(choice);
  }

  #addChoice(choice: JsonObject): void {
    const index = Number(choice['index']);
    const parts: ChoiceParts = this.#choices.get(index) ?? {
      texts: new Map(),
      calls: new Map(),
      logprobs: [],
      finish: null,
    };
    this.#choices.set(index, parts);
    parts.finish = choice['finish_reason'] ?? parts.finish;
    const logprobs = findObject(choice, 'logprobs')?.['content'];
    if (Array.isArray(logprobs)) parts.logprobs.push(...logprobs);
    for (const [key, value] of Object.entries(findObject(choice, 'delta') ?? {})) {
      if (key === 'tool_calls' && Array.isArray(value)) value.forEach((call) => addToolCall(parts, call));
      else if (key !== 'role' && typeof value === 'string') parts.texts.set(key, (parts.texts.get(key) ?? '') + value);
    }
  }

  finish(usage: CompletionUsage): JsonObject {
    const choices = [...this.#choices].map(([index, parts]) => ({
      index,
      message: formatMessage(parts),
      logprobs: parts.logprobs.length > 0 ? { content: parts.logprobs, refusal: null } : null,
      finish_reason: parts.finish,
    }));
    return { ...this.#names, object: 'chat.completion', choices, usage };
  }
}

function addToolCall(parts: ChoiceParts, call: unknown): void {
  if (!isJsonObject(call)) return;
  const index = typeof call['index'] === 'number' ? call['index'] : parts.calls.size;
  const whole = parts.calls.get(index) ?? { id: '', name: '', arguments: '' };
  parts.calls.set(index, whole);
  const target = findObject(call, 'function');
  whole.id ||= findString(call, 'id') ?? '';
  whole.name ||= findString(target, 'name') ?? '';
  whole.arguments += findString(target, 'arguments') ?? '';
}

function formatMessage(parts: ChoiceParts): JsonObject {
  const calls = [...parts.calls.values()].map((call) => ({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: call.arguments },
  }));
  return {
    ...Object.fromEntries(parts.texts),
    role: 'assistant',
    content: parts.texts.get('content') || (calls.length > 0 ? null : ''),
    refusal: parts.texts.get('refusal') ?? null,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}
