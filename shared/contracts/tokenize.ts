/** The tokens of a text, or of messages in the model's own template, as vLLM tells them. Costs nothing. */
import { z } from 'zod';
import { chatMessage, MaxMessages } from './chat-completions.ts';

export const tokenizeRequest = z
  .looseObject({
    model: z.string().min(1).max(200),
    prompt: z.string().min(1).optional(),
    messages: z.array(chatMessage).min(1).max(MaxMessages).optional(),
    add_special_tokens: z.boolean().optional(),
  })
  .refine((body) => (body.prompt === undefined) !== (body.messages === undefined), {
    path: ['prompt'],
    message: 'give "prompt" or "messages", one of them',
  });

export const tokenizeResponse = z.object({
  object: z.literal('tokens'),
  model: z.string(),
  count: z.number().int(),
  max_model_len: z.number().int().nullable(),
  tokens: z.array(z.number().int()),
});
