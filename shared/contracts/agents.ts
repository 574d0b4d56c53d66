/** Agents: a definition is data; a version is immutable; publishing moves a pointer per environment. */
import { z } from 'zod';
import { environment } from './environment.ts';
import { isoTime, slug } from './common.ts';
import { greeting } from './greeting.ts';
import { memoryKind } from './memories.ts';
import { agentTools } from './tools.ts';

export { environment, type Environment } from './environment.ts';

/** How many memories an agent may have where its definition says nothing. */
export const DefaultMaxMemories = 100_000;

/** Of one turn, and of how many run at once. The maxima are the platform's. */
export const agentLimits = z.strictObject({
  max_output_tokens: z.number().int().min(1).max(32_768).default(1_024),
  recall: z.number().int().min(0).max(20).default(6),
  timeout_seconds: z.number().int().min(1).max(600).default(120),
  /** How many of its tasks run at once. */
  concurrent_tasks: z.number().int().min(1).max(64).default(4),
  /** Calls of the model. The last one is made without tools, so that it answers. */
  max_steps: z.number().int().min(1).max(64).default(8),
  max_tool_calls: z.number().int().min(0).max(256).default(32),
  /** Of input and output over all steps; no limit but the others where it is null. */
  max_tokens: z.number().int().min(1).max(100_000_000).nullable().default(null),
  max_cost_micros: z.number().int().min(0).max(1_000_000_000_000).nullable().default(null),
  /** How long a call waits for somebody's approval. That time does not count against `timeout_seconds`. */
  approval_timeout_seconds: z
    .number()
    .int()
    .min(10)
    .max(30 * 24 * 60 * 60)
    .default(24 * 60 * 60),
});
export type AgentLimits = z.infer<typeof agentLimits>;

const trait = z.string().trim().min(1).max(200);

/** Who it is in conversation: told to the model after its instructions. */
export const persona = z.strictObject({
  role: z.string().trim().max(200).default(''),
  tone: z.string().trim().max(300).default(''),
  traits: z.array(trait).max(20).default([]),
  avoids: z.array(trait).max(20).default([]),
});
export type Persona = z.infer<typeof persona>;

/** What is worth remembering, by name: told to a model that has `memory_write`. */
export const memoryField = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'a lower-case letter, then letters, digits and _, at most 64'),
  description: z.string().trim().min(1).max(300),
  kind: memoryKind.default('fact'),
});

export const memorySchema = z
  .array(memoryField)
  .max(32)
  .refine((fields) => new Set(fields.map(({ name }) => name)).size === fields.length, 'names a field twice');
export type MemorySchema = z.infer<typeof memorySchema>;

/** What becomes of a message to a conversation in which a turn is still under way. */
export const doubleTexting = z.enum(['reject', 'enqueue', 'interrupt']);
export type DoubleTexting = z.infer<typeof doubleTexting>;

export const agentDefinition = z.strictObject({
  /** A model's id, or the alias `default`. */
  model: z.string().min(1).max(200).default('default'),
  instructions: z.string().max(32_000).default(''),
  greeting: greeting.default(''),
  goals: z.array(z.string().min(1).max(500)).max(50).default([]),
  persona: persona.optional(),
  memory_schema: memorySchema.optional(),
  tools: agentTools.default([]),
  limits: agentLimits.prefault({}),
  /** `reject` where it is left out. */
  double_texting: doubleTexting.optional(),
  sovereignty: z.enum(['own_hardware', 'external_allowed']).default('own_hardware'),
  memory: z
    .strictObject({
      /** How many memories it may have. */
      max: z.number().int().min(1).max(2_000_000).default(DefaultMaxMemories),
      /** Whether its model searches what people say in stored responses for memories: a run of its own, after each. */
      extract: z.boolean().default(false),
      /** How often what is alike or long past is put together. */
      consolidate: z.enum(['never', 'daily', 'weekly']).default('never'),
    })
    .prefault({}),
});
export type AgentDefinition = z.infer<typeof agentDefinition>;
/** What the single writer of an agent's memories has to know of its definition. */
export type MemoryPolicy = Pick<AgentDefinition['memory'], 'max' | 'consolidate'>;
export const defaultMemoryPolicy: MemoryPolicy = { max: DefaultMaxMemories, consolidate: 'never' };

export const createAgent = z.strictObject({
  slug,
  name: z.string().trim().min(1).max(100),
  /** Where its first version is live; everywhere, if left out. */
  publish: z.array(environment).max(3).optional(),
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
  suspended_at: isoTime.nullable().describe('Since when it starts no runs; null: it may run.'),
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

/** Two versions to compare: by default the newest, and the one before `to`. */
export const diffVersionsQuery = z.object({
  from: z.coerce.number().int().min(1).optional(),
  to: z.coerce.number().int().min(1).optional(),
});

export const jsonChanges = z.array(
  z.object({
    op: z.enum(['add', 'remove', 'replace']),
    path: z.string().describe('A JSON Pointer into what was changed.'),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
  }),
);

export const agentDiff = z.object({
  object: z.literal('agent.diff'),
  agent: z.string(),
  from: z.number().int(),
  to: z.number().int(),
  changes: jsonChanges,
});
export type AgentDiff = z.infer<typeof agentDiff>;

/** How often a variant of the greeting was shown. */
export const greetingCount = z.object({
  object: z.literal('agent.greeting'),
  version: z.number().int(),
  variant: z.string(),
  shown: z.number().int(),
});
export type GreetingCount = z.infer<typeof greetingCount>;
