/**
 * Tools of an agent, as its definition declares them. `function`: the client executes. `http`, `openapi`, `mcp` and
 * `builtin`: the platform executes, within allowlist, schema, approval and limits. A credential is the name of a secret;
 * its value is put in where the request leaves, and is never shown to a model.
 */
import { z } from 'zod';
import { MaxConditionChars, parseCondition } from '../core/condition.ts';
import { findSchemaFault } from '../core/json-schema.ts';
import { secretName } from './secrets.ts';

export const MaxTools = 64;
export const MaxToolTimeoutSeconds = 120;
/** OpenAI's own form of a function's name: no Unicode, so no look-alikes. */
export const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'letters, digits, _ and -, at most 64');

export const toolSchema = z.record(z.string(), z.unknown()).superRefine((schema, context) => {
  const fault = findSchemaFault(schema);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: `is no usable JSON Schema: ${fault}` });
});

/** Arguments are an object: that is how a model gives them. */
const parameters = toolSchema.refine(
  (schema) => schema['type'] === undefined || schema['type'] === 'object',
  'type must be "object"',
);

export const approval = z.union([
  z.enum(['never', 'always']),
  z.strictObject({
    /** Comparisons of arguments, joined by `and` and `or`: `amount > 100 or currency != "EUR"`. */
    when: z
      .string()
      .max(MaxConditionChars)
      .refine(
        (text) => parseCondition(text) !== undefined,
        'is no condition; write: amount > 100 or currency != "EUR"',
      ),
  }),
]);
export type Approval = z.infer<typeof approval>;

const description = z.string().max(2_000).default('');
const timeout = z.number().int().min(1).max(MaxToolTimeoutSeconds).default(20);
/** What a caller must hold, beside what the agent may: nobody gains a right by asking an agent that has it. */
const requires = z
  .array(z.string().regex(/^[a-z_]+:[a-z_]+$/))
  .max(10)
  .default([]);

const host = z
  .string()
  .regex(/^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/, 'a host name in lower case, or *.host');

export const credential = z.strictObject({
  /** The name of one of the tenant's secrets. */
  secret: secretName,
  header: z
    .string()
    .regex(/^[a-zA-Z0-9-]{1,64}$/)
    .default('authorization'),
  prefix: z
    .string()
    .max(40)
    .regex(/^[\x20-\x7e]*$/)
    .default('Bearer '),
});
export type ToolCredential = z.infer<typeof credential>;

const httpUrl = z
  .string()
  .max(2_000)
  .refine(
    (text) => /^https?:\/\/[^/{}?#@\s]+(?:[/?#]|$)/.test(text),
    'an http(s) address whose host is fixed and names no user',
  );

export const functionTool = z.strictObject({
  type: z.literal('function'),
  name: toolName,
  description,
  parameters: parameters.default({ type: 'object', properties: {} }),
});

export const httpTool = z.strictObject({
  type: z.literal('http'),
  name: toolName,
  description,
  parameters: parameters.default({ type: 'object', properties: {}, additionalProperties: false }),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  /** `{name}` takes an argument. What is left of the arguments goes into the query, or the JSON body of a method that has one. */
  url: httpUrl,
  /** Arguments that go into the query although the method has a body. */
  query: z.array(z.string().max(64)).max(32).default([]),
  headers: z.record(z.string().regex(/^[a-zA-Z0-9-]{1,64}$/), z.string().max(500)).default({}),
  credential: credential.nullable().default(null),
  /** `json`: anything else is an error to the model. */
  answers: z.enum(['json', 'text']).default('json'),
  result: toolSchema.nullable().default(null),
  /** The receiver makes one effect of requests with the same Idempotency-Key: it may be tried again. */
  idempotent: z.boolean().default(false),
  approval: approval.default('never'),
  requires,
  timeout_seconds: timeout,
});
export type HttpTool = z.infer<typeof httpTool>;

export const MaxOpenapiChars = 256 * 1024;

export const openapiTool = z.strictObject({
  type: z.literal('openapi'),
  /** The document itself, as JSON. It becomes `http` tools when the version is made. */
  document: z
    .record(z.string(), z.unknown())
    .refine((document) => JSON.stringify(document).length <= MaxOpenapiChars, `at most ${MaxOpenapiChars} characters`),
  /** Which operations, by `operationId`; all where it is left out. */
  operations: z.array(z.string().max(64)).max(MaxTools).nullable().default(null),
  credential: credential.nullable().default(null),
  /** Of operations that change something; those that only read (GET) need none. */
  approval: approval.default('always'),
  requires,
  timeout_seconds: timeout,
});
export type OpenapiTool = z.infer<typeof openapiTool>;

export const mcpTool = z.strictObject({
  type: z.literal('mcp'),
  server_label: z
    .string()
    .regex(/^[a-zA-Z][a-zA-Z0-9_-]{0,31}$/, 'a letter, then letters, digits, _ and -, at most 32'),
  server_url: httpUrl,
  /** Which of the server's tools the agent has; all where it is left out. */
  allowed_tools: z.array(z.string().max(64)).max(MaxTools).nullable().default(null),
  credential: credential.nullable().default(null),
  approval: approval.default('always'),
  /** What the server says of its own tools is not believed: name those that may be tried again. */
  idempotent_tools: z.array(z.string().max(64)).max(MaxTools).default([]),
  requires,
  timeout_seconds: timeout,
});
export type McpTool = z.infer<typeof mcpTool>;

export const builtinNames = [
  'memory_search',
  'memory_write',
  'memory_forget',
  'goals',
  'schedule_task',
  'http_fetch',
  'ask_agent',
] as const;
export type BuiltinName = (typeof builtinNames)[number];

export const builtinTool = z
  .strictObject({
    type: z.literal('builtin'),
    name: z.enum(builtinNames),
    /** For `http_fetch`: the hosts that it may read. For `ask_agent`: the slugs of the agents that it may ask. */
    allow: z.array(z.string().max(253)).max(100).default([]),
    approval: approval.default('never'),
    requires,
    timeout_seconds: timeout,
  })
  .superRefine(({ name, allow }, context) => {
    if (name === 'http_fetch' && allow.some((each) => !host.safeParse(each).success)) {
      context.addIssue({ code: 'custom', path: ['allow'], message: 'hosts in lower case, or *.host' });
    }
    if ((name === 'http_fetch' || name === 'ask_agent') && allow.length === 0) {
      context.addIssue({ code: 'custom', path: ['allow'], message: `${name} needs to be told what it may reach` });
    }
  });
export type BuiltinTool = z.infer<typeof builtinTool>;

export const agentTool = z.discriminatedUnion('type', [functionTool, httpTool, openapiTool, mcpTool, builtinTool]);
export type AgentTool = z.infer<typeof agentTool>;

export const agentTools = z
  .array(agentTool)
  .max(MaxTools)
  .superRefine((tools, context) => {
    const seen = new Set<string>();
    for (const [at, tool] of tools.entries()) {
      const name =
        tool.type === 'mcp' ? `${tool.server_label}__` : tool.type === 'openapi' ? `openapi ${at}` : tool.name;
      const folded = foldName(name);
      if (seen.has(folded))
        context.addIssue({
          code: 'custom',
          path: [at],
          message: `has a name that another tool has, or one too like it: ${name}`,
        });
      seen.add(folded);
    }
  });

/** Names that a reader, or a model, may take for one another are the same. */
export function foldName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]/g, '').replaceAll(/[il]/g, '1').replaceAll('o', '0');
}
