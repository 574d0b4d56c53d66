/**
 * The transcript of a turn: what a model's chunks and the tools' results mean as Responses events, in order, with exactly
 * one terminal event. Pure: it is fed and gives events; who stores and sends them is the runner's affair. It can be made
 * again out of its own frames, wherever the isolate died.
 */
import { toUnixSeconds } from '../../shared/core/clock.ts';
import { invariant } from '../../shared/core/invariant.ts';
import type {
  ChatCompletionChunk,
  CompletionUsage,
  FinishReason,
  ToolCallDelta,
} from '../../shared/contracts/chat-completions.ts';
import type { McpCall, MessageItem, OutputItem, StoredFunctionCall } from '../../shared/contracts/conversations.ts';
import {
  terminalStatuses,
  type RecalledReference,
  type Response,
  type ResponseEvent,
  type ResponseUsage,
} from '../../shared/contracts/responses.ts';
import {
  abandonCall,
  newClientCall,
  newMessage,
  newServerCall,
  newToolList,
  outputText,
  settleCall,
  type CallOutcome,
} from './output-items.ts';
import type { ListedTools } from './toolbox.ts';
import type { TurnEnd } from './turn-engine.ts';

export type MintItemId = (kind: 'message' | 'call') => string;
/** Who executes a call of this name: null is the client, otherwise a server's label. */
export type LabelOf = (name: string) => string | null;

/** What one step may hold, whatever its model writes. */
export const MaxCallsPerStep = 16;
export const MaxArgumentChars = 32_768;

/**
 * `ahead`: what was shown of an answer that broke off, and that its second attempt has not said again yet. `isTorn`: more
 * of it may have been shown than is known, so that nothing can go on from it.
 */
type OpenMessage = { readonly index: number; readonly item: MessageItem; text: string; ahead: string; isTorn: boolean };
type OpenCall = { readonly index: number; readonly item: StoredFunctionCall | McpCall };

export type StepAnswer = {
  /** What it says, where it says something. */
  readonly text: string | undefined;
  /** Undefined where the model's answer is not whole. */
  readonly finish: FinishReason | undefined;
  readonly usage: CompletionUsage | undefined;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly surplus: number;
  readonly awaitsClient: boolean;
  /** A client's call whose arguments passed the bound: it cannot be given to anybody. */
  readonly oversized: boolean;
};

export class Turn {
  readonly #mint: MintItemId;
  #labelOf: LabelOf;
  #response: Response;
  #message: OpenMessage | undefined;
  readonly #calls = new Map<number, OpenCall>();
  /** Calls that the platform executes, until they are settled; by item id. */
  readonly #pending = new Map<string, { readonly index: number; readonly item: McpCall }>();
  readonly #callIds = new Set<string>();
  #surplus = new Set<number>();
  #oversized = false;
  #finish: FinishReason | undefined;
  #usage: CompletionUsage | undefined;

  constructor(response: Response, mint: MintItemId, labelOf: LabelOf = () => null) {
    this.#response = response;
    this.#mint = mint;
    this.#labelOf = labelOf;
  }

  /** Which tools there are may be known only once the turn has begun. */
  knowTools(labelOf: LabelOf): void {
    this.#labelOf = labelOf;
  }

  /** The run was admitted on a cheaper model than the one wanted: the response says which. */
  degrade(model: string): void {
    this.#response = { ...this.#response, model };
  }

  get response(): Response {
    return this.#response;
  }

