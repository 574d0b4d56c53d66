/** OpenAI's older Completions: one prompt, one text. What would multiply the output is refused. */
import { z } from 'zod';
import { completionUsage, finishReason } from './chat-completions.ts';

const one = z.number().int().min(1).max(1).nullish();

export const completionRequest = z.looseObject({
  model: z.string().min(1).max(200),
  prompt: z.union([z.string().min(1), z.array(z.number().int().min(0)).min(1).max(1_000_000)]),
  max_tokens: z.number().int().min(1).max(10_000_000).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  service_tier: z.string().max(40).nullish(),
  n: one,
  best_of: one,
  echo: z.literal(false).nullish(),
  user: z.string().max(512).nullish(),
});
export type CompletionRequest = z.infer<typeof completionRequest>;

export const completion = z.object({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.number().int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.number().int(),
      text: z.string(),
      logprobs: z.unknown().nullable(),
      finish_reason: finishReason,
    }),
  ),
  usage: completionUsage,
});
