/**
 * Makes a node's stream of chunks conform: one id, `created` and model throughout, a role first, `usage` only where it
 * was asked for, one usage chunk at the end. A stream is whole when every choice has a finish reason; nothing else is.
 * Chunks that differ from the one before only in their text (nearly all of them) are copied between two remembered
 * halves without parsing the whole; every other chunk is parsed.
 */
import type { CompletionUsage } from '../shared/contracts/chat-completions.ts';
import { fail } from '../shared/core/failure.ts';
import { findCount, findString, isJsonObject, parseJson, type JsonObject } from './json-object.ts';
import { parseFinishReason, parseUsage, type AnswerNames } from './normalise.ts';
import { NodeError } from './nodes/node.ts';
import { chatShape, type TextShape } from './text-shapes.ts';

type Template = { readonly head: string; readonly tail: string; readonly outHead: string; readonly outTail: string };

/** Exactly the inside of a JSON string, so that text between two halves can be copied without being parsed. */
// oxlint-disable-next-line no-control-regex -- JSON forbids control characters inside a string
const jsonStringInside = /^(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})+$/;

export class StreamNormaliser {
  readonly #model: string;
  readonly #includeUsage: boolean;
  readonly #shape: TextShape;
  #id: string;
  #created: number;
  #named = false;
  #template: Template | undefined;
  readonly #roles = new Set<number>();
  readonly #finished = new Set<number>();
  #usage: CompletionUsage | undefined;
  #deltas = 0;

  constructor(names: AnswerNames, includeUsage: boolean, shape: TextShape = chatShape) {
    this.#id = names.id;
    this.#created = names.created;
    this.#model = names.model;
    this.#includeUsage = includeUsage;
    this.#shape = shape;
  }

  /** The node's own count, as far as it has come. */
  get usage(): CompletionUsage | undefined {
    return this.#usage;
  }

  /** Chunks that carried something produced: at most one for each token, so a lower bound of what was produced. */
  get deltas(): number {
    return this.#deltas;
  }

  /** Whether every choice that began has ended. */
  get isWhole(): boolean {
    return this.#roles.size > 0 && this.#finished.size === this.#roles.size;
  }

  /** The chunk to send for one `data` payload of the node, as JSON; undefined where there is nothing to send. */
  accept(data: string): string | undefined {
    return this.#acceptByTemplate(data) ?? this.#acceptParsed(data);
  }

  #acceptByTemplate(data: string): string | undefined {
    const template = this.#template;
    if (!template || data.length <= template.head.length + template.tail.length) return undefined;
    if (!data.startsWith(template.head) || !data.endsWith(template.tail)) return undefined;
    const text = data.slice(template.head.length, data.length - template.tail.length);
    if (!jsonStringInside.test(text)) return undefined;
    this.#deltas++;
    return template.outHead + text + template.outTail;
  }

  #acceptParsed(data: string): string | undefined {
    const chunk = parseJson(data)?.value;
    if (!isJsonObject(chunk)) throw invalid('a chunk is not a JSON object');
    if (chunk['error'] !== undefined && chunk['error'] !== null) {
      const text = findString(chunk['error'], 'message') ?? JSON.stringify(chunk['error']);
      throw new NodeError(
        'cut',
        fail('upstream_cut', undefined, { reason: `error in the stream: ${text.slice(0, 300)}` }),
      );
    }
    if (!Array.isArray(chunk['choices'])) throw invalid('a chunk has no choices');
    this.#usage = parseUsage(chunk['usage']) ?? this.#usage;
    if (chunk['choices'].length === 0) return undefined;
    this.#takeNames(chunk);
    const choices = chunk['choices'].map((choice) => this.#normaliseChoice(choice));
    const { usage: _, ...rest } = chunk;
    const out = JSON.stringify({
      ...rest,
      ...this.#names(),
      choices,
      ...(this.#includeUsage ? { usage: null } : {}),
    });
    this.#template = findTemplate(data, choices, out, this.#shape);
    return out;
  }

  /** The first chunk names the stream. */
  #takeNames(chunk: JsonObject): void {
    if (this.#named) return;
    this.#named = true;
    this.#id = findString(chunk, 'id') || this.#id;
    this.#created = findCount(chunk, 'created') ?? this.#created;
  }

  #names(): JsonObject {
    return { id: this.#id, object: this.#shape.chunkObject, created: this.#created, model: this.#model };
  }

  #normaliseChoice(choice: unknown): JsonObject {
    if (!isJsonObject(choice)) throw invalid('a choice is not an object');
    const index = findCount(choice, 'index') ?? 0;
    const read = this.#shape.readDelta(choice, !this.#roles.has(index));
    if (!read) throw invalid('a choice does not say text');
    const { said } = read;
    this.#roles.add(index);
    if (read.isProduced) this.#deltas++;
    const finish = choice['finish_reason'];
    if (finish === undefined || finish === null || finish === '')
      return { ...choice, index, ...said, finish_reason: null };
    const reason = parseFinishReason(finish);
    if (!reason) {
      throw new NodeError(
        'cut',
        fail('upstream_cut', undefined, { reason: `finish_reason ${JSON.stringify(finish)}` }),
      );
    }
    this.#finished.add(index);
    return { ...choice, index, ...said, finish_reason: reason };
  }

  /** The last chunk of a whole stream, as JSON; undefined where the caller did not ask for it. */
  formatUsage(usage: CompletionUsage): string | undefined {
    return this.#includeUsage ? JSON.stringify({ ...this.#names(), choices: [], usage }) : undefined;
  }

  /** The chunk that ends every running choice for length, when the node produces more than it was allowed. */
  formatLengthStop(): string {
    const open = [...this.#roles].filter((index) => !this.#finished.has(index));
    for (const index of open) this.#finished.add(index);
    const choices = open.map((index) => ({ index, ...this.#shape.nothing, finish_reason: 'length' }));
    return JSON.stringify({ ...this.#names(), choices, ...(this.#includeUsage ? { usage: null } : {}) });
  }
}

function invalid(reason: string): NodeError {
  return new NodeError('invalid', fail('upstream_invalid', undefined, { reason }));
}

/**
 * The two halves around the text of a chunk that is nothing but text of one unfinished choice. Both the node's and our
 * form must hold the text exactly once, so that it cannot be taken for another member.
 */
function findTemplate(
  data: string,
  choices: readonly JsonObject[],
  out: string,
  { onlyText, textMember }: TextShape,
): Template | undefined {
  const [choice] = choices;
  if (choices.length !== 1 || !choice || choice['finish_reason'] !== null || choice['logprobs']) return undefined;
  const text = onlyText(choice);
  if (!text) return undefined;
  const inside = JSON.stringify(text).slice(1, -1);
  const [from, to] = [splitAtText(data, inside, textMember), splitAtText(out, inside, textMember)];
  if (!from || !to || /"(?:usage|error)":\s*[^n\s]/.test(data)) return undefined;
  return { head: from[0], tail: from[1], outHead: to[0], outTail: to[1] };
}

function splitAtText(json: string, inside: string, textMember: RegExp): readonly [string, string] | undefined {
  const member = textMember.exec(json);
  if (!member) return undefined;
  const start = member.index + member[0].length;
  if (!json.startsWith(`${inside}"`, start) || textMember.test(json.slice(start + inside.length))) return undefined;
  return [json.slice(0, start), json.slice(start + inside.length)];
}
