/** OpenAI Embeddings. Source: the OpenAI API reference, "Create embeddings". base64 is little-endian float32. */
import { z } from 'zod';

export const MaxEmbeddingInputs = 2048;

export const embeddingRequest = z.looseObject({
  model: z.string().min(1).max(200),
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(MaxEmbeddingInputs),
    z.array(z.number().int().min(0)).min(1).max(100_000),
    z
      .array(z.array(z.number().int().min(0)).min(1))
      .min(1)
      .max(MaxEmbeddingInputs),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.number().int().min(1).max(65_536).nullish(),
  user: z.string().max(512).nullish(),
});
export type EmbeddingRequest = z.infer<typeof embeddingRequest>;

export const embeddingResponse = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: z.number().int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  model: z.string(),
  usage: z.object({ prompt_tokens: z.number().int(), total_tokens: z.number().int() }),
});
export type EmbeddingResponse = z.infer<typeof embeddingResponse>;
