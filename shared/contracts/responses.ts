/**
 * OpenAI Responses: request, response object and stream events. Source: the OpenAI API reference, "Responses" and
 * "Streaming events". What is not implemented is refused by name, never ignored in silence.
 */
import { z } from 'zod';
import { metadata } from './common.ts';
import {
  approvalResponseItem,
  inputItem,
  MaxItemsPerRequest,
  outputItem,
  type ApprovalResponseItem,
  type InputItem,
  type OutputItem,
} from './conversations.ts';
import { toolSchema } from './tools.ts';

export const responseTool = z.looseObject({
  type: z.literal('function', 'only function tools are supported'),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
});
export type ResponseTool = z.infer<typeof responseTool>;

export const responseToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({ type: z.literal('function'), name: z.string() }),
]);

const items = z.array(inputItem).max(MaxItemsPerRequest);
const decisions = z.array(approvalResponseItem).min(1).max(MaxItemsPerRequest);

/** What a response may be asked to include: nothing here makes any of it, and leaving it out loses nothing. */
const includable = z.enum([
  'reasoning.encrypted_content',
  'message.input_image.image_url',
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
]);

export const createResponse = z.strictObject({
  model: z.string().min(1).max(200),
  /** Decisions about calls that wait stand alone: they answer a response, and begin none. */
  input: z.union([z.string().max(1_000_000), items, decisions]),
  instructions: z.string().max(100_000).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_obfuscation: z.boolean().optional() }).nullish(),
  background: z.boolean().nullish(),
  store: z.boolean().nullish(),
  previous_response_id: z.string().max(100).nullish(),
  conversation: z.union([z.string().max(100), z.object({ id: z.string().max(100) })]).nullish(),
  max_output_tokens: z.number().int().min(1).max(10_000_000).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  tools: z.array(responseTool).max(128).nullish(),
  tool_choice: responseToolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z
    .looseObject({
      format: z
        .union([
          z.object({ type: z.enum(['text', 'json_object']) }),
          z.looseObject({
            type: z.literal('json_schema'),
            name: z.string().max(64),
            schema: toolSchema,
            strict: z.boolean().nullish(),
          }),
        ])
        .optional(),
    })
    .nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  include: z.array(includable).max(20).nullish(),
  reasoning: z.looseObject({}).nullish(),
  metadata: metadata.nullish(),
  user: z.string().max(512).nullish(),
  safety_identifier: z.string().max(512).nullish(),
  prompt_cache_key: z.string().max(512).nullish(),
  service_tier: z.string().max(40).nullish(),
});
export type CreateResponse = z.infer<typeof createResponse>;
/** A request that begins a turn. */
export type TurnRequest = CreateResponse & { readonly input: string | readonly InputItem[] };
export type DecisionRequest = CreateResponse & { readonly input: readonly ApprovalResponseItem[] };

export function isDecision(body: CreateResponse): body is DecisionRequest {
  return typeof body.input !== 'string' && body.input.some((each) => 'approval_request_id' in each);
}

export const countInputTokens = createResponse
  .pick({
    instructions: true,
    previous_response_id: true,
    conversation: true,
    tools: true,
    tool_choice: true,
    parallel_tool_calls: true,
    text: true,
    truncation: true,
    reasoning: true,
  })
  .extend({
    model: z.string().min(1).max(200).nullish(),
    input: z.union([z.string().max(1_000_000), items]).nullish(),
  });

/** No tokeniser is asked: an estimate, and the bound that the request is admitted with. */
export const inputTokens = z.object({
  object: z.literal('response.input_tokens'),
  input_tokens: z.number().int(),
  max_input_tokens: z.number().int(),
  estimated: z.literal(true),
});

export const responseStatus = z.enum(['queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled']);
export type ResponseStatus = z.infer<typeof responseStatus>;

export const responseUsage = z.object({
  input_tokens: z.number().int(),
  input_tokens_details: z.object({ cached_tokens: z.number().int() }),
  output_tokens: z.number().int(),
  output_tokens_details: z.object({ reasoning_tokens: z.number().int() }),
  total_tokens: z.number().int(),
});
export type ResponseUsage = z.infer<typeof responseUsage>;

