/** OpenAI Conversations and the items that they and responses hold. Source: the OpenAI API reference, "Conversations". */
import { z } from 'zod';
import { metadata } from './common.ts';

export const MaxItemsPerRequest = 100;
const MaxTextChars = 1_000_000;

const inputText = z.object({ type: z.literal('input_text'), text: z.string().max(MaxTextChars) });
const inputImage = z.looseObject({ type: z.literal('input_image') });
const outputText = z.looseObject({ type: z.literal('output_text'), text: z.string().max(MaxTextChars) });
const refusal = z.looseObject({ type: z.literal('refusal'), refusal: z.string() });

export const inputMessage = z.object({
  type: z.literal('message').optional(),
  id: z.string().max(100).optional(),
  status: z.string().optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([
    z.string().max(MaxTextChars),
    z.array(z.discriminatedUnion('type', [inputText, inputImage, outputText, refusal])).max(100),
  ]),
});

export const functionCallItem = z.object({
  type: z.literal('function_call'),
  id: z.string().max(100).optional(),
  call_id: z.string().min(1).max(100),
  name: z.string().min(1).max(64),
  arguments: z.string().max(MaxTextChars),
  status: z.string().optional(),
});

export const functionCallOutputItem = z.object({
  type: z.literal('function_call_output'),
  id: z.string().max(100).nullish(),
  call_id: z.string().min(1).max(100),
  output: z.union([z.string().max(MaxTextChars), z.array(z.looseObject({ type: z.string() })).max(100)]),
  status: z.string().nullish(),
});

export const inputItem = z.union([inputMessage, functionCallItem, functionCallOutputItem]);
export type InputItem = z.infer<typeof inputItem>;

export const messageContent = z.union([
  z.object({ type: z.literal('input_text'), text: z.string() }),
  z.object({
    type: z.literal('output_text'),
    text: z.string(),
    annotations: z.array(z.unknown()),
    logprobs: z.array(z.unknown()),
  }),
  z.looseObject({ type: z.enum(['input_image', 'refusal']) }),
]);

export const itemStatus = z.enum(['in_progress', 'completed', 'incomplete']);

/** A stored item, as it is read back. */
export const messageItem = z.object({
  id: z.string(),
  type: z.literal('message'),
  status: itemStatus,
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.array(messageContent),
});
export type MessageItem = z.infer<typeof messageItem>;

export const storedFunctionCall = z.object({
  id: z.string(),
  type: z.literal('function_call'),
  status: itemStatus,
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
});
export type StoredFunctionCall = z.infer<typeof storedFunctionCall>;

export const storedFunctionCallOutput = z.object({
  id: z.string(),
  type: z.literal('function_call_output'),
  status: itemStatus,
  call_id: z.string(),
  output: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]),
});

export const item = z.union([messageItem, storedFunctionCall, storedFunctionCallOutput]);
export type Item = z.infer<typeof item>;
export type OutputItem = MessageItem | StoredFunctionCall;

/** OpenAI's page of items. */
export const itemList = z.object({
  object: z.literal('list'),
  data: z.array(item),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});
export type ItemList = z.infer<typeof itemList>;

export const itemQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: z.string().max(100).optional(),
});
export type ItemQuery = z.infer<typeof itemQuery>;

export const createConversation = z.strictObject({
  items: z.array(inputItem).max(20).nullish(),
  metadata: metadata.nullish(),
});
export type CreateConversation = z.infer<typeof createConversation>;

export const updateConversation = z.strictObject({ metadata: metadata.nullable() });

export const createItems = z.strictObject({ items: z.array(inputItem).min(1).max(20) });

export const conversation = z.object({
  id: z.string(),
  object: z.literal('conversation'),
  created_at: z.number().int(),
  metadata: z.record(z.string(), z.string()),
});
export type Conversation = z.infer<typeof conversation>;

export const conversationSummary = conversation.extend({ agent: z.string().nullable() });

export const deletedConversation = z.object({
  id: z.string(),
  object: z.literal('conversation.deleted'),
  deleted: z.literal(true),
});
