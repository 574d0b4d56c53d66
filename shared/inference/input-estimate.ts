/**
 * How many tokens an input is, without the tokeniser of the model that will read it: four bytes a token, which is near for
 * most languages, and beside it the bound that admission holds, which no tokeniser passes. What a turn recalls, and what
 * MCP servers offer, is known only once it runs. Pure.
 */
import type { AgentDefinition } from '../contracts/agents.ts';
import type { countInputTokens } from '../contracts/responses.ts';
import type { z } from 'zod';
import { maxInputTokens } from './reservation.ts';

const BytesPerToken = 4;
/** What a chat template adds to a message. */
const TokensPerMessage = 4;

export type Measure = { readonly bytes: number; readonly messages: number };
type Asked = z.infer<typeof countInputTokens>;

export function measure(...parts: readonly unknown[]): Measure {
  const given = parts.filter((part) => part !== undefined && part !== null && part !== '');
  const bytes = given.reduce<number>((sum, part) => {
    return sum + Buffer.byteLength(typeof part === 'string' ? part : JSON.stringify(part));
  }, 0);
  return { bytes, messages: given.length };
}

export function estimateInput(agent: AgentDefinition | null, asked: Asked, past: Measure) {
  const { instructions, goals, persona, memory_schema: schema, tools } = agent ?? {};
  const system = measure(instructions, goals?.join('\n'), persona, schema, asked.instructions);
  const offered = measure(...(tools ?? []), ...(asked.tools ?? []));
  const input = typeof asked.input === 'string' ? measure(asked.input) : measure(...(asked.input ?? []).map(toText));
  const bytes = system.bytes + offered.bytes + input.bytes + past.bytes;
  const messages = (system.messages > 0 ? 1 : 0) + input.messages + past.messages;
  return {
    input_tokens: Math.ceil(bytes / BytesPerToken) + messages * TokensPerMessage,
    max_input_tokens: maxInputTokens({ inputBytes: bytes, messages }),
  };
}

/** The text of a message; anything else as it is written. */
function toText(item: NonNullable<Exclude<Asked['input'], string>>[number]): unknown {
  if (!('content' in item)) return item;
  if (typeof item.content === 'string') return item.content;
  return item.content.map((part) => ('text' in part ? part.text : JSON.stringify(part))).join('\n');
}
