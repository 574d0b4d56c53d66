/**
 * From items to the messages that a model reads, and from a caller's input to stored items. Pure.
 */
import type { ChatMessage } from '../../shared/contracts/chat-completions.ts';
import type { InputItem, Item, MessageItem } from '../../shared/contracts/conversations.ts';
import { RecallHeading } from '../../shared/contracts/inference.ts';
import type { RecalledReference } from '../../shared/contracts/responses.ts';
import type { MintItemId } from './turn.ts';

type InputPart = Exclude<Extract<InputItem, { readonly role: unknown }>['content'], string>[number];

export function toStoredItem(input: InputItem, mint: MintItemId): Item {
  if ('role' in input) {
    const partType = input.role === 'assistant' ? 'output_text' : 'input_text';
    const content: readonly InputPart[] =
      typeof input.content === 'string' ? [{ type: partType, text: input.content }] : input.content;
    return {
      id: mint('message'),
      type: 'message',
      status: 'completed',
      role: input.role,
      content: content.map(toStoredPart) as MessageItem['content'],
    };
  }
  if (input.type === 'function_call') return { ...input, id: mint('call'), status: 'completed' };
  return { type: input.type, call_id: input.call_id, output: input.output, id: mint('call'), status: 'completed' };
}

/** Text that a model has said keeps its lists, where the caller sent such, and nothing else that it sent along. */
function toStoredPart(part: InputPart): unknown {
  if (part.type !== 'output_text') return part;
  const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const { annotations, logprobs } = part as { readonly annotations?: unknown; readonly logprobs?: unknown };
  return { type: part.type, text: part.text, annotations: listOf(annotations), logprobs: listOf(logprobs) };
}

/** A caller's `input`: a string is one user message. */
export function toInputItems(input: string | readonly InputItem[], mint: MintItemId): Item[] {
  const items: readonly InputItem[] = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
  return items.map((item) => toStoredItem(item, mint));
}

/** Chat messages of stored items. Calls that follow one another are one assistant message, as the chat API wants it. */
export function toMessages(items: readonly Item[]): ChatMessage[] {
  const messages: ChatMessage[] = [];
  for (const item of items) {
    if (item.type === 'message') {
      messages.push({ role: item.role, content: toContent(item) });
    } else if (item.type === 'function_call') {
      const call = { id: item.call_id, type: 'function', function: { name: item.name, arguments: item.arguments } };
      const last = messages.at(-1);
      if (last?.role === 'assistant' && Array.isArray(last['tool_calls'])) last['tool_calls'].push(call);
      else messages.push({ role: 'assistant', content: null, tool_calls: [call] });
    } else {
      const content = typeof item.output === 'string' ? item.output : JSON.stringify(item.output);
      messages.push({ role: 'tool', tool_call_id: item.call_id, content });
    }
  }
  return messages;
}

function toContent(item: MessageItem): ChatMessage['content'] {
  const parts = item.content.map((part) => {
    if (part.type === 'input_image') {
      const url = part['image_url'];
      return { type: 'image_url', image_url: { url: typeof url === 'string' ? url : '' } };
    }
    return { type: 'text', text: 'text' in part && typeof part.text === 'string' ? part.text : '' };
  });
  return parts.every((part) => part.type === 'text') ? parts.map((part) => part.text).join('\n') : parts;
}

/** The text that recall searches for: the last thing the user said. */
export function lastUserText(messages: readonly ChatMessage[]): string {
  const content = messages.findLast((message) => message.role === 'user')?.content;
  if (typeof content === 'string') return content;
  return (content ?? [])
    .map((part) => (typeof part['text'] === 'string' ? part['text'] : ''))
    .join(' ')
    .trim();
}

/** The system message of an agent: who it is, what it pursues, what it remembers. */
export function toSystemMessage(
  agent: { readonly name: string; readonly instructions: string; readonly goals: readonly string[] } | null,
  extraInstructions: string | null,
  recalled: readonly RecalledReference[],
): ChatMessage[] {
  const parts = [
    agent?.instructions ?? '',
    agent && agent.goals.length > 0 ? `Your goals:\n${agent.goals.map((goal) => `- ${goal}`).join('\n')}` : '',
    extraInstructions ?? '',
    recalled.length > 0
      ? `${RecallHeading}\n${recalled.map((memory, at) => `[${at + 1}] ${memory.text.replaceAll(/\s+/g, ' ')}`).join('\n')}`
      : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? [] : [{ role: 'system', content: parts.join('\n\n') }];
}
