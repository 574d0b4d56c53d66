/** The built-in tools as a model sees them, and what their caller must hold. */
import type { JsonSchema } from '../../../shared/core/json-schema.ts';
import { goalStatuses } from '../../../shared/contracts/agent-state.ts';
import type { BuiltinName, BuiltinTool } from '../../../shared/contracts/tools.ts';
import { MaxMemoryChars } from '../../../shared/contracts/memories.ts';

export type BuiltinSpec = {
  describe(tool: BuiltinTool): string;
  readonly parameters: JsonSchema;
  readonly requires: readonly string[];
};

const object = (properties: JsonSchema, required: readonly string[]): JsonSchema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

export const builtinSpecs: Readonly<Record<BuiltinName, BuiltinSpec>> = {
  memory_search: {
    describe: () => 'Searches what you remember. Gives the memories that fit best, each with its id.',
    parameters: object(
      {
        query: { type: 'string', minLength: 1, maxLength: 2_000 },
        limit: { type: 'integer', minimum: 1, maximum: 20 },
      },
      ['query'],
    ),
    requires: ['memories:read'],
  },
  memory_write: {
    describe: () => 'Remembers a text for later conversations.',
    parameters: object(
      {
        text: { type: 'string', minLength: 1, maxLength: MaxMemoryChars, pattern: '\\S' },
        kind: { type: 'string', enum: ['fact', 'event', 'summary'] },
      },
      ['text'],
    ),
    requires: ['memories:write'],
  },
  memory_forget: {
    describe: () => 'Forgets one memory for good, by its id.',
    parameters: object({ id: { type: 'string', minLength: 1, maxLength: 100 } }, ['id']),
    requires: ['memories:write'],
  },
  goals: {
    describe: () =>
      'Your own goals: lists them with their ids, adds one, or changes its text, its note of how it stands, or its status.',
    parameters: object(
      {
        action: { type: 'string', enum: ['list', 'add', 'update'] },
        id: { type: 'string', minLength: 1, maxLength: 100 },
        text: { type: 'string', minLength: 1, maxLength: 500, pattern: '\\S' },
        note: { type: 'string', maxLength: 500 },
        status: { type: 'string', enum: [...goalStatuses] },
      },
      ['action'],
    ),
    requires: ['agents:write'],
  },
  schedule_task: {
    describe: () =>
      'Gives yourself a task for later: once, at run_at (UTC, like 2030-01-31T09:00:00Z), or again and again, by cron (five fields) in a timezone.',
    parameters: object(
      {
        input: { type: 'string', minLength: 1, maxLength: 20_000, pattern: '\\S' },
        run_at: { type: 'string', maxLength: 40 },
        cron: { type: 'string', minLength: 9, maxLength: 100 },
        timezone: { type: 'string', minLength: 1, maxLength: 60 },
        name: { type: 'string', minLength: 1, maxLength: 100 },
      },
      ['input'],
    ),
    requires: ['tasks:write'],
  },
  http_fetch: {
    describe: ({ allow }) => `Reads a text from the web. Hosts that may be read: ${allow.join(', ')}.`,
    parameters: object({ url: { type: 'string', minLength: 1, maxLength: 2_000 } }, ['url']),
    requires: [],
  },
  ask_agent: {
    describe: ({ allow }) => `Asks another agent and gives its answer. Agents that may be asked: ${allow.join(', ')}.`,
    parameters: object(
      {
        agent: { type: 'string', minLength: 1, maxLength: 40 },
        question: { type: 'string', minLength: 1, maxLength: 20_000 },
      },
      ['agent', 'question'],
    ),
    requires: ['inference:invoke'],
  },
};
