/**
 * Keeps what a model reads inside its window: the oldest items give way to one item that says what stood in them and names
 * them. The summary is extractive and deterministic: it quotes, and so invents nothing. Pure.
 */
import type { CompactionItem, Item } from '../../shared/contracts/conversations.ts';

export type Window = {
  /** In tokens; null where the node does not tell: then nothing is taken away. */
  readonly tokens: number | null;
  /** Tokens kept free for the answer. */
  readonly reserve: number;
  /** Characters of what is always read: instructions, tools. */
  readonly fixedChars: number;
};

/** A token is rarely less than this many characters of a text; below it, the node itself refuses. */
const CharsPerToken = 3;
/** Once something gives way, so much does that it does not happen again at the next step. */
const KeepShare = 0.6;
const MaxQuoteChars = 200;
const MinOutputChars = 400;

export function findCompaction(items: readonly Item[]): CompactionItem | undefined {
  return items.findLast((item) => item.type === 'compaction');
}

/** What is still read as it is: neither replaced nor a summary itself. */
export function activeItems(items: readonly Item[]): Item[] {
  const replaced = new Set(findCompaction(items)?.replaces);
  return items.filter((item) => item.type !== 'compaction' && !replaced.has(item.id));
}

/** A new summary where one is needed; undefined where what there is fits. `own`: ids of this turn's, which stay. */
export function compact(
  items: readonly Item[],
  own: ReadonlySet<string>,
  window: Window,
  mint: () => string,
): CompactionItem | undefined {
  const budget = budgetChars(window);
  const active = activeItems(items);
  const past = findCompaction(items);
  const size = (list: readonly Item[]) => list.reduce((sum, item) => sum + sizeOf(item), 0);
  if (budget === null || size(active) + (past?.summary.length ?? 0) <= budget) return undefined;
  const goal = budget * KeepShare;
  const lastUser = active.findLastIndex((item) => item.type === 'message' && item.role === 'user');
  let cut = 0;
  for (let at = 1; at <= active.length; at++) {
    const kept = active.slice(at);
    if (own.has(active[at - 1]!.id) || (lastUser >= 0 && at > lastUser)) break;
    if (!isBoundary(active, at)) continue;
    cut = at;
    if (size(kept) <= goal) break;
  }
  if (cut === 0) return undefined;
  const replaced = active.slice(0, cut);
  const lines = [...(past?.summary.split('\n') ?? []), ...replaced.map(quote).filter((line) => line !== '')];
  return {
    id: mint(),
    type: 'compaction',
    summary: keepLast(lines, Math.max(1_000, budget / 5)),
    replaces: [...(past ? [...past.replaces, past.id] : []), ...replaced.map((item) => item.id)],
  };
}

/** Results of tools are shortened, the oldest first, until the rest fits. */
export function shortenResults(items: readonly Item[], window: Window): Item[] {
  const budget = budgetChars(window);
  const kept = [...items];
  let size = kept.reduce((sum, item) => sum + sizeOf(item), 0);
  for (let at = 0; budget !== null && size > budget && at < kept.length; at++) {
    const item = kept[at]!;
    if (item.type !== 'mcp_call' || (item.output ?? '').length <= MinOutputChars) continue;
    const excess = size - budget;
    const length = Math.max(MinOutputChars, item.output!.length - excess - 100);
    const output = `${item.output!.slice(0, length)}\n[shortened to fit]`;
    size -= item.output!.length - output.length;
    kept[at] = { ...item, output };
  }
  return kept;
}

function budgetChars({ tokens, reserve, fixedChars }: Window): number | null {
  if (tokens === null) return null;
  return Math.max(500, (tokens - Math.min(reserve, Math.floor(tokens / 2))) * CharsPerToken - fixedChars);
}

/** A call and its result stay together. */
function isBoundary(items: readonly Item[], at: number): boolean {
  const next = items[at];
  if (!next || next.type !== 'function_call_output') return true;
  return !items.slice(0, at).some((item) => item.type === 'function_call' && item.call_id === next.call_id);
}

/** What an image comes to for a model, at most, as so many characters of text: its bytes say nothing of it. */
const MaxImageChars = 8_000;

function sizeOf(item: Item): number {
  const shortened = (key: string, value: unknown) =>
    key === 'image_url' && typeof value === 'string' ? value.slice(0, MaxImageChars) : value;
  return JSON.stringify(item, shortened).length;
}

function quote(item: Item): string {
  switch (item.type) {
    case 'message': {
      const text = item.content.map((part) => ('text' in part ? String(part.text) : '')).join(' ');
      return `[${item.id}] ${item.role}: ${firstSentences(text)}`;
    }
    case 'mcp_call':
      return `[${item.id}] ${item.name}: ${firstSentences(item.output ?? 'did not succeed')}`;
    case 'function_call_output':
      return `[${item.id}] result: ${firstSentences(typeof item.output === 'string' ? item.output : JSON.stringify(item.output))}`;
    case 'function_call':
    case 'mcp_approval_request':
    case 'mcp_list_tools':
    case 'compaction':
      return '';
  }
}

function firstSentences(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim();
  if (flat.length <= MaxQuoteChars) return flat;
  const end = flat.slice(0, MaxQuoteChars).lastIndexOf('. ');
  return end > MaxQuoteChars / 3 ? flat.slice(0, end + 1) : `${flat.slice(0, MaxQuoteChars)}…`;
}

function keepLast(lines: readonly string[], chars: number): string {
  const kept: string[] = [];
  let left = chars;
  for (const line of lines.toReversed()) {
    left -= line.length + 1;
    if (left < 0) break;
    kept.unshift(line);
  }
  return kept.join('\n');
}