/** A memory that the turn recalled before it answered: Freehold's addition to the response object. */
export const recalledReference = z.object({ id: z.string(), score: z.number(), text: z.string() });
export type RecalledReference = z.infer<typeof recalledReference>;

/** The first two are OpenAI's; the others name the limit of the agent's definition that ended the turn. */
export const incompleteReason = z.enum([
  'max_output_tokens',
  'content_filter',
  'max_steps',
  'max_tool_calls',
  'max_tokens',
  'max_cost',
  'tool_loop',
]);
export type IncompleteReason = z.infer<typeof incompleteReason>;

export const response = z.object({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.number().int(),
  completed_at: z.number().int().nullable(),
  status: responseStatus,
  background: z.boolean(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  incomplete_details: z.object({ reason: incompleteReason }).nullable(),
  instructions: z.string().nullable(),
  max_output_tokens: z.number().int().nullable(),
  metadata: z.record(z.string(), z.string()),
  model: z.string(),
  output: z.array(outputItem),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  conversation: z.object({ id: z.string() }).nullable(),
  store: z.boolean(),
  temperature: z.number().nullable(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }) }),
  tool_choice: responseToolChoice,
  tools: z.array(responseTool),
  top_p: z.number().nullable(),
  truncation: z.enum(['auto', 'disabled']),
  usage: responseUsage.nullable(),
  user: z.string().nullable(),
  recalled_memories: z.array(recalledReference),
});
export type Response = z.infer<typeof response>;

export const retrieveResponseQuery = z.object({
  stream: z.enum(['true', 'false']).default('false'),
  starting_after: z.coerce.number().int().min(-1).optional(),
  include: z.unknown().optional(),
  include_obfuscation: z.unknown().optional(),
});

export const deletedResponse = z.object({
  id: z.string(),
  object: z.literal('response.deleted'),
  deleted: z.literal(true),
});

/** A stream event before it has its number. */
export type ResponseEvent =
  | {
      readonly type:
        | 'response.created'
        | 'response.queued'
        | 'response.in_progress'
        | 'response.completed'
        | 'response.incomplete'
        | 'response.failed'
        | 'response.cancelled';
      readonly response: Response;
    }
  | {
      readonly type: 'response.output_item.added' | 'response.output_item.done';
      readonly output_index: number;
      readonly item: OutputItem;
    }
  | {
      readonly type: 'response.content_part.added' | 'response.content_part.done';
      readonly item_id: string;
      readonly output_index: number;
      readonly content_index: number;
      readonly part: { type: 'output_text'; text: string; annotations: unknown[]; logprobs: unknown[] };
    }
  | {
      readonly type: 'response.output_text.delta';
      readonly item_id: string;
      readonly output_index: number;
      readonly content_index: number;
      readonly delta: string;
      readonly logprobs: unknown[];
    }
  | {
      readonly type: 'response.output_text.done';
      readonly item_id: string;
      readonly output_index: number;
      readonly content_index: number;
      readonly text: string;
      readonly logprobs: unknown[];
    }
  | {
      readonly type: 'response.function_call_arguments.delta';
      readonly item_id: string;
      readonly output_index: number;
      readonly delta: string;
    }
  | {
      readonly type: 'response.function_call_arguments.done';
      readonly item_id: string;
      readonly output_index: number;
      readonly name: string;
      readonly arguments: string;
    }
  | {
      readonly type: 'response.mcp_call_arguments.delta';
      readonly item_id: string;
      readonly output_index: number;
      readonly delta: string;
    }
  | {
      readonly type: 'response.mcp_call_arguments.done';
      readonly item_id: string;
      readonly output_index: number;
      readonly arguments: string;
    }
  | {
      readonly type:
        | 'response.mcp_call.in_progress'
        | 'response.mcp_call.completed'
        | 'response.mcp_call.failed'
        | 'response.mcp_list_tools.in_progress'
        | 'response.mcp_list_tools.completed'
        | 'response.mcp_list_tools.failed';
      readonly item_id: string;
      readonly output_index: number;
    }
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly param: string | null };

export type SequencedResponseEvent = ResponseEvent & { readonly sequence_number: number };

export const terminalStatuses: ReadonlySet<ResponseStatus> = new Set([
  'completed',
  'incomplete',
  'failed',
  'cancelled',
]);
