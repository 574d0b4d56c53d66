/**
 * OpenAI Chat Completions: the fields that admission reads are checked; the rest of the body goes to the node as it came.
 * Source: the OpenAI API reference, "Create chat completion" and "The chat completion chunk object".
 */
import { z } from 'zod';
import { holdsForeignMedia } from '../core/foreign-media.ts';

export const MaxMessages = 4096;
export const MaxTools = 256;

const contentPart = z
  .looseObject({ type: z.string() })
  .refine((part) => !holdsForeignMedia(part), 'media as data URLs (data:image/png;base64,…): no address is fetched');

export const chatMessage = z.looseObject({
  role: z.enum(['developer', 'system', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(contentPart)]).nullish(),
});
export type ChatMessage = z.infer<typeof chatMessage>;

export const functionTool = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    description: z.string().optional(),
    parameters: z.record(z.string(), z.unknown()).optional(),
    strict: z.boolean().nullish(),
  }),
});
export type FunctionTool = z.infer<typeof functionTool>;

export const chatCompletionRequest = z.looseObject({
  model: z.string().min(1).max(200),
  messages: z.array(chatMessage).min(1).max(MaxMessages),
  stream: z.boolean().nullish(),
  service_tier: z.string().max(40).nullish(),
  prompt_cache_key: z.string().max(200).nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.number().int().min(1).max(10_000_000).nullish(),
  max_completion_tokens: z.number().int().min(1).max(10_000_000).nullish(),
  n: z.number().int().min(1).max(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  seed: z.number().int().nullish(),
  tools: z.array(functionTool).max(MaxTools).nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string() }) }),
    ])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z.looseObject({ type: z.enum(['text', 'json_object', 'json_schema']) }).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  store: z.boolean().nullish(),
  user: z.string().max(512).nullish(),
});
export type ChatCompletionRequest = z.infer<typeof chatCompletionRequest>;

export const finishReason = z.enum(['stop', 'length', 'tool_calls', 'content_filter', 'function_call']);
export type FinishReason = z.infer<typeof finishReason>;

export const completionUsage = z.object({
  prompt_tokens: z.number().int(),
  completion_tokens: z.number().int(),
  total_tokens: z.number().int(),
  prompt_tokens_details: z.looseObject({ cached_tokens: z.number().int() }).optional(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: z.number().int() }).optional(),
});
export type CompletionUsage = z.infer<typeof completionUsage>;

export const toolCall = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
});
export type ToolCall = z.infer<typeof toolCall>;

export const chatCompletion = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.number().int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.number().int(),
      message: z.looseObject({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        refusal: z.string().nullable(),
        tool_calls: z.array(toolCall).optional(),
      }),
      logprobs: z.unknown().nullable(),
      finish_reason: finishReason,
    }),
  ),
  usage: completionUsage,
});
export type ChatCompletion = z.infer<typeof chatCompletion>;

export type ToolCallDelta = {
  readonly index: number;
  readonly id?: string;
  readonly type?: 'function';
  readonly function?: { readonly name?: string; readonly arguments?: string };
};

export type ChatCompletionChunk = {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: {
      readonly role?: 'assistant';
      readonly content?: string | null;
      readonly refusal?: string | null;
      readonly tool_calls?: readonly ToolCallDelta[];
    };
    readonly finish_reason: FinishReason | null;
    readonly logprobs?: unknown;
  }[];
  readonly usage?: CompletionUsage | null;
};
