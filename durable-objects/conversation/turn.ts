/**
 * A turn: what a model's chunks mean as Responses events, in order, with exactly one terminal event. Pure: it is fed
 * chunks and gives events; who stores and sends them is the object's affair.
 *
 * queued -> in_progress -> completed | incomplete | failed | cancelled
 */
import { toUnixSeconds } from '../../shared/core/clock.ts';
import { invariant } from '../../shared/core/invariant.ts';
import type {
  ChatCompletionChunk,
  CompletionUsage,
  FinishReason,
  ToolCallDelta,
} from '../../shared/contracts/chat-completions.ts';
import type { MessageItem, StoredFunctionCall } from '../../shared/contracts/conversations.ts';
import {
  terminalStatuses,
  type RecalledReference,
  type Response,
  type ResponseEvent,
  type ResponseUsage,
} from '../../shared/contracts/responses.ts';

export type MintItemId = (kind: 'message' | 'call') => string;
type OpenMessage = { readonly index: number; readonly item: MessageItem; text: string };
type OpenCall = { readonly index: number; readonly item: StoredFunctionCall };

export class Turn {
  readonly #mint: MintItemId;
  #response: Response;
  #message: OpenMessage | undefined;
  readonly #calls = new Map<number, OpenCall>();
  #finish: FinishReason | undefined;
  #usage: CompletionUsage | undefined;

  constructor(response: Response, mint: MintItemId) {
    this.#response = response;
    this.#mint = mint;
  }

  get response(): Response {
    return this.#response;
  }

