/** What is on the screen: messages and notices, in their order. Pure. */
import { fromParts, type Attachment } from './attachments.ts';
import { isMessage, isOver, itemText, textOf, toCall, type Call, type Item, type Source, type Turn } from './turn.ts';

export type Action = { readonly label: string; readonly run: () => void };
export type Notice = { readonly text: string; readonly action?: Action | undefined };
export type MessageEntry = {
  readonly kind: 'message';
  readonly key: string;
  readonly role: 'user' | 'assistant';
  readonly text: string;
  readonly files: readonly Attachment[];
  readonly sources: readonly Source[];
  readonly calls: readonly Call[];
  readonly isBusy: boolean;
  /** No call of it is settled any more: it is over. */
  readonly isOver: boolean;
  readonly mark?: Notice | undefined;
};
export type NoticeEntry = Notice & { readonly kind: 'notice'; readonly key: string; readonly isNote: boolean };
export type Entry = MessageEntry | NoticeEntry;

export function message(role: MessageEntry['role'], key: string, more: Partial<MessageEntry> = {}): MessageEntry {
  const nothing = { text: '', files: [], sources: [], calls: [], isBusy: false, isOver: true };
  return { kind: 'message', role, key, ...nothing, ...more };
}

/** What was said, as it was typed, with the files that came with it. */
export function saidBy(item: Item): { readonly text: string; readonly files: readonly Attachment[] } {
  return fromParts(item.content ?? []);
}

/** A stored thread as it is shown: calls belong to the answer that follows them. `without`: ids that are shown elsewhere. */
export function readThread(
  items: readonly Item[],
  sourcesOf: (itemId: string) => readonly Source[],
  incomplete: string,
  without: ReadonlySet<string> = new Set(),
): MessageEntry[] {
  const entries: MessageEntry[] = [];
  let calls: Call[] = [];
  const addCalls = () => {
    const [first] = calls;
    if (first) entries.push(message('assistant', first.id, { calls }));
    calls = [];
  };
  for (const item of items) {
    if (without.has(item.id)) continue;
    const call = toCall(item);
    if (call) calls.push(call);
    if (!isMessage(item)) continue;
    if (item.role === 'user') {
      addCalls();
      entries.push(message('user', item.id, saidBy(item)));
      continue;
    }
    const mark = item.status === 'completed' ? undefined : { text: incomplete };
    entries.push(message('assistant', item.id, { text: itemText(item), sources: sourcesOf(item.id), calls, mark }));
    calls = [];
  }
  addCalls();
  return entries;
}

/** The answer as far as it is known. */
export function answerOf(turn: Turn, key: string): MessageEntry {
  const { sources, calls } = turn;
  const over = isOver(turn);
  return message('assistant', key, { text: textOf(turn), sources, calls, isBusy: !over, isOver: over });
}

/** The ids that an answer being written holds: the stored thread may hold them too. */
export function idsOf(turn: Turn | null): ReadonlySet<string> {
  return new Set([...(turn?.parts ?? []), ...(turn?.calls ?? [])].map(({ id }) => id));
}
