/** OpenAI's model list. */
import { z } from 'zod';

export const AgentModelPrefix = 'agent/';

export const model = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.number().int(),
  owned_by: z.string(),
});
export type Model = z.infer<typeof model>;
export const modelList = z.object({ object: z.literal('list'), data: z.array(model) });
