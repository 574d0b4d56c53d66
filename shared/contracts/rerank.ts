/** Reranking, in the shape that vLLM, llama.cpp, Jina and Cohere share. */
import { z } from 'zod';

export const rerankRequest = z.looseObject({
  model: z.string().min(1).max(200),
  query: z.string().min(1),
  documents: z.array(z.string().min(1)).min(1).max(1_000),
  top_n: z.number().int().min(1).max(1_000).nullish(),
  return_documents: z.boolean().nullish(),
});
export type RerankRequest = z.infer<typeof rerankRequest>;

export const rerankResponse = z.object({
  object: z.literal('rerank'),
  id: z.string(),
  model: z.string(),
  /** The most relevant first. */
  results: z.array(
    z.object({
      index: z.number().int().describe('Which of the documents, from 0.'),
      relevance_score: z.number(),
      document: z.object({ text: z.string() }).optional(),
    }),
  ),
  usage: z.object({ prompt_tokens: z.number().int(), total_tokens: z.number().int() }),
});
