/** OpenAI Conversations and the items that they and responses hold. Source: the OpenAI API reference, "Conversations". */
import { z } from 'zod';
import type { AgentId, ConversationId } from '../core/ids.ts';
import { holdsForeignMedia } from '../core/foreign-media.ts';
import { isoTime, metadata, pageQuery } from './common.ts';

export const MaxItemsPerRequest = 100;
const MaxTextChars = 1_000_000;

const inputText = z.object({ type: z.literal('input_text'), text: z.string().max(MaxTextChars) });
const inputImage = z
  .looseObject({ type: z.literal('input_image') })
  .refine(
    (part) => !holdsForeignMedia(part),
    'an image as a data URL (data:image/png;base64,…): no address is fetched',
  );
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

/** A decision about a call that waits: `id` of the `mcp_approval_request` that asked for it. */
export const approvalResponseItem = z.object({
  type: z.literal('mcp_approval_response'),
  id: z.string().max(100).nullish(),
  approval_request_id: z.string().min(1).max(100),
  approve: z.boolean(),
  reason: z.string().max(1_000).nullish(),
});
export type ApprovalResponseItem = z.infer<typeof approvalResponseItem>;

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

/** A tool call that the platform executes: an MCP server's tool, or one that the agent's definition declares. */
export const mcpCall = z.object({
  id: z.string(),
  type: z.literal('mcp_call'),
  status: z.enum(['in_progress', 'completed', 'incomplete', 'failed']),
  /** The label of the MCP server; `http` or `builtin` for a tool of the definition's own. */
  server_label: z.string(),
  name: z.string(),
  arguments: z.string(),
  output: z.string().nullable(),
  error: z
    .object({
      type: z.literal('mcp_tool_execution_error'),
      content: z.array(z.object({ type: z.literal('text'), text: z.string() })),
    })
    .nullable(),
  approval_request_id: z.string().nullable(),
});
export type McpCall = z.infer<typeof mcpCall>;

/** The turn waits until somebody decides about this call: `POST /v1/approvals/{id}/approve` or `/deny`. */
export const mcpApprovalRequest = z.object({
  id: z.string(),
  type: z.literal('mcp_approval_request'),
  server_label: z.string(),
  name: z.string(),
  arguments: z.string(),
});
export type McpApprovalRequest = z.infer<typeof mcpApprovalRequest>;

export const mcpListTools = z.object({
  id: z.string(),
  type: z.literal('mcp_list_tools'),
  server_label: z.string(),
  tools: z.array(z.object({ name: z.string(), description: z.string().nullable(), input_schema: z.unknown() })),
  error: z.string().nullable(),
});
export type McpListTools = z.infer<typeof mcpListTools>;

/** Stands for earlier items that no longer fit into the model's window, and names them. */
export const compactionItem = z.object({
  id: z.string(),
  type: z.literal('compaction'),
  summary: z.string(),
  replaces: z.array(z.string()),
});
export type CompactionItem = z.infer<typeof compactionItem>;

export const outputItem = z.union([
  messageItem,
  storedFunctionCall,
  mcpCall,
  mcpApprovalRequest,
  mcpListTools,
  compactionItem,
]);
export type OutputItem = z.infer<typeof outputItem>;

export const item = z.union([
  messageItem,
  storedFunctionCall,
  storedFunctionCallOutput,
  mcpCall,
  mcpApprovalRequest,
  mcpListTools,
  compactionItem,
]);
export type Item = z.infer<typeof item>;

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

/** `agent`: whose it is, or who answered in it last. */
export const conversationSummary = conversation.extend({ agent: z.string().nullable() });
export type ConversationSummary = z.infer<typeof conversationSummary>;

const ref = z.string().min(1).max(200);

export const conversationFilter = z.object({
  agent: ref.optional().describe("An agent's id or slug."),
  visitor: ref.optional().describe("A visitor's id."),
  metadata: z
    .string()
    .max(600)
    .regex(/^[^:]{1,64}:/, 'is to be "key:value"')
    .optional()
    .describe('One pair, as `key:value`.'),
  created_after: isoTime.optional(),
  created_before: isoTime.optional(),
});
export type ConversationFilter = z.infer<typeof conversationFilter>;

export const conversationsQuery = pageQuery.extend(conversationFilter.shape);
export type ConversationsQuery = z.infer<typeof conversationsQuery>;

export const searchQuery = conversationsQuery.extend({
  q: z.string().max(500).default('').describe('Words that an item must hold, all of them; none find nothing.'),
});
export type SearchQuery = z.infer<typeof searchQuery>;

/** An item in which every word was found. */
export const conversationMatch = z.object({
  object: z.literal('conversation.match'),
  conversation: conversationSummary,
  item: z.string(),
  excerpt: z.string(),
});

/** What a conversation tells its tenant's index of itself. A text of null: the item is gone. */
export type IndexedItem = { readonly id: string; readonly text: string | null };
export type ConversationReport = {
  readonly id: ConversationId;
  readonly metadata: Readonly<Record<string, string>>;
  readonly answeredBy: AgentId | null;
  readonly items: readonly IndexedItem[];
};

/** A response of a conversation, and its last event so far: where a socket may go on. */
export const followedResponse = z.object({
  object: z.literal('conversation.response'),
  id: z.string(),
  is_over: z.boolean(),
  sequence_number: z.number().int(),
});
export type FollowedResponse = z.infer<typeof followedResponse>;

export const socketQuery = z.object({
  after: z
    .string()
    .max(2_000)
    .regex(/^resp_\w+:\d{1,9}(?:,resp_\w+:\d{1,9}){0,15}$/, 'is to be "response:sequence_number", joined by commas')
    .transform((text) => Object.fromEntries(text.split(',').map((each) => readSeen(each))))
    .optional()
    .describe('The last event that was seen of each response, as `response:sequence_number`, joined by commas.'),
});

function readSeen(text: string): [string, number] {
  const [id = '', number] = text.split(':');
  return [id, Number(number)];
}

export const branchConversation = z.strictObject({
  item: z.string().max(100).optional().describe('The last item that the branch has; all of them, if left out.'),
  metadata: metadata.nullish().describe("The conversation's own, if left out."),
});

export const branchedConversation = conversation.extend({
  branched_from: z.object({ conversation: z.string(), item: z.string().nullable() }),
});

export const deletedConversation = z.object({
  id: z.string(),
  object: z.literal('conversation.deleted'),
  deleted: z.literal(true),
});
