/** What the events of a stream make of a turn and of its thread. Pure. */
import type { Item, MessageItem, OutputItem } from '../../../../../../shared/contracts/conversations.ts';
import type { Response, SequencedResponseEvent } from '../../../../../../shared/contracts/responses.ts';

export type Turn = {
  readonly status: 'running' | 'ended';
  readonly response: Response | undefined;
  readonly events: readonly { readonly type: string; readonly atMs: number; readonly count: number }[];
  readonly firstTokenMs: number | undefined;
  readonly totalMs: number | undefined;
  readonly fault: string | undefined;
};

export const freshTurn: Turn = {
  status: 'running',
  response: undefined,
  events: [],
  firstTokenMs: undefined,
  totalMs: undefined,
  fault: undefined,
};

/** Events of one kind in a row are one line with their number. */
export function applyToTurn(turn: Turn, event: SequencedResponseEvent, atMs: number): Turn {
  const last = turn.events.at(-1);
  const events =
    last?.type === event.type
      ? [...turn.events.slice(0, -1), { ...last, count: last.count + 1 }]
      : [...turn.events, { type: event.type, atMs, count: 1 }];
  const isText = event.type === 'response.output_text.delta';
  return {
    ...turn,
    events,
    firstTokenMs: turn.firstTokenMs ?? (isText ? atMs : undefined),
    response: 'response' in event ? event.response : turn.response,
    fault: faultOf(event) ?? turn.fault,
  };
}

function faultOf(event: SequencedResponseEvent): string | undefined {
  if (event.type === 'error') return event.message;
  return event.type === 'response.failed' ? (event.response.error?.message ?? 'The turn failed.') : undefined;
}

export function applyToThread(items: readonly Item[], event: SequencedResponseEvent): readonly Item[] {
  switch (event.type) {
    case 'response.output_item.added':
    case 'response.output_item.done':
      return put(items, event.item);
    case 'response.output_text.delta':
      return items.map((item) =>
        item.id === event.item_id && item.type === 'message' ? withText(item, event.delta) : item,
      );
    default:
      return items;
  }
}

function put(items: readonly Item[], next: OutputItem): readonly Item[] {
  return items.some(({ id }) => id === next.id)
    ? items.map((item) => (item.id === next.id ? next : item))
    : [...items, next];
}

function withText(item: MessageItem, delta: string): MessageItem {
  const [part] = item.content;
  const text = (part && 'text' in part && typeof part.text === 'string' ? part.text : '') + delta;
  return { ...item, content: [{ type: 'output_text', text, annotations: [], logprobs: [] }] };
}
