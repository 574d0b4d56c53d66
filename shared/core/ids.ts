/**
 * Identifiers: a prefix that names the kind, then 26 characters of Crockford base32 (48 bits of time, 80 of randomness,
 * as in the ULID specification), in lower case, so ids of one kind sort by the time of their making.
 * A response's id carries its conversation, a task's its agent, so the object that holds it is found without a look-up.
 */
const Alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const BodyPattern = '[0-9abcdefghjkmnpqrstvwxyz]{26}';

export const idPrefixes = {
  tenant: 'tnt',
  project: 'prj',
  agent: 'agt',
  key: 'key',
  conversation: 'conv',
  response: 'resp',
  message: 'msg',
  call: 'fc',
  task: 'task',
  schedule: 'sch',
  memory: 'mem',
  run: 'run',
  event: 'evt',
  receipt: 'rcp',
  bridge: 'brg',
  enrolment: 'enr',
  node: 'node',
  request: 'req',
  visitor: 'vis',
  member: 'mbr',
  issuer: 'iss',
  user: 'usr',
  budget: 'bdg',
  lease: 'lse',
  session: 'ses',
  invoice: 'inv',
  correction: 'cor',
  credit: 'crd',
  webhook: 'whk',
  hook: 'hook',
  delivery: 'dlv',
  effect: 'eff',
  approval: 'appr',
  domain: 'dom',
  consolidation: 'cons',
  goal: 'goal',
  protocolHook: 'phk',
  change: 'chg',
  alert: 'alr',
} as const;

export type IdKind = keyof typeof idPrefixes;
declare const brand: unique symbol;
export type Id<K extends IdKind> = string & { readonly [brand]: K };

export type TenantId = Id<'tenant'>;
export type AgentId = Id<'agent'>;
export type KeyId = Id<'key'>;
export type ConversationId = Id<'conversation'>;
export type ResponseId = Id<'response'>;
export type TaskId = Id<'task'>;
export type ScheduleId = Id<'schedule'>;
export type MemoryId = Id<'memory'>;
export type RunId = Id<'run'>;
export type BridgeId = Id<'bridge'>;
export type EnrolmentId = Id<'enrolment'>;
export type ReceiptId = Id<'receipt'>;
export type BudgetId = Id<'budget'>;
export type LeaseId = Id<'lease'>;
export type WebhookId = Id<'webhook'>;
export type HookId = Id<'hook'>;
export type DeliveryId = Id<'delivery'>;
export type EffectId = Id<'effect'>;
export type ApprovalId = Id<'approval'>;
export type DomainId = Id<'domain'>;
export type GoalId = Id<'goal'>;
export type ProtocolHookId = Id<'protocolHook'>;
export type AlertId = Id<'alert'>;
export type VisitorId = Id<'visitor'>;
export type MemberId = Id<'member'>;
export type IssuerId = Id<'issuer'>;
/** Somebody who holds a role by their token's claims alone. */
export type UserId = Id<'user'>;

/** Where randomness comes from: fills the array and returns it. */
export type Random = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
export const systemRandom: Random = (bytes) => crypto.getRandomValues(bytes);

/** `count` characters of Crockford base32, five random bits each. */
export function randomBase32(count: number, random: Random = systemRandom): string {
  let text = '';
  for (const byte of random(new Uint8Array(count))) text += Alphabet[byte & 31];
  return text;
}

function encodeTime(ms: number): string {
  let rest = Math.max(0, Math.floor(ms));
  let text = '';
  for (let place = 0; place < 10; place++) {
    text = Alphabet[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

export function mintId<K extends IdKind>(kind: K, nowMs: number, random: Random = systemRandom): Id<K> {
  return `${idPrefixes[kind]}_${encodeTime(nowMs)}${randomBase32(16, random)}` as Id<K>;
}

/** Their ids carry that of whoever holds them, so that the object that holds them is found without a look-up. */
const carriesHolder: ReadonlySet<string> = new Set<IdKind>(['response', 'approval', 'task']);

const patterns = Object.fromEntries(
  Object.entries(idPrefixes).map(([kind, prefix]) => [
    kind,
    new RegExp(
      carriesHolder.has(kind) ? `^${prefix}_${BodyPattern}[0-9a-hjkmnp-tv-z]{26}$` : `^${prefix}_${BodyPattern}$`,
    ),
  ]),
) as Record<IdKind, RegExp>;

export function isId<K extends IdKind>(kind: K, value: unknown): value is Id<K> {
  return typeof value === 'string' && patterns[kind].test(value);
}

export function parseId<K extends IdKind>(kind: K, value: unknown): Id<K> | undefined {
  return isId(kind, value) ? value : undefined;
}

/** A response lives in its conversation's object: `resp_` + the conversation's body + a body of its own. */
export function mintResponseId(conversation: ConversationId, nowMs: number, random: Random = systemRandom): ResponseId {
  return `resp_${conversation.slice(5)}${encodeTime(nowMs)}${randomBase32(16, random)}` as ResponseId;
}

export function conversationOfResponse(response: ResponseId): ConversationId {
  return `conv_${response.slice(5, 31)}` as ConversationId;
}

/** A task lives in its agent's object: `task_` + the agent's body + a body of its own. */
export function mintTaskId(agent: AgentId, nowMs: number, random: Random = systemRandom): TaskId {
  return `task_${agent.slice(4)}${encodeTime(nowMs)}${randomBase32(16, random)}` as TaskId;
}

/** What a hook's delivery makes has ids out of the delivery's own, so that handing it over again makes the same. */
export function taskIdOfDelivery(agent: AgentId, delivery: DeliveryId): TaskId {
  return `task_${agent.slice(4)}${delivery.slice(4)}` as TaskId;
}

export function conversationIdOfDelivery(delivery: DeliveryId): ConversationId {
  return `conv_${delivery.slice(4)}` as ConversationId;
}

export function agentOfTask(task: TaskId): AgentId {
  return `agt_${task.slice(5, 31)}` as AgentId;
}

/** When the id was made, in milliseconds. */
export function timeOfId(id: string): number {
  const body = id.slice(id.indexOf('_') + 1, id.indexOf('_') + 11);
  let ms = 0;
  for (const character of body) ms = ms * 32 + Alphabet.indexOf(character);
  return ms;
}

/** An approval lives where its call waits. */
export function mintApprovalId(conversation: ConversationId, nowMs: number, random: Random = systemRandom): ApprovalId {
  return `appr_${conversation.slice(5)}${encodeTime(nowMs)}${randomBase32(16, random)}` as ApprovalId;
}

export function conversationOfApproval(approval: ApprovalId): ConversationId {
  return `conv_${approval.slice(5, 31)}` as ConversationId;
}

/** What an effect makes has an id out of the effect's own, so that making it again makes the same. */
export function idOfEffect<K extends 'conversation' | 'memory' | 'goal' | 'schedule'>(
  kind: K,
  effect: EffectId,
): Id<K> {
  return `${idPrefixes[kind]}_${effect.slice(4)}` as Id<K>;
}

export function taskIdOfEffect(agent: AgentId, effect: EffectId): TaskId {
  return `task_${agent.slice(4)}${effect.slice(4)}` as TaskId;
}

export function responseIdOfEffect(effect: EffectId): ResponseId {
  return `resp_${effect.slice(4)}${effect.slice(4)}` as ResponseId;
}
