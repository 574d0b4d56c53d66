/** What a turn has become by the events seen so far, and what a retry of one has to do. Pure. */
import type { Part } from './attachments.ts';
import { describeCode } from './platform-error.ts';
import type { Texts } from './texts/texts.ts';

export type Source = { readonly id: string; readonly score: number; readonly text: string };
export type Item = {
  readonly id: string;
  readonly type: string;
  readonly role?: string;
  readonly status?: string;
  readonly content?: readonly Part[];
  readonly name?: string;
  readonly server_label?: string;
  readonly arguments?: string;
  readonly output?: string | null;
  readonly error?: { readonly content: readonly { readonly text: string }[] } | null;
  readonly approval_request_id?: string | null;
};
export type ResponseBody = {
  readonly id: string;
  readonly status: string;
  readonly output: readonly Item[];
  readonly recalled_memories?: readonly Source[];
  readonly error?: { readonly code: string; readonly message: string } | null;
  readonly incomplete_details?: { readonly reason: string } | null;
};
export type StreamEvent = {
  readonly type: string;
  readonly sequence_number?: number;
  readonly response?: ResponseBody;
  readonly item?: Item;
  readonly item_id?: string;
  readonly delta?: string;
  readonly text?: string;
  readonly code?: string;
  readonly message?: string;
};

/** A tool that the agent called, or a call that waits for somebody's approval. */
export type Call = {
  readonly id: string;
  readonly kind: 'function' | 'tool' | 'approval';
  readonly name: string;
  readonly arguments: string;
  readonly status: string;
  readonly result: string;
  /** The approval that let this call happen. */
  readonly approval: string | null;
};
export type Turn = {
  readonly conversation: string;
  readonly responseId: string | null;
  readonly sequence: number;
  readonly status: string;
  readonly parts: readonly { readonly id: string; readonly text: string }[];
  readonly calls: readonly Call[];
  readonly sources: readonly Source[];
  readonly code: string;
  readonly reason: string;
};

const MaxShownChars = 4_000;

export function newTurn(conversation = ''): Turn {
  const nothing = { parts: [], calls: [], sources: [], code: '', reason: '' };
  return { conversation, responseId: null, sequence: -1, status: 'queued', ...nothing };
}

export function isOver({ status }: Turn): boolean {
  return status === 'completed' || status === 'incomplete' || status === 'failed' || status === 'cancelled';
}

export function textOf({ parts }: Turn): string {
  return parts
    .map(({ text }) => text)
    .filter((text) => text !== '')
    .join('\n\n');
}

/** What the turn is after one more event. An event that it has already seen changes nothing. */
export function applyEvent(turn: Turn, event: StreamEvent): Turn {
  const sequence = event.sequence_number ?? turn.sequence + 1;
  if (sequence <= turn.sequence || isOver(turn)) return turn;
  if (event.response) return { ...applyResponse(turn, event.response), sequence };
  if (event.type === 'error') {
    return { ...turn, sequence, status: 'failed', code: event.code ?? '', reason: event.message ?? '' };
  }
  const call = event.item && toCall(event.item);
  if (call) return { ...turn, sequence, calls: withCall(turn.calls, call) };
  if (event.type === 'response.output_item.done' && event.item && isTakenBack(event.item)) {
    const { id: gone } = event.item;
    return { ...turn, sequence, parts: turn.parts.filter((part) => part.id !== gone) };
  }
  const id = event.item_id;
  if (id === undefined || !event.type.startsWith('response.output_text.')) return { ...turn, sequence };
  const before = turn.parts.find((part) => part.id === id)?.text ?? '';
  return { ...turn, sequence, parts: withPart(turn.parts, id, event.text ?? before + (event.delta ?? '')) };
}

/** A whole response says what counts: its state, its sources, and at the end its text and calls. */
export function applyResponse(turn: Turn, response: ResponseBody): Turn {
  const next = {
    ...turn,
    responseId: response.id,
    status: response.status,
    sources: response.recalled_memories ?? turn.sources,
    code: response.error?.code ?? '',
    reason: response.error?.message ?? response.incomplete_details?.reason ?? '',
  };
  if (!isOver(next)) return next;
  return {
    ...next,
    parts: response.output.filter(isMessage).map((item) => ({ id: item.id, text: itemText(item) })),
    calls: response.output.flatMap((item) => toCall(item) ?? []),
  };
}

