/**
 * The two forms in which a node writes text, told apart in one place: a chat's messages and deltas, and the older
 * completion's bare text. What reads and checks the answers is the same for both.
 */
import { err, ok, type Result } from '../shared/core/result.ts';
import { findObject, findString, isJsonObject, type JsonObject } from './json-object.ts';

export type TextShape = {
  readonly idPrefix: string;
  readonly object: string;
  readonly chunkObject: string;
  /** The member of a streamed choice that holds a plain piece of text. */
  readonly textMember: RegExp;
  /** What a streamed choice says, checked; `isFirst`: it is the first of its choice. Undefined where it is no such choice. */
  readonly readDelta: (
    choice: JsonObject,
    isFirst: boolean,
  ) => { readonly said: JsonObject; readonly isProduced: boolean } | undefined;
  /** The text of a streamed choice that says nothing else. */
  readonly onlyText: (choice: JsonObject) => string | undefined;
  /** What a streamed choice says that ends and says nothing. */
  readonly nothing: JsonObject;
  /** A whole choice save for its index and its reason to finish. `fallbackId` names calls without an id. */
  readonly readWhole: (choice: JsonObject, fallbackId: string) => Result<JsonObject>;
  /** Where a whole choice holds what the model wrote. */
  readonly written: (choice: unknown) => unknown;
};

export const chatShape: TextShape = {
  idPrefix: 'chatcmpl-',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  textMember: /"content": ?"/,
  readDelta(choice, isFirst) {
    const given = choice['delta'] ?? {};
    if (!isJsonObject(given)) return undefined;
    const delta: JsonObject = isFirst ? { role: 'assistant', ...given } : given;
    if (typeof delta['content'] === 'object' && delta['content'] !== null) return undefined;
    if (delta['tool_calls'] === null) delete delta['tool_calls'];
    return { said: { delta }, isProduced: holdsAnything(delta) };
  },
  onlyText(choice) {
    const delta = choice['delta'];
    if (!isJsonObject(delta) || Object.keys(delta).length !== 1) return undefined;
    return findString(delta, 'content');
  },
  nothing: { delta: {} },
  readWhole(choice, fallbackId) {
    const message = findObject(choice, 'message');
    if (!message) return invalid('a choice has no message');
    const content = parseContent(message['content']);
    if (content === undefined) return invalid('content is neither text nor null');
    const calls = message['tool_calls'];
    const toolCalls =
      Array.isArray(calls) && calls.length > 0
        ? calls.map((call, at) => normaliseToolCall(call, `${fallbackId}_${at}`))
        : undefined;
    if (toolCalls?.includes(undefined)) return invalid('a tool call has no function name');
    const { tool_calls: _, ...rest } = message;
    return ok({
      message: {
        ...rest,
        role: 'assistant',
        content,
        refusal: findString(message, 'refusal') ?? null,
        ...(toolCalls ? { tool_calls: toolCalls } : {}),
      },
    });
  },
  written: (choice) => findObject(choice, 'message'),
};

export const completionShape: TextShape = {
  idPrefix: 'cmpl-',
  object: 'text_completion',
  chunkObject: 'text_completion',
  textMember: /"text": ?"/,
  readDelta(choice) {
    const text = choice['text'] ?? '';
    return typeof text === 'string' ? { said: { text }, isProduced: text !== '' } : undefined;
  },
  onlyText: (choice) => findString(choice, 'text'),
  nothing: { text: '' },
  readWhole(choice) {
    const text = findString(choice, 'text');
    return text === undefined ? invalid('a choice has no text') : ok({ text });
  },
  written: (choice) => findString(choice, 'text'),
};

function invalid(reason: string): Result<never> {
  return err('upstream_invalid', undefined, { reason });
}

/** Every member of a delta that holds something the model produced. */
function holdsAnything(delta: JsonObject): boolean {
  return Object.entries(delta).some(
    ([key, value]) => key !== 'role' && value !== null && value !== '' && (!Array.isArray(value) || value.length > 0),
  );
}

/** Text, null, or OpenAI's text parts joined; undefined for anything else. */
function parseContent(content: unknown): string | null | undefined {
  if (content === undefined || content === null) return null;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((part) => findString(part, 'text'));
  return texts.includes(undefined) ? undefined : texts.join('');
}

/** `fallbackId` names a call whose node gave it no id. */
function normaliseToolCall(call: unknown, fallbackId: string): JsonObject | undefined {
  const target = findObject(call, 'function');
  const name = findString(target, 'name');
  if (!name) return undefined;
  const given = target?.['arguments'];
  return {
    id: findString(call, 'id') || fallbackId,
    type: 'function',
    function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}) },
  };
}