  get isOver(): boolean {
    return terminalStatuses.has(this.#response.status);
  }

  /** Takes up what frames have shown already. `approvals`: the ids of approvals by the call that they are about. */
  replay(frames: readonly string[], approvals: ReadonlyMap<string, string> = new Map()): void {
    this.#response = { ...this.#response, output: [] };
    for (const frame of frames) this.#take(JSON.parse(frame) as ResponseEvent, approvals);
  }

  created(): ResponseEvent[] {
    return [{ type: 'response.created', response: this.#response }];
  }

  /** It waits for the turns before it. */
  queued(): ResponseEvent[] {
    return [{ type: 'response.queued', response: this.#response }];
  }

  started(recalled: readonly RecalledReference[]): ResponseEvent[] {
    this.#response = { ...this.#response, status: 'in_progress', recalled_memories: [...recalled] };
    return [{ type: 'response.in_progress', response: this.#response }];
  }

  listed(listed: readonly ListedTools[]): ResponseEvent[] {
    return listed.flatMap(({ server, tools, error }): ResponseEvent[] => {
      const item = newToolList(this.#mint('call'), server, tools, error);
      const index = this.#open(item);
      const place = { item_id: item.id, output_index: index };
      return [
        { type: 'response.output_item.added', output_index: index, item },
        { type: 'response.mcp_list_tools.in_progress', ...place },
        { type: `response.mcp_list_tools.${error === null ? 'completed' : 'failed'}`, ...place },
        { type: 'response.output_item.done', output_index: index, item },
      ];
    });
  }

  /** An item that is whole at once. */
  whole(item: OutputItem): ResponseEvent[] {
    const index = this.#open(item);
    return [
      { type: 'response.output_item.added', output_index: index, item },
      { type: 'response.output_item.done', output_index: index, item },
    ];
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

  /** What the step's chunks have come to. */
  answer(): StepAnswer {
    const calls = [...this.#calls.values()];
    return {
      text: this.#message?.text,
      finish: this.#finish,
      usage: this.#usage,
      calls: calls.flatMap(({ item }) =>
        item.type === 'mcp_call' ? [{ id: item.id, name: item.name, arguments: item.arguments }] : [],
      ),
      surplus: this.#surplus.size,
      awaitsClient: calls.some(({ item }) => item.type === 'function_call'),
      oversized: this.#oversized,
    };
  }

  /** The step's answer is whole: text and client's calls are done, the platform's own wait for their results. */
  closeStep(status: 'completed' | 'incomplete' = 'completed'): ResponseEvent[] {
    const events = [...this.#settleAhead(), ...this.#closeMessage(status)];
    for (const open of this.#calls.values()) events.push(...this.#closeCall(open, status));
    this.#forgetStep();
    return events;
  }

  /** The step's answer is not what was asked for and is asked for again: its text is taken back, its calls are void. */
  takeBackStep(): ResponseEvent[] {
    const events = [...this.#settleAhead(), ...this.#closeMessage('incomplete', [])];
    for (const open of this.#calls.values()) events.push(...this.#closeCall(open, 'incomplete'));
    this.#forgetStep();
    return events;
  }

  /**
   * The step's answer broke off, and so many fragments may have been shown that no frame tells of any more. Their numbers
   * are used up by fragments of nothing; a message that they may have belonged to is taken back once there is other text.
   */
  fillIn(count: number): ResponseEvent[] {
    const filling = this.#fragmentOfNothing();
    if (this.#message) this.#message.isTorn = true;
    return [...Array.from({ length: count }, () => filling), ...this.reopenStep()];
  }

  /** The step's answer broke off and is asked for again: text that comes again is not shown again; calls are void. */
  reopenStep(): ResponseEvent[] {
    if (this.#message) this.#message.ahead = this.#message.text;
    const events: ResponseEvent[] = [];
    for (const open of this.#calls.values()) events.push(...this.#closeCall(open, 'incomplete'));
    this.#forgetStep();
    return events;
  }

  callBegun(id: string): ResponseEvent[] {
    const call = this.#pending.get(id);
    return call ? [{ type: 'response.mcp_call.in_progress', item_id: id, output_index: call.index }] : [];
  }

  callAwaits(id: string, approvalId: string): ResponseEvent[] {
    const call = this.#pending.get(id);
    invariant(call, 'an approval is about a call that waits');
    const item = { ...call.item, approval_request_id: approvalId };
    this.#pending.set(id, { index: call.index, item });
    this.#put(call.index, item);
    const { server_label, name, arguments: args } = item;
    return this.whole({ id: approvalId, type: 'mcp_approval_request', server_label, name, arguments: args });
  }

  callSettled(id: string, outcome: CallOutcome): ResponseEvent[] {
    const call = this.#pending.get(id);
    if (!call) return [];
    this.#pending.delete(id);
    const good = outcome.kind === 'output';
    const item = settleCall(call.item, outcome);
    this.#put(call.index, item);
    return [
      { type: `response.mcp_call.${good ? 'completed' : 'failed'}`, item_id: id, output_index: call.index },
      { type: 'response.output_item.done', output_index: call.index, item },
    ];
  }

  /** The terminal event, and before it the end of everything that is still open. */
  end(end: TurnEnd, usage: ResponseUsage | null, nowMs: number): ResponseEvent[] {
    invariant(!this.isOver, 'a turn ends once');
    // An attempt that did not come to its end takes nothing back: what was shown before it stays.
    if (this.#message && this.#finish === undefined) Object.assign(this.#message, { ahead: '', isTorn: false });
    const events = this.closeStep(end.status === 'completed' ? 'completed' : 'incomplete');
    for (const [id, { index, item }] of this.#pending) {
      const done = abandonCall(item);
      this.#put(index, done);
      events.push(
        { type: 'response.mcp_call.failed', item_id: id, output_index: index },
        { type: 'response.output_item.done', output_index: index, item: done },
      );
    }
    this.#pending.clear();
    this.#response = {
      ...this.#response,
      status: end.status,
      completed_at: toUnixSeconds(nowMs),
      incomplete_details: end.status === 'incomplete' ? { reason: end.reason } : null,
      error: end.status === 'failed' ? { code: end.code, message: end.message } : null,
      usage,
    };
    events.push({ type: `response.${end.status}`, response: this.#response });
    return events;
  }

  #text(delta: string): ResponseEvent[] {
    const events: ResponseEvent[] = [];
    let fresh = delta;
    if (this.#message?.isTorn) events.push(...this.#settleAhead());
    if (this.#message && this.#message.ahead !== '') {
      const { ahead } = this.#message;
      const same = countSame(ahead, delta);
      if (same < delta.length && same < ahead.length) {
        events.push(...this.#settleAhead(same));
        fresh = delta.slice(same);
      } else {
        this.#message.ahead = ahead.slice(same);
        fresh = delta.slice(same);
      }
      if (fresh === '') return events;
    }
    if (!this.#message) events.push(...this.#openMessage());
    const message = this.#message as OpenMessage | undefined;
    invariant(message, 'text belongs to an open message');
    message.text += fresh;
    events.push({ type: 'response.output_text.delta', ...place(message), delta: fresh, logprobs: [] });
    return events;
  }

  #openMessage(): ResponseEvent[] {
    const item = newMessage(this.#mint('message'));
    this.#message = { index: this.#open(item), item, text: '', ahead: '', isTorn: false };
    return [
      { type: 'response.output_item.added', output_index: this.#message.index, item },
      { type: 'response.content_part.added', ...place(this.#message), part: outputText('') },
    ];
  }

  /** The second attempt says something else than was shown, or than is known of it: that item is taken back, and a new one begins. */
  #settleAhead(same = 0): ResponseEvent[] {
    const message = this.#message;
    if (!message || (message.ahead === '' && !message.isTorn)) return [];
    const agreed = message.isTorn ? '' : message.text.slice(0, message.text.length - message.ahead.length + same);
    message.ahead = '';
    const events = this.#closeMessage('incomplete', []);
    return agreed === '' ? events : [...events, ...this.#text(agreed)];
  }

  #call(delta: ToolCallDelta): ResponseEvent[] {
    const events: ResponseEvent[] = [];
    let open = this.#calls.get(delta.index);
    if (!open) {
      if (this.#calls.size > 0 && !this.#response.parallel_tool_calls) return events;
      if (this.#calls.size >= MaxCallsPerStep) {
        this.#surplus.add(this.#surplus.size < 1_000 ? delta.index : -1);
        return events;
      }
      const item = this.#newCall(delta);
      open = { index: this.#open(item), item };
      this.#calls.set(delta.index, open);
      events.push({ type: 'response.output_item.added', output_index: open.index, item: { ...item } });
    }
    const { item, index } = open;
    const fragment = (delta.function?.arguments ?? '').slice(0, Math.max(0, MaxArgumentChars - item.arguments.length));
    if (fragment.length < (delta.function?.arguments ?? '').length && item.type === 'function_call')
      this.#oversized = true;
    if (fragment === '') return events;
    item.arguments += fragment;
    const kind = item.type === 'mcp_call' ? 'mcp_call' : 'function_call';
    events.push({
      type: `response.${kind}_arguments.delta`,
      item_id: item.id,
      output_index: index,
      delta: fragment,
    });
    return events;
  }

  #fragmentOfNothing(): ResponseEvent {
    if (this.#message) return { type: 'response.output_text.delta', ...place(this.#message), delta: '', logprobs: [] };
    const [call] = this.#calls.values();
    invariant(call, 'fragments belong to an item that is open');
    const kind = call.item.type === 'mcp_call' ? 'mcp_call' : 'function_call';
    return { type: `response.${kind}_arguments.delta`, item_id: call.item.id, output_index: call.index, delta: '' };
  }

  #newCall(delta: ToolCallDelta): StoredFunctionCall | McpCall {
    const name = delta.function?.name ?? '';
    const label = this.#labelOf(name);
    const id = this.#mint('call');
    if (label !== null) return newServerCall(id, label, name);
    const wanted = delta.id ?? '';
    const callId = wanted === '' || wanted.length > 100 || this.#callIds.has(wanted) ? this.#mint('call') : wanted;
    this.#callIds.add(callId);
    return newClientCall(id, callId, name);
  }

  /** `kept`: what stays of it, where that is not all of it. */
  #closeMessage(status: 'completed' | 'incomplete', kept?: MessageItem['content']): ResponseEvent[] {
    const message = this.#message;
    if (!message) return [];
    this.#message = undefined;
    const part = outputText(message.text);
    const item: MessageItem = { ...message.item, status, content: kept ?? [part] };
    this.#put(message.index, item);
    return [
      { type: 'response.output_text.done', ...place(message), text: message.text, logprobs: [] },
      { type: 'response.content_part.done', ...place(message), part },
      { type: 'response.output_item.done', output_index: message.index, item },
    ];
  }

  #closeCall({ index, item }: OpenCall, status: 'completed' | 'incomplete'): ResponseEvent[] {
    const at = { item_id: item.id, output_index: index };
    if (item.type === 'function_call') {
      const done: StoredFunctionCall = { ...item, status };
      this.#put(index, done);
      const { name, arguments: args } = item;
      return [
        { type: 'response.function_call_arguments.done', ...at, name, arguments: args },
        { type: 'response.output_item.done', output_index: index, item: done },
      ];
    }
    const written: ResponseEvent = { type: 'response.mcp_call_arguments.done', ...at, arguments: item.arguments };
    const done: McpCall = { ...item, status: status === 'completed' ? 'in_progress' : 'incomplete' };
    this.#put(index, done);
    if (status === 'completed') {
      this.#pending.set(item.id, { index, item: done });
      return [written];
    }
    return [written, { type: 'response.output_item.done', output_index: index, item: done }];
  }

  #forgetStep(): void {
    this.#calls.clear();
    this.#surplus = new Set();
    this.#oversized = false;
    this.#finish = undefined;
    this.#usage = undefined;
  }

  /** One event of its own past. */
  #take(event: ResponseEvent, approvals: ReadonlyMap<string, string>): void {
    switch (event.type) {
      case 'response.in_progress':
        this.#response = { ...event.response, output: this.#response.output };
        break;
      case 'response.output_item.added': {
        const index = this.#open(event.item);
        if (event.item.type === 'message')
          this.#message = { index, item: event.item, text: '', ahead: '', isTorn: false };
        else if (event.item.type === 'mcp_call' || event.item.type === 'function_call')
          this.#calls.set(-1 - index, { index, item: { ...event.item } });
        if (event.item.type === 'function_call') this.#callIds.add(event.item.call_id);
        break;
      }
      case 'response.output_text.delta':
        if (this.#message) this.#message.text += event.delta;
        // No model's fragment is empty: `fillIn` has made it.
        if (this.#message && event.delta === '') this.#message.isTorn = true;
        break;
      case 'response.function_call_arguments.delta':
      case 'response.mcp_call_arguments.delta': {
        const open = this.#calls.get(-1 - event.output_index);
        if (open) open.item.arguments += event.delta;
        break;
      }
      case 'response.mcp_call_arguments.done': {
        const open = this.#calls.get(-1 - event.output_index);
        this.#calls.delete(-1 - event.output_index);
        if (open?.item.type === 'mcp_call') {
          const item: McpCall = { ...open.item, approval_request_id: approvals.get(open.item.id) ?? null };
          this.#pending.set(item.id, { index: open.index, item });
          this.#put(open.index, item);
        }
        break;
      }
      case 'response.output_item.done':
        this.#put(event.output_index, event.item);
        this.#calls.delete(-1 - event.output_index);
        this.#pending.delete(event.item.id);
        if (this.#message?.index === event.output_index) this.#message = undefined;
        break;
      default:
        break;
    }
  }

  #open(item: OutputItem): number {
    this.#response = { ...this.#response, output: [...this.#response.output, item] };
    return this.#response.output.length - 1;
  }

  #put(index: number, item: OutputItem): void {
    this.#response = { ...this.#response, output: this.#response.output.with(index, item) };
  }
}

function countSame(a: string, b: string): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}

function place(message: OpenMessage): { item_id: string; output_index: number; content_index: number } {
  return { item_id: message.item.id, output_index: message.index, content_index: 0 };
}
