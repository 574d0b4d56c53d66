/** An agent as a file (YAML or JSON), as `npm run freehold -- apply` takes it. agents/agent.schema.json is made of it. */
import { z } from 'zod';
import { agentDefinition } from './agents.ts';
import { environment } from './environment.ts';
import { slug } from './common.ts';

export const variableName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'a lower-case letter, then letters, digits and _');

/** `${name}` in any text of the definition stands for its value. */
export const fileVariable = z.strictObject({
  description: z.string().min(1).max(300),
  /** Used where no value is given; without it, one must be. */
  default: z.string().max(500).optional(),
  example: z.string().max(500).optional(),
});
export type FileVariable = z.infer<typeof fileVariable>;

export const agentFile = z.strictObject({
  $schema: z.string().optional(),
  slug,
  name: z.string().trim().min(1).max(100),
  /** The environments in which the file is live. Others keep the version that they have. */
  publish: z.array(environment).max(3).default(['dev', 'staging', 'prod']),
  variables: z.record(variableName, fileVariable).default({}),
  definition: agentDefinition.prefault({}),
});
export type AgentFile = z.infer<typeof agentFile>;
