/**
 * Identifiers: a prefix that names the kind, then 26 characters of Crockford base32 (48 bits of time, 80 of randomness,
 * as in the ULID specification), in lower case, so ids of one kind sort by the time of their making.
 * A response's id carries its conversation, so the object that holds it is found without a look-up.
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
  memory: 'mem',
  run: 'run',
  event: 'evt',
  receipt: 'rcp',
  bridge: 'brg',
  node: 'node',
  request: 'req',
  visitor: 'vis',
  member: 'mbr',
  issuer: 'iss',
  user: 'usr',
  budget: 'bdg',
  lease: 'lse',
} as const;

export type IdKind = keyof typeof idPrefixes;
declare const brand: unique symbol;
export type Id<K extends IdKind> = string & { readonly [brand]: K };

export type TenantId = Id<'tenant'>;
export type AgentId = Id<'agent'>;
export type KeyId = Id<'key'>;
export type ConversationId = Id<'conversation'>;
export type ResponseId = Id<'response'>;
export type MemoryId = Id<'memory'>;
export type RunId = Id<'run'>;
export type BridgeId = Id<'bridge'>;
export type ReceiptId = Id<'receipt'>;
export type BudgetId = Id<'budget'>;
export type LeaseId = Id<'lease'>;
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

const patterns = Object.fromEntries(
  Object.entries(idPrefixes).map(([kind, prefix]) => [
    kind,
    new RegExp(kind === 'response' ? `^${prefix}_${BodyPattern}[0-9a-hjkmnp-tv-z]{26}$` : `^${prefix}_${BodyPattern}$`),
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
