/**
 * The catalogue of events: what happened in a tenant, told to whoever listens. A type that is not here cannot be entered
 * (it does not compile); a new one is one line. Data holds ids, names, numbers and states; never a secret, a prompt, an
 * answer or a memory's text: a receiver reads those with its own credential.
 */
import { z } from 'zod';
import { environment } from './agents.ts';
import { auditActor } from './audit.ts';
import { isoTime, pageQuery } from './common.ts';
import { responseUsage } from './responses.ts';

const id = z.string();
const version = z.number().int();
const actor = auditActor.describe('Who did it.');

/** What an entry of the audit trail also says as an event: the id of its target, who did it, and its details. */
const done = z.object({ id, actor });
const agentVersion = done.extend({ slug: z.string(), version });
const agentPlaced = done.extend({ version: version.nullable(), environment });
const memberState = done.extend({ role: z.string(), status: z.string(), issuer: z.string() });
const budgetLimit = done.extend({ limit_micros: z.number().int(), window: z.string() });
const webhookState = done.extend({ url: z.string(), events: z.array(z.string()) });
const domain = done.extend({ hostname: z.string() });
const domainState = domain.extend({ reason: z.string().nullable() });
const endpointTrouble = z.object({
  id,
  reason: z.string(),
  failing_since: isoTime.nullable(),
  failures: z.number().int(),
});
const conversation = z.object({ id });
const response = z.object({
  id,
  conversation: z.string(),
  actor,
  model: z.string(),
  usage: responseUsage.nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

const alertState = z.object({
  id,
  name: z.string(),
  metric: z.string(),
  comparison: z.string(),
  threshold: z.number(),
  window_minutes: z.number().int(),
  value: z.number().nullable(),
  since: isoTime.describe('Since when it held, or fired.'),
  webhooks: z.array(z.string()).describe('Who is told; none: whoever listens.'),
});

const task = z.object({
  id,
  status: z.string(),
  lane: z.string(),
  attempts: z.number().int(),
  conversation: z.string(),
  response: z.string().nullable(),
  schedule: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  ran_ms: z.number().int().nullable().describe('How long the attempt took that has just ended.'),
});

export const eventCatalogue = {
  'tenant.created': done,
  'tenant.suspended': done,
  'tenant.reactivated': done,
  'tenant.stopped': done,
  'tenant.resumed': done,
  'key.created': done.extend({
    permissions: z.array(z.string()),
    project: z.string().nullable(),
    environment: environment.nullable(),
    agent: z.string().nullable(),
  }),
  'key.rotated': done.extend({ grace_seconds: z.number().int() }),
  'key.revoked': done,
  'member.created': memberState,
  'member.joined': done,
  'member.updated': memberState,
  'member.deleted': done,
  'issuer.created': done.extend({ issuer: z.string(), audience: z.string() }),
  'issuer.updated': done,
  'issuer.deleted': done,
  'secret.created': done.extend({ version }),
  'secret.rotated': done.extend({ version, oldest_kept: version }),
  'secret.deleted': done.extend({ versions: z.number().int() }),
  'budget.created': budgetLimit,
  'budget.updated': budgetLimit,
  'budget.deleted': done,
  'budget.threshold_reached': done.extend({
    name: z.string(),
    percent: z.number().int(),
    limit_micros: z.number().int(),
    spent_micros: z.number().int(),
    window_started_at: isoTime,
  }),
  'agent.created': agentVersion,
  'agent.updated': agentVersion,
  'agent.version_created': done.extend({ version }),
  'agent.published': agentPlaced,
  'agent.rolled_back': agentPlaced,
  'agent.suspended': done.extend({ slug: z.string() }),
  'agent.resumed': done.extend({ slug: z.string() }),
  'agent.deleted': done,
  'agent.state_changed': done.extend({ part: z.string(), item: z.string().nullable() }),
  'agent.hook_fired': z.object({
    id,
    name: z.string(),
    moment: z.string(),
    cause: z.string().describe('The event that set it off.'),
    task: z.string().nullable(),
  }),
  'conversation.created': conversation,
  'conversation.deleted': conversation,
  'response.completed': response,
  'response.incomplete': response,
  'response.failed': response,
  'response.cancelled': response,
  'task.created': task,
  'task.started': task,
  'task.retrying': task,
  'task.succeeded': task,
  'task.failed': task,
  'task.dead': task,
  'task.cancelled': task,
  'domain.created': domain,
  'domain.verified': domainState,
  'domain.activated': domainState,
  'domain.failed': domainState,
  'domain.deleted': domain,
  'webhook.created': webhookState,
  'webhook.updated': webhookState,
  'webhook.deleted': done,
  'webhook.secret_rotated': done.extend({ grace_seconds: z.number().int() }),
  'webhook.test': z.object({ id }),
  'webhook.endpoint_failing': endpointTrouble,
  'webhook.endpoint_recovered': z.object({ id }),
  'webhook.endpoint_disabled': endpointTrouble,
  'webhook.exhausted': z.object({ id, event: z.string(), attempts: z.number().int() }),
  'tool.called': z.object({
    id,
    conversation: z.string(),
    response: z.string(),
    tool: z.string(),
    outcome: z.string(),
  }),
  'approval.requested': z.object({ id, conversation: z.string(), response: z.string(), tool: z.string() }),
  'approval.approved': done.extend({ tool: z.string() }),
  'approval.denied': done.extend({ tool: z.string() }),
  'alert.fired': alertState,
  'alert.resolved': alertState,
  'memory.written': z.object({ id, kind: z.string(), author: z.string(), supersedes: z.string().nullable() }),
  'memory.forgotten': z.object({ id }),
} as const satisfies Record<string, z.ZodObject>;

export type EventType = keyof typeof eventCatalogue;
export type EventData<T extends EventType> = z.infer<(typeof eventCatalogue)[T]>;
export const eventTypes = Object.keys(eventCatalogue) as readonly EventType[];

export function isEventType(value: string): value is EventType {
  return Object.hasOwn(eventCatalogue, value);
}

/** Kinds of events. One may be listened to before it has a type. */
export const eventFamilies = [
  'tenant',
  'key',
  'member',
  'issuer',
  'secret',
  'budget',
  'invoice',
  'agent',
  'conversation',
  'response',
  'task',
  'tool',
  'approval',
  'memory',
  'node',
  'domain',
  'webhook',
  'alert',
] as const;
export type EventFamily = (typeof eventFamilies)[number];

/** Names under which several families are listened to together. */
export const eventTopics = {
  'agent.broadcast.memory': ['memory'],
  'agent.action.intents': ['task', 'tool', 'approval'],
  'mcp.update.context': ['agent', 'memory'],
  'gateway.audit': ['tenant', 'key', 'member', 'issuer', 'secret', 'budget', 'agent', 'domain', 'webhook'],
  'conversation.events': ['conversation', 'response'],
  'billing.events': ['budget', 'invoice'],
} as const satisfies Record<string, readonly EventFamily[]>;

export function familyOf(type: EventType): EventFamily {
  return type.slice(0, type.indexOf('.')) as EventFamily;
}

export function topicsOf(type: EventType): readonly string[] {
  const family = familyOf(type);
  return Object.entries(eventTopics).flatMap(([topic, families]: [string, readonly EventFamily[]]) =>
    families.includes(family) ? [topic] : [],
  );
}

/** The families that a pattern stands for; none where it is one type, or nothing. */
function familiesOf(pattern: string): readonly EventFamily[] {
  if (pattern === '*') return eventFamilies;
  if (Object.hasOwn(eventTopics, pattern)) return eventTopics[pattern as keyof typeof eventTopics];
  return eventFamilies.filter((family) => pattern === `${family}.*`);
}

/** The types that patterns select now; a type that comes later is selected as well. */
export function selectTypes(patterns: readonly string[]): readonly EventType[] {
  const families = new Set(patterns.flatMap((pattern) => familiesOf(pattern)));
  return eventTypes.filter((type) => patterns.includes(type) || families.has(familyOf(type)));
}

export const eventPattern = z
  .string()
  .max(64)
  .refine(
    (pattern) => isEventType(pattern) || familiesOf(pattern).length > 0,
    'a type, a family (`agent.*`), a topic, or `*`; GET /v1/events/types lists them',
  );

export const event = z.object({
  object: z.literal('event'),
  id: z.string(),
  type: z.string(),
  timestamp: isoTime,
  agent: z.string().nullable().describe('The agent that it is about, if any.'),
  environment: environment.nullable(),
  data: z.record(z.string(), z.unknown()),
});
export type PlatformEvent = z.infer<typeof event>;

/** What is entered: the type decides what the data is. */
export type EventDraft = {
  [T in EventType]: {
    readonly type: T;
    readonly data: EventData<T>;
    readonly agent?: string | null;
    readonly environment?: PlatformEvent['environment'];
    /** W3C: the span that it comes from, where it has one. It goes out with webhooks. */
    readonly traceparent?: string | null | undefined;
  };
}[EventType];

/** An event of another object of the tenant: it has its id and its time from where it happened. */
export type CarriedEvent = EventDraft & { readonly id: string; readonly at: number };

const patternList = z
  .string()
  .min(1)
  .max(1_000)
  .transform((text) => text.split(','))
  .pipe(z.array(eventPattern));

export const eventQuery = pageQuery.extend({
  type: patternList.optional().describe('Types, families (`agent.*`) or topics, with commas between them.'),
  agent: z.string().min(1).max(200).optional().describe("An agent's id."),
  environment: environment.optional(),
  since: isoTime.optional(),
  last_event_id: z.string().min(1).max(64).optional().describe('For who cannot send the header Last-Event-ID.'),
});
export type EventQuery = z.infer<typeof eventQuery>;
export type EventFilter = Pick<EventQuery, 'type' | 'agent' | 'environment' | 'since'>;

export const eventTypeEntry = z.object({
  object: z.literal('event.type'),
  type: z.string(),
  family: z.string(),
  topics: z.array(z.string()),
  schema: z.record(z.string(), z.unknown()).describe('JSON Schema of the data.'),
});