function withPart(parts: Turn['parts'], id: string, text: string): Turn['parts'] {
  const known = parts.some((part) => part.id === id);
  return known ? parts.map((part) => (part.id === id ? { id, text } : part)) : [...parts, { id, text }];
}

function withCall(calls: readonly Call[], call: Call): readonly Call[] {
  const known = calls.some(({ id }) => id === call.id);
  return known ? calls.map((each) => (each.id === call.id ? call : each)) : [...calls, call];
}

const callKinds: Readonly<Record<string, Call['kind']>> = {
  function_call: 'function',
  mcp_call: 'tool',
  mcp_approval_request: 'approval',
};

/** The item as a call, if it is one. What a reader is shown of it has an end. */
export function toCall(item: Item): Call | undefined {
  const kind = callKinds[item.type];
  if (kind === undefined) return undefined;
  const failure = item.error?.content.map(({ text }) => text).join('\n');
  return {
    id: item.id,
    kind,
    name: item.name ?? '',
    arguments: (item.arguments ?? '').slice(0, MaxShownChars),
    status: failure === undefined ? (item.status ?? 'in_progress') : 'failed',
    result: (failure ?? item.output ?? '').slice(0, MaxShownChars),
    approval: item.approval_request_id ?? null,
  };
}

/** What is shown of the calls: one that waits is its approval, which gives way to the call once it has been decided. */
export function shownCalls(calls: readonly Call[]): readonly Call[] {
  const settled = new Set(calls.map(({ approval }) => approval));
  const waiting = calls.filter(({ id, kind }) => kind === 'approval' && !settled.has(id));
  return calls.filter((call) => {
    if (call.kind === 'approval') return !settled.has(call.id);
    const isSame = (each: Call) => each.name === call.name && each.arguments === call.arguments;
    return call.status !== 'in_progress' || !waiting.some(isSame);
  });
}

export function itemText(item: Item): string {
  return (item.content ?? []).map(({ text }) => text ?? '').join('\n');
}

/** What a reader sees of a thread: what was said by either side. */
export function isMessage(item: Item): boolean {
  return item.type === 'message' && (item.role === 'user' || item.role === 'assistant');
}

/** What was shown of it does not count. */
function isTakenBack({ type, status, content }: Item): boolean {
  return type === 'message' && status === 'incomplete' && (content ?? []).length === 0;
}

/**
 * What it takes to ask again. The message may have arrived although its answer did not: then the thread already holds it,
 * perhaps with a part of an answer, which gives way.
 */
export function planRetry(
  items: readonly Item[],
  text: string,
): { readonly kind: 'answered' | 'again' | 'send'; readonly remove: readonly string[] } {
  const thread = items.filter(isMessage);
  const lastUser = thread.findLastIndex((item) => item.role === 'user');
  const asked = thread[lastUser];
  if (!asked || itemText(asked).trim() !== text.trim()) return { kind: 'send', remove: [] };
  const answers = thread.slice(lastUser + 1);
  if (answers.some((item) => item.status === 'completed')) return { kind: 'answered', remove: [] };
  return { kind: 'again', remove: answers.map((item) => item.id) };
}

/** Doubles from half a second to fifteen, a random half of it: clients that fell together do not return together. */
export function backoffMs(attempt: number, random = Math.random()): number {
  const most = Math.min(15_000, 500 * 2 ** attempt);
  return Math.round(most / 2 + (most / 2) * random);
}

/** How a turn that is over has ended, where that is not well. */
export function describeEnd(turn: Turn, texts: Texts): string {
  const begun = textOf(turn) !== '';
  if (turn.status === 'cancelled') return begun ? texts.stopped : texts.stoppedBefore;
  if (turn.status === 'failed') {
    return `${begun ? texts.brokeOff : texts.noAnswer} ${describeCode(turn.code, turn.reason || texts.errors.unexpected, texts)}`;
  }
  if (turn.status !== 'incomplete') return '';
  if (turn.reason === 'content_filter') return texts.cutByFilter;
  return turn.reason === 'max_output_tokens' ? texts.cutByLength : texts.cutByLimit;
}