  get isOver(): boolean {
    return terminalStatuses.has(this.#response.status);
  }

  /** A snapshot event: the response as it is now. */
  created(): ResponseEvent[] {
    return [{ type: 'response.created', response: this.#response }];
  }

  started(recalled: readonly RecalledReference[]): ResponseEvent[] {
    this.#response = { ...this.#response, status: 'in_progress', recalled_memories: [...recalled] };
    return [{ type: 'response.in_progress', response: this.#response }];
  }

  chunk(chunk: ChatCompletionChunk): ResponseEvent[] {
    const events: ResponseEvent[] = [];
    if (chunk.usage) this.#usage = chunk.usage;
    const choice = chunk.choices.find((candidate) => candidate.index === 0);
    if (!choice) return events;
    if (choice.delta.content) events.push(...this.#text(choice.delta.content));
    for (const call of choice.delta.tool_calls ?? []) events.push(...this.#call(call));
    if (choice.finish_reason) this.#finish = choice.finish_reason;
    return events;
  }

  /** The node has ended its stream as it should: a finish reason came. Otherwise it is `failed`, never this. */
  finished(nowMs: number): ResponseEvent[] {
    if (!this.#finish)
      return this.failed('upstream_cut', 'The inference node stopped in the middle of its answer.', nowMs);
    const cut = this.#finish === 'length' || this.#finish === 'content_filter';
    const events = this.#close(cut ? 'incomplete' : 'completed');
    this.#end(cut ? 'incomplete' : 'completed', nowMs, {
      incomplete_details:
        this.#finish === 'length'
          ? { reason: 'max_output_tokens' }
          : this.#finish === 'content_filter'
            ? { reason: 'content_filter' }
            : null,
    });
    events.push({ type: cut ? 'response.incomplete' : 'response.completed', response: this.#response });
    return events;
  }

  failed(code: string, message: string, nowMs: number): ResponseEvent[] {
    const events = this.#close('incomplete');
    this.#end('failed', nowMs, { error: { code, message } });
    events.push({ type: 'response.failed', response: this.#response });
    return events;
  }

  cancelled(nowMs: number): ResponseEvent[] {
    const events = this.#close('incomplete');
    this.#end('cancelled', nowMs, {});
    events.push({ type: 'response.cancelled', response: this.#response });
    return events;
  }

  #text(delta: string): ResponseEvent[] {
    const events: ResponseEvent[] = [];
    if (!this.#message) {
      const item: MessageItem = {
        id: this.#mint('message'),
        type: 'message',
        status: 'in_progress',
        role: 'assistant',
        content: [],
      };
      this.#message = { index: this.#open(item), item, text: '' };
      events.push(
        { type: 'response.output_item.added', output_index: this.#message.index, item },
        { type: 'response.content_part.added', ...this.#place(), part: outputText('') },
      );
    }
    this.#message.text += delta;
    events.push({ type: 'response.output_text.delta', ...this.#place(), delta, logprobs: [] });
    return events;
  }

  #call(delta: ToolCallDelta): ResponseEvent[] {
    const events: ResponseEvent[] = [];
    let open = this.#calls.get(delta.index);
    if (!open) {
      const item: StoredFunctionCall = {
        id: this.#mint('call'),
        type: 'function_call',
        status: 'in_progress',
        call_id: delta.id ?? this.#mint('call'),
        name: delta.function?.name ?? '',
        arguments: '',
      };
      open = { index: this.#open(item), item };
      this.#calls.set(delta.index, open);
      events.push({ type: 'response.output_item.added', output_index: open.index, item: { ...item } });
    }
    const fragment = delta.function?.arguments ?? '';
    if (fragment !== '') {
      open.item.arguments += fragment;
      events.push({
        type: 'response.function_call_arguments.delta',
        item_id: open.item.id,
        output_index: open.index,
        delta: fragment,
      });
    }
    return events;
  }

  /** Closes what is open, so that every item that was added is also done. */
  #close(status: 'completed' | 'incomplete'): ResponseEvent[] {
    const events: ResponseEvent[] = [];
    const message = this.#message;
    if (message) {
      const part = outputText(message.text);
      const item: MessageItem = { ...message.item, status, content: [part] };
      this.#put(message.index, item);
      events.push(
        { type: 'response.output_text.done', ...this.#place(), text: message.text, logprobs: [] },
        { type: 'response.content_part.done', ...this.#place(), part },
        { type: 'response.output_item.done', output_index: message.index, item },
      );
    }
    for (const { index, item } of this.#calls.values()) {
      const done: StoredFunctionCall = { ...item, status };
      this.#put(index, done);
      events.push(
        {
          type: 'response.function_call_arguments.done',
          item_id: item.id,
          output_index: index,
          name: item.name,
          arguments: item.arguments,
        },
        { type: 'response.output_item.done', output_index: index, item: done },
      );
    }
    this.#message = undefined;
    this.#calls.clear();
    return events;
  }

  #end(status: Response['status'], nowMs: number, change: Partial<Response>): void {
    invariant(!this.isOver, 'a turn ends once');
    this.#response = {
      ...this.#response,
      ...change,
      status,
      completed_at: toUnixSeconds(nowMs),
      usage: this.#usage ? toResponseUsage(this.#usage) : null,
    };
  }

  #open(item: MessageItem | StoredFunctionCall): number {
    this.#response = { ...this.#response, output: [...this.#response.output, item] };
    return this.#response.output.length - 1;
  }

  #put(index: number, item: MessageItem | StoredFunctionCall): void {
    this.#response = { ...this.#response, output: this.#response.output.with(index, item) };
  }

  #place(): { item_id: string; output_index: number; content_index: number } {
    invariant(this.#message, 'a text event belongs to an open message');
    return { item_id: this.#message.item.id, output_index: this.#message.index, content_index: 0 };
  }
}

function outputText(text: string): { type: 'output_text'; text: string; annotations: unknown[]; logprobs: unknown[] } {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function toResponseUsage(usage: CompletionUsage): ResponseUsage {
  return {
    input_tokens: usage.prompt_tokens,
    input_tokens_details: { cached_tokens: usage.prompt_tokens_details?.cached_tokens ?? 0 },
    output_tokens: usage.completion_tokens,
    output_tokens_details: { reasoning_tokens: usage.completion_tokens_details?.reasoning_tokens ?? 0 },
    total_tokens: usage.prompt_tokens + usage.completion_tokens,
  };
}
