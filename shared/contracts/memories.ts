/** Memories of an agent: text with provenance, chained by hash, found by recall. */
import { z } from 'zod';

export const MaxMemoryChars = 8_000;
export const MaxRecall = 50;

export const memoryKind = z.enum(['fact', 'event', 'instruction', 'summary']);
export const memoryScope = z.enum(['private', 'shared']);

/** Where a memory comes from. The server sets `author`; a caller says the rest. */
export const memorySource = z.object({
  type: z.enum(['person', 'conversation', 'document', 'tool', 'seed']),
  /** What the type names: a conversation item's id, a document's address, a tool's name. */
  ref: z.string().max(500).nullable(),
});

export const provenance = z.object({
  source: memorySource,
  /** Id of the credential that wrote it. */
  author: z.string(),
  recorded_at: z.iso.datetime(),
});
export type Provenance = z.infer<typeof provenance>;

export const createMemory = z.strictObject({
  text: z.string().trim().min(1).max(MaxMemoryChars),
  kind: memoryKind.default('fact'),
  source: memorySource.default({ type: 'person', ref: null }),
  confidence: z.number().min(0).max(1).default(1),
  valid_from: z.iso.datetime().nullable().default(null),
  valid_until: z.iso.datetime().nullable().default(null),
  supersedes: z.string().nullable().default(null),
});
export type CreateMemory = z.infer<typeof createMemory>;

export const memory = z.object({
  object: z.literal('memory'),
  id: z.string(),
  agent: z.string(),
  kind: memoryKind,
  scope: memoryScope,
  text: z.string(),
  provenance,
  confidence: z.number(),
  valid_from: z.iso.datetime().nullable(),
  valid_until: z.iso.datetime().nullable(),
  supersedes: z.string().nullable(),
  embedding_space: z.string(),
  /** Place in the agent's chain, from 1. */
  sequence: z.number().int(),
  content_hash: z.string(),
  previous_hash: z.string(),
  hash: z.string(),
  created_at: z.iso.datetime(),
});
export type Memory = z.infer<typeof memory>;

export const recallRequest = z.strictObject({
  query: z.string().trim().min(1).max(MaxMemoryChars),
  limit: z.number().int().min(1).max(MaxRecall).default(8),
  filter: z.strictObject({ kind: memoryKind.optional() }).default({}),
});
export type RecallRequest = z.infer<typeof recallRequest>;

export const recalledMemory = z.object({
  id: z.string(),
  text: z.string(),
  score: z.number(),
  kind: memoryKind,
  provenance,
  hash: z.string(),
});
export type RecalledMemory = z.infer<typeof recalledMemory>;

export const recallResult = z.object({
  object: z.literal('list'),
  data: z.array(recalledMemory),
  has_more: z.literal(false),
  next_cursor: z.null(),
  /** False where the embedding space is lexical. */
  semantic: z.boolean(),
  embedding_space: z.string(),
});

export const chainVerification = z.object({
  valid: z.boolean(),
  entries: z.number().int(),
  head: z.string(),
  /** The first memory whose row, order or hash does not hold; null when all hold. */
  first_invalid: z.object({ sequence: z.number().int(), id: z.string(), reason: z.string() }).nullable(),
});
export type ChainVerification = z.infer<typeof chainVerification>;
