/** Tasks: work that an agent was given and will finish by itself, and schedules that give it work again and again. */
import { z } from 'zod';
import { isoTime, metadata, pageQuery } from './common.ts';
import { inputItem, MaxItemsPerRequest } from './conversations.ts';

/** From what a person waits for to what may wait for a quiet hour. */
export const lanes = ['interactive', 'standard', 'batch'] as const;
export const lane = z.enum(lanes);
export type Lane = z.infer<typeof lane>;

export const taskStatuses = [
  'queued',
  'scheduled',
  'running',
  'waiting_approval',
  'succeeded',
  'failed',
  'dead',
  'cancelled',
] as const;
export const taskStatus = z.enum(taskStatuses);
export type TaskStatus = z.infer<typeof taskStatus>;

export const DefaultPriority = 5;

const taskInput = z.union([z.string().min(1).max(100_000), z.array(inputItem).min(1).max(MaxItemsPerRequest)]);

/** What a task is to do and how, whoever gives it. */
const order = {
  input: taskInput,
  lane: lane.default('standard'),
  /** Within its lane: the higher first. */
  priority: z.number().int().min(0).max(9).default(DefaultPriority),
  max_attempts: z.number().int().min(1).max(20).default(3),
  metadata: metadata.default({}),
};

export const createTask = z.strictObject({
  ...order,
  /** Not before; at once where it is null or has passed. */
  run_at: isoTime.nullable().default(null),
  /** Unfinished by then, it fails. */
  deadline: isoTime.nullable().default(null),
});
export type CreateTask = z.infer<typeof createTask>;

export const task = z.object({
  object: z.literal('task'),
  id: z.string(),
  agent: z.string(),
  status: taskStatus,
  lane,
  priority: z.number().int(),
  input: taskInput,
  output: z.string().nullable().describe("The text of the agent's answer."),
  conversation: z.string(),
  response: z.string().nullable().describe('Of the latest attempt.'),
  attempts: z.number().int(),
  max_attempts: z.number().int(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  schedule: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  created_at: isoTime,
  run_at: isoTime.describe('When it is, or was, due: after a failed attempt, the next one.'),
  deadline: isoTime.nullable(),
  assigned_at: isoTime.nullable().describe('When the agent took it up.'),
  finished_at: isoTime.nullable(),
});
export type Task = z.infer<typeof task>;

export const taskQuery = pageQuery.extend({ status: taskStatus.optional() });
export type TaskQuery = z.infer<typeof taskQuery>;

export const createSchedule = z.strictObject({
  name: z.string().trim().min(1).max(100),
  cron: z.string().min(9).max(100).describe('Five fields: minute, hour, day of month, month, day of week.'),
  timezone: z.string().min(1).max(60).default('UTC').describe('An IANA name such as Europe/Berlin.'),
  enabled: z.boolean().default(true),
  ...order,
});
export type CreateSchedule = z.infer<typeof createSchedule>;

/** What is left out stays. */
export const updateSchedule = z.strictObject({
  name: createSchedule.shape.name.optional(),
  cron: createSchedule.shape.cron.optional(),
  timezone: z.string().min(1).max(60).optional(),
  enabled: z.boolean().optional(),
  input: taskInput.optional(),
});
export type UpdateSchedule = z.infer<typeof updateSchedule>;

export const schedule = z.object({
  object: z.literal('schedule'),
  id: z.string(),
  agent: z.string(),
  name: z.string(),
  cron: z.string(),
  timezone: z.string(),
  enabled: z.boolean(),
  input: taskInput,
  lane,
  priority: z.number().int(),
  max_attempts: z.number().int(),
  metadata: z.record(z.string(), z.string()),
  next_run_at: isoTime.nullable(),
  last_run_at: isoTime.nullable(),
  last_task: z.string().nullable(),
  created_at: isoTime,
});
export type Schedule = z.infer<typeof schedule>;

/** What an agent asks of itself: once, or by cron. */
export const ownWorkOrder = z.strictObject({
  input: z.string().trim().min(1).max(20_000),
  run_at: isoTime.optional(),
  cron: createSchedule.shape.cron.optional(),
  timezone: z.string().min(1).max(60).optional(),
  name: createSchedule.shape.name.optional(),
});
export type OwnWorkOrder = z.infer<typeof ownWorkOrder>;
