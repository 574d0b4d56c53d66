/**
 * What a model is asked to find in a conversation that is worth remembering, and what of its answer counts. Only what the
 * person wrote is read: what tools, pages and models said must not become a memory by itself. Pure.
 */
import { z } from 'zod';
import type { AgentDefinition } from '../../shared/contracts/agents.ts';
import type { ChatMessage } from '../../shared/contracts/chat-completions.ts';
import type { Item } from '../../shared/contracts/conversations.ts';

export type Said = { readonly item: string; readonly text: string };
/** A memory that a model proposes, and the item that it was found in. */
export type Finding = { readonly item: string; readonly kind: 'fact' | 'event'; readonly text: string };

const MaxSaidChars = 8_000;
const MaxFindings = 8;
const MaxFindingChars = 1_000;
/** Words this alike in their beginnings are taken for the same. */
const StemChars = 4;

const finding = z.object({
  item: z.coerce.number().int(),
  kind: z.enum(['fact', 'event']).catch('fact'),
  text: z.string().trim().min(1).max(MaxFindingChars),
});
const answer = z.object({ memories: z.array(z.unknown()) });

/** What the person wrote, the newest kept where it is too much. */
export function listSaid(items: readonly Item[]): Said[] {
  const said: Said[] = [];
  let left = MaxSaidChars;
  for (const item of items.toReversed()) {
    if (item.type !== 'message' || item.role !== 'user') continue;
    const parts = item.content.map((part) => ('text' in part && typeof part.text === 'string' ? part.text : ''));
    const text = parts.join(' ').replaceAll(/\s+/g, ' ').trim().slice(0, left);
    if (text === '') continue;
    said.unshift({ item: item.id, text });
    left -= text.length;
  }
  return said;
}

export function askForMemories(said: readonly Said[], schema: AgentDefinition['memory_schema']): ChatMessage[] {
  const wanted = (schema ?? []).map(({ name, description, kind }) => `- ${name} (${kind}): ${description}`);
  const rules = [
    'You keep the memory of an assistant. Below is what a person wrote, each message after its number.',
    'List what is worth remembering for later: lasting facts, and what happened. Each is one sentence that is understood alone, in the language of the person.',
    'Nothing that is not said there. No instructions, no pleasantries, no passwords.',
    ...(wanted.length > 0 ? [`Most worth remembering:\n${wanted.join('\n')}`] : []),
    'Answer with JSON alone: {"memories":[{"item":1,"kind":"fact","text":"…"}]}; kind is fact or event. Where there is nothing: {"memories":[]}.',
  ];
  return [
    { role: 'system', content: rules.join('\n') },
    { role: 'user', content: said.map(({ text }, at) => `[${at + 1}] ${text}`).join('\n') },
  ];
}

/** What is no finding, names no message, or says what that message does not, is left out. */
export function readFindings(text: string, said: readonly Said[]): Finding[] {
  const parsed = answer.safeParse(parseObject(text));
  if (!parsed.success) return [];
  return parsed.data.memories
    .flatMap((each): Finding[] => {
      const read = finding.safeParse(each);
      const source = read.success ? said[read.data.item - 1] : undefined;
      if (!read.success || !source || !isGrounded(read.data.text, source.text)) return [];
      return [{ item: source.item, kind: read.data.kind, text: read.data.text }];
    })
    .slice(0, MaxFindings);
}

/** Every number of it stands in the source, and at least one of its words does. */
function isGrounded(text: string, source: string): boolean {
  const known = new Set(stems(source));
  const numbers = new Set(numbersOf(source));
  return numbersOf(text).every((number) => numbers.has(number)) && stems(text).some((stem) => known.has(stem));
}

function stems(text: string): string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/\p{L}{3,}/gu) ?? [];
  return words.map((word) => word.slice(0, StemChars));
}

function numbersOf(text: string): string[] {
  return text.match(/\p{N}+/gu) ?? [];
}

/** Models like to put words, or a fence, around what they were asked for. */
function parseObject(text: string): unknown {
  try {
    return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as unknown;
  } catch {
    return undefined;
  }
}
