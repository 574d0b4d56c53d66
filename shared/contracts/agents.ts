/** Agents: a definition is data; a version is immutable; publishing moves a pointer per environment. */
import { z } from 'zod';
import { isoTime, slug } from './common.ts';

export const environment = z.enum(['dev', 'staging', 'prod']);
export type Environment = z.infer<typeof environment>;

export const agentDefinition = z.strictObject({
  /** A model's id, or the alias `default`. */
  model: z.string().min(1).max(200).default('default'),
  instructions: z.string().max(32_000).default(''),
  greeting: z.string().max(1_000).default(''),
  goals: z.array(z.string().min(1).max(500)).max(50).default([]),
  limits: z
    .strictObject({
      max_output_tokens: z.number().int().min(1).max(32_768).default(1_024),
      recall: z.number().int().min(0).max(20).default(6),
      timeout_seconds: z.number().int().min(1).max(600).default(120),
    })
    .prefault({}),
  sovereignty: z.enum(['own_hardware', 'external_allowed']).default('own_hardware'),
});
export type AgentDefinition = z.infer<typeof agentDefinition>;

export const createAgent = z.strictObject({
  slug,
  name: z.string().trim().min(1).max(100),
  definition: agentDefinition.prefault({}),
});
export type CreateAgent = z.infer<typeof createAgent>;

export const updateAgent = z.strictObject({
  name: z.string().trim().min(1).max(100).optional(),
  /** Makes a new version; it is live after `publish`, or at once with `publish: true`. */
  definition: agentDefinition.optional(),
  publish: z.boolean().default(true),
});
export type UpdateAgent = z.infer<typeof updateAgent>;

export const agent = z.object({
  object: z.literal('agent'),
  id: z.string(),
  slug: z.string(),
  name: z.string(),
  model: z.string().describe('What an OpenAI client puts into `model`.'),
  version: z.number().int(),
  published: z.object({
    dev: z.number().int().nullable(),
    staging: z.number().int().nullable(),
    prod: z.number().int().nullable(),
  }),
  definition: agentDefinition,
  created_at: isoTime,
  updated_at: isoTime,
});
export type Agent = z.infer<typeof agent>;

export const agentVersion = z.object({
  object: z.literal('agent.version'),
  agent: z.string(),
  version: z.number().int(),
  definition: agentDefinition,
  created_at: isoTime,
});
export type AgentVersion = z.infer<typeof agentVersion>;

export const publishAgent = z.strictObject({
  version: z.number().int().min(1),
  environment: environment.default('prod'),
});
export const rollbackAgent = z.strictObject({ environment: environment.default('prod') });
