/**
 * From items to the messages that a model reads, and from a caller's input to stored items. Pure.
 */
import { isEmbedded } from '../../shared/core/foreign-media.ts';
import type { MemorySchema, Persona } from '../../shared/contracts/agents.ts';
import type { ChatMessage } from '../../shared/contracts/chat-completions.ts';
import type { InputItem, Item, McpCall, MessageItem } from '../../shared/contracts/conversations.ts';
import { RecallHeading } from '../../shared/contracts/inference.ts';
import type { RecalledReference } from '../../shared/contracts/responses.ts';
import { activeItems, findCompaction } from './compaction.ts';
import type { MintItemId } from './turn.ts';

const SummaryHeading = 'What was said before, in short; [ids] name the items that it stands for:';

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
  const summary = findCompaction(items)?.summary;
  if (summary !== undefined) messages.push({ role: 'system', content: `${SummaryHeading}\n${summary}` });
  for (const item of activeItems(items)) {
    switch (item.type) {
      case 'message':
        messages.push({ role: item.role, content: toContent(item) });
        break;
      case 'function_call':
        addCall(messages, item.call_id, item);
        break;
      case 'mcp_call':
        if (item.status === 'in_progress' || item.status === 'incomplete') break;
        addCall(messages, item.id, item);
        messages.push({ role: 'tool', tool_call_id: item.id, content: item.output ?? errorText(item) });
        break;
      case 'function_call_output': {
        const content = typeof item.output === 'string' ? item.output : JSON.stringify(item.output);
        messages.push({ role: 'tool', tool_call_id: item.call_id, content });
        break;
      }
      case 'mcp_approval_request':
      case 'mcp_list_tools':
      case 'compaction':
        break;
    }
  }
  return messages;
}

function addCall(
  messages: ChatMessage[],
  id: string,
  made: { readonly name: string; readonly arguments: string },
): void {
  // What a model wrote may be no JSON; the next model must not stumble over it.
  const call = { id, type: 'function', function: { name: made.name, arguments: readable(made.arguments) } };
  const last = messages.at(-1);
  if (last?.role === 'assistant' && Array.isArray(last['tool_calls'])) last['tool_calls'].push(call);
  else messages.push({ role: 'assistant', content: null, tool_calls: [call] });
}

function readable(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return '{}';
  }
}

function errorText(item: McpCall): string {
  return `Error: ${item.error?.content.map(({ text }) => text).join('\n') ?? 'the call did not succeed'}`;
}

function toContent(item: MessageItem): ChatMessage['content'] {
  const parts = item.content.map((part) => {
    if (part.type === 'input_image') {
      const url = part['image_url'];
      // One that was stored when addresses were taken is not there.
      if (!isEmbedded(url)) return { type: 'text', text: '' };
      return { type: 'image_url', image_url: { url } };
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

/** What the model is told of an answer that does not have the form that was asked for. */
export function toRepairMessages(
  repair: { readonly text: string; readonly reason: string } | undefined,
): ChatMessage[] {
  if (!repair) return [];
  return [
    ...(repair.text === '' ? [] : [{ role: 'assistant' as const, content: repair.text }]),
    {
      role: 'user',
      content: `${repair.reason} Answer once more, with nothing but JSON in the form that was asked for.`,
    },
  ];
}

type PromptedAgent = {
  readonly name: string;
  readonly instructions: string;
  readonly goals: readonly string[];
  readonly persona?: Persona | undefined;
  /** Of its hooks, for this turn. */
  readonly moment?: readonly string[];
  /** Of an agent that can write memories. */
  readonly memorySchema?: MemorySchema | undefined;
};

/** The system message of an agent: who it is, what it pursues, what it is told at this moment, what it remembers. */
export function toSystemMessage(
  agent: PromptedAgent | null,
  extraInstructions: string | null,
  recalled: readonly RecalledReference[],
): ChatMessage[] {
  const parts = [
    agent?.instructions ?? '',
    agent?.persona ? toPersona(agent.persona) : '',
    agent && agent.goals.length > 0 ? `Your goals:\n${agent.goals.map((goal) => `- ${goal}`).join('\n')}` : '',
    agent?.memorySchema?.length
      ? `Worth remembering, once you learn it:\n${agent.memorySchema.map(({ name, description, kind }) => `- ${name} (${kind}): ${description}`).join('\n')}`
      : '',
    ...(agent?.moment ?? []),
    extraInstructions ?? '',
    recalled.length > 0
      ? `${RecallHeading}\n${recalled.map((memory, at) => `[${at + 1}] ${memory.text.replaceAll(/\s+/g, ' ')}`).join('\n')}`
      : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? [] : [{ role: 'system', content: parts.join('\n\n') }];
}

function toPersona({ role, tone, traits, avoids }: Persona): string {
  const lines = [
    role === '' ? '' : `Your role: ${role}`,
    tone === '' ? '' : `Your tone: ${tone}`,
    traits.length === 0 ? '' : `You are: ${traits.join('; ')}`,
    avoids.length === 0 ? '' : `You avoid: ${avoids.join('; ')}`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}
