/**
 * What an agent carries with it beside its definition, and what may change without a new version: its goals, its persona,
 * what it does on named moments, the trace of what it did, and the history of all changes.
 */
import { z } from 'zod';
import { MaxConditionChars, parseCondition } from '../core/condition.ts';
import { jsonChanges, persona } from './agents.ts';
import { auditActor } from './audit.ts';
import { isoTime, pageQuery } from './common.ts';
import { DefaultPriority, lane } from './tasks.ts';

export const goalStatuses = ['active', 'achieved', 'dropped'] as const;
const goalText = z.string().trim().min(1).max(500);
const goalNote = z.string().trim().max(500);

export const createGoal = z.strictObject({
  text: goalText,
  note: goalNote.default('').describe('How it stands.'),
});
export type CreateGoal = z.infer<typeof createGoal>;

/** What is left out stays. */
export const updateGoal = z.strictObject({
  text: goalText.optional(),
  note: goalNote.optional(),
  status: z.enum(goalStatuses).optional(),
});
export type UpdateGoal = z.infer<typeof updateGoal>;

export const goal = z.object({
  object: z.literal('agent.goal'),
  id: z.string(),
  agent: z.string(),
  text: z.string(),
  note: z.string(),
  status: z.enum(goalStatuses),
  created_by: auditActor,
  created_at: isoTime,
  updated_at: isoTime,
});
export type Goal = z.infer<typeof goal>;

export const goalQuery = pageQuery.extend({ status: z.enum(goalStatuses).optional() });
export type GoalQuery = z.infer<typeof goalQuery>;

/** What is left out stays as it is, be it the definition's. */
export const updatePersona = z.strictObject({
  role: persona.shape.role.unwrap().optional(),
  tone: persona.shape.tone.unwrap().optional(),
  traits: persona.shape.traits.unwrap().optional(),
  avoids: persona.shape.avoids.unwrap().optional(),
});
export type UpdatePersona = z.infer<typeof updatePersona>;

export const agentPersona = persona.extend({
  object: z.literal('agent.persona'),
  agent: z.string(),
  origin: z.enum(['definition', 'state']).describe("The definition's own, or what it was changed to since."),
  updated_at: isoTime.nullable(),
});
export type AgentPersona = z.infer<typeof agentPersona>;

/** Of what the agent's own events tell; `before_turn` alone is no event. */
export const moments = [
  'before_turn',
  'after_turn',
  'on_tool_called',
  'on_task_succeeded',
  'on_task_failed',
  'on_memory_written',
] as const;
export type Moment = (typeof moments)[number];

const hookAction = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('instruct').describe('Adds to the instructions of the turn; for before_turn alone.'),
    text: z.string().trim().min(1).max(2_000),
  }),
  z.strictObject({
    type: z.literal('task').describe('Gives the agent a task; what set it off is added to the input.'),
    input: z.string().trim().min(1).max(20_000),
    lane: lane.default('batch'),
    priority: z.number().int().min(0).max(9).default(DefaultPriority),
  }),
  z.strictObject({ type: z.literal('event').describe('Raises agent.hook_fired, and does nothing else.') }),
]);
export type HookAction = z.infer<typeof hookAction>;

const hookFields = {
  name: z.string().trim().min(1).max(100),
  when: z
    .string()
    .max(MaxConditionChars)
    .refine((text) => parseCondition(text) !== undefined, 'is no condition; write: status = "failed" and attempts > 1')
    .nullable()
    .describe("Comparisons of the event's data; of before_turn: caller, environment, lane."),
  action: hookAction,
  enabled: z.boolean(),
  max_per_hour: z.number().int().min(1).max(1_000).describe('What comes beyond is held back, and counted.'),
};

/** Undefined where an action can be taken at a moment. */
export function findMisfit(moment: Moment, { type }: HookAction): string | undefined {
  if (moment === 'before_turn')
    return type === 'instruct' ? undefined : 'before_turn can only instruct: nothing has happened yet.';
  return type === 'instruct' ? `There is nothing to instruct at ${moment}: the turn is over.` : undefined;
}

export const createProtocolHook = z
  .strictObject({
    ...hookFields,
    moment: z.enum(moments),
    when: hookFields.when.default(null),
    enabled: hookFields.enabled.default(true),
    max_per_hour: hookFields.max_per_hour.default(60),
  })
  .superRefine(({ moment, action }, context) => {
    const misfit = findMisfit(moment, action);
    if (misfit) context.addIssue({ code: 'custom', path: ['action'], message: misfit });
  });
export type CreateProtocolHook = z.infer<typeof createProtocolHook>;

/** What is left out stays. It acts as whoever changed it last. */
export const updateProtocolHook = z.strictObject(hookFields).partial();
export type UpdateProtocolHook = z.infer<typeof updateProtocolHook>;

export const protocolHook = z.object({
  object: z.literal('agent.protocol_hook'),
  id: z.string(),
  agent: z.string(),
  ...hookFields,
  moment: z.enum(moments),
  fired: z.number().int().describe('How often it did something.'),
  held_back: z.number().int().describe('How often it did not, because it had done so too often or tasks were full.'),
  last_fired_at: isoTime.nullable(),
  created_at: isoTime,
});
export type ProtocolHook = z.infer<typeof protocolHook>;

export const traceEntry = z.object({
  object: z.literal('agent.trace_entry'),
  id: z.string().describe("The event's id."),
  agent: z.string(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()).describe('Ids, names, numbers and states, as in the event.'),
  created_at: isoTime,
});
export type TraceEntry = z.infer<typeof traceEntry>;

export const stateParts = ['goals', 'persona', 'protocol_hooks'] as const;
export type StatePart = (typeof stateParts)[number];

export const stateChange = z.object({
  object: z.literal('agent.state_change'),
  id: z.string(),
  agent: z.string(),
  part: z.enum(stateParts),
  item: z.string().nullable().describe('The goal or hook; null of the persona.'),
  actor: auditActor,
  response: z.string().nullable().describe("The turn in which the agent's own tool made the change."),
  changes: jsonChanges,
  created_at: isoTime,
});
export type StateChange = z.infer<typeof stateChange>;

export const stateChangeQuery = pageQuery.extend({ part: z.enum(stateParts).optional() });
export type StateChangeQuery = z.infer<typeof stateChangeQuery>;

/** What a turn is begun with. */
export type AgentSelf = {
  /** Null: the definition's. */
  readonly persona: z.infer<typeof persona> | null;
  readonly goals: readonly string[];
  readonly instructions: readonly string[];
};
/** What a `before_turn` hook's condition compares. */
export type TurnFacts = { readonly caller: string; readonly environment: string; readonly lane: string };
