/** By which models an agent's memories are found, besides the embedded default that holds every one of them. */
import { z } from 'zod';
import { HashEmbeddingModel } from '../core/hash-embedding.ts';
import type { Principal } from '../core/principal.ts';

export const chooseEmbedding = z.strictObject({
  model: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .nullable()
    .describe(`A model that embeds, by the name that it is asked by; null or \`${HashEmbeddingModel}\`: none.`),
});

const spaceProgress = z.object({
  model: z.string().describe('The name that it is asked by.'),
  space: z.string().describe("The model's own id: vectors of one space are never compared with another's."),
  dimensions: z.number().int(),
  semantic: z.boolean(),
  reached: z.number().int().describe('Entries of the chain, from the first, that are embedded.'),
  of: z.number().int().describe('Entries that the chain has.'),
  refused: z.number().int().describe('Memories that the model does not take, such as too long ones: found by words.'),
  failure: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .describe('Why it does not go on at the moment; it is tried again.'),
});

export const memoryEmbedding = z.object({
  object: z.literal('memory.embedding'),
  agent: z.string(),
  current: spaceProgress.nullable().describe('By which recall answers now; null: by the embedded default alone.'),
  next: spaceProgress.nullable().describe('By which it will answer once all memories are embedded.'),
  leaving: z.array(z.string()).describe('Spaces that are given up and whose vectors are being deleted.'),
});
export type MemoryEmbedding = z.infer<typeof memoryEmbedding>;
export type SpaceProgress = z.infer<typeof spaceProgress>;

/** What recall has to know of the space by which an agent answers. */
export type CurrentSpace = Pick<SpaceProgress, 'model' | 'space' | 'dimensions' | 'semantic'> & {
  /** Something written is not embedded yet. */
  readonly behind: boolean;
};
export type EmbeddingChoice = Pick<SpaceProgress, 'model' | 'space' | 'dimensions' | 'semantic'> & {
  /** On whose account memories are embedded. */
  readonly principal: Principal;
};
