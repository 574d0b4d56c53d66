/** Memories of an agent: text with provenance, chained by hash, found by recall. */
import { z } from 'zod';
import type { MemoryId } from '../core/ids.ts';

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

/** What only the server says: put together from others by consolidation, whose run `ref` names. */
export const ConsolidationSource = 'consolidation';
const statedSource = memorySource.extend({ type: z.enum([...memorySource.shape.type.options, ConsolidationSource]) });

export const provenance = z.object({
  source: statedSource,
  /** Id of the credential that wrote it. */
  author: z.string(),
  recorded_at: z.iso.datetime(),
});
export type Provenance = z.infer<typeof provenance>;

export const MaxMemoriesPerBatch = 200;
const tag = z.string().trim().min(1).max(64);
/** Whom or what a memory is about: `person:ada`, an order's number. */
const subject = z.string().trim().min(1).max(64);

export const createMemory = z
  .strictObject({
    text: z.string().trim().min(1).max(MaxMemoryChars),
    kind: memoryKind.default('fact'),
    scope: memoryScope.optional().describe('`private` where nothing is said.'),
    readers: z
      .array(z.string().min(1).max(64))
      .max(100)
      .optional()
      .describe('Of a shared memory: the ids of the agents that may recall it, or `*`, as where nothing is said.'),
    source: memorySource.default({ type: 'person', ref: null }),
    tags: z.array(tag).max(20).optional(),
    subject: subject.nullable().optional(),
    visitor: z.string().min(1).max(64).nullable().optional(),
    sources: z
      .array(z.string().min(1).max(64))
      .max(200)
      .optional()
      .describe('Memories of the agent that this one was made from: it goes when one of them is forgotten.'),
    confidence: z.number().min(0).max(1).default(1),
    valid_from: z.iso.datetime().nullable().default(null),
    valid_until: z.iso.datetime().nullable().default(null),
    supersedes: z
      .string()
      .nullable()
      .default(null)
      .describe('A memory of the agent that no longer holds: it stays, closed.'),
  })
  .refine(({ scope, readers }) => readers === undefined || scope === 'shared', {
    path: ['readers'],
    error: 'Only a shared memory has readers.',
  });
export type CreateMemory = z.infer<typeof createMemory>;
/** With what the server says of it. */
export type NewMemory = CreateMemory & {
  readonly id: MemoryId;
  readonly author: string;
  /** W3C: of what writes it, for its event. */
  readonly traceparent?: string;
};

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
  /** Since when another memory, `closed_by`, says otherwise. */
  closed_at: z.iso.datetime().nullable(),
  closed_by: z.string().nullable(),
  readers: z.array(z.string()),
  tags: z.array(z.string()),
  subject: z.string().nullable(),
  visitor: z.string().nullable(),
  sources: z.array(z.string()),
  embedding_space: z.string(),
  /** Place in the agent's chain, from 1. */
  sequence: z.number().int(),
  content_hash: z.string(),
  previous_hash: z.string(),
  hash: z.string(),
  created_at: z.iso.datetime(),
});
export type Memory = z.infer<typeof memory>;

export const createMemories = z.strictObject({
  memories: z.array(createMemory).min(1).max(MaxMemoriesPerBatch),
});
export type CreateMemories = z.infer<typeof createMemories>;

/** Why the gate let a memory not pass; `memory`: the one that says the same. */
export const memoryRefusal = z.object({
  reason: z.enum(['too_short', 'low_information', 'duplicate', 'recalled', 'quota']),
  memory: z.string().nullable(),
});
export type MemoryRefusal = z.infer<typeof memoryRefusal>;

export const writeOutcome = z.discriminatedUnion('accepted', [
  z.object({ object: z.literal('memory.write'), accepted: z.literal(true), memory }),
  z.object({
    object: z.literal('memory.write'),
    accepted: z.literal(false),
    ...memoryRefusal.shape,
    message: z.string(),
  }),
]);
export type WriteOutcome = z.infer<typeof writeOutcome>;

/** All that are named hold together; of a list, one is enough. */
export const memoryFilter = z.strictObject({
  kind: z.union([memoryKind, z.array(memoryKind).min(1).max(4)]).optional(),
  scope: memoryScope.optional(),
  tags: z.array(tag).min(1).max(20).optional(),
  subject: subject.optional(),
  visitor: z.string().min(1).max(64).optional(),
  source: statedSource.shape.type.optional(),
  author: z.string().min(1).max(64).optional(),
  after: z.iso.datetime().optional().describe('Recorded at this time or later.'),
  before: z.iso.datetime().optional().describe('Recorded earlier.'),
});
export type MemoryFilter = z.infer<typeof memoryFilter>;

export const recallRequest = z.strictObject({
  query: z.string().trim().min(1).max(MaxMemoryChars),
  limit: z.number().int().min(1).max(MaxRecall).default(8),
  filter: memoryFilter.default({}),
  as_of: z.iso.datetime().optional().describe('What held then, though it is closed by now.'),
  diversity: z.number().min(0).max(1).optional().describe('0: the best alone count; 1: no two alike.'),
  recency_days: z.number().positive().max(3_650).optional().describe('In how many days the bonus of the new halves.'),
  explain: z.boolean().optional().describe('Says for each hit why it was returned.'),
  rerank: z
    .union([z.boolean(), z.strictObject({ model: z.string().min(1).max(200) })])
    .optional()
    .describe('By a model that compares query and text: the one that is named, or any that a node has.'),
});
export type RecallRequest = z.infer<typeof recallRequest>;

/** `rank` from 1 in each lane that found it; `fused` from those; `score` = fused x confidence x recency. */
export const recallReason = z.object({
  vector: z.object({ rank: z.number().int(), score: z.number() }).nullable(),
  text: z.object({ rank: z.number().int() }).nullable(),
  model: z
    .object({ rank: z.number().int(), score: z.number() })
    .nullable()
    .describe("In the space of the agent's own model; `vector` is in the embedded default."),
  fresh: z.object({ rank: z.number().int() }).nullable(),
  fused: z.number(),
  confidence: z.number(),
  recency: z.number(),
  /** How alike the most alike hit before it is, where diversity was asked for. */
  likeness: z.number().nullable(),
  rerank: z.number().nullable(),
});
export type RecallReason = z.infer<typeof recallReason>;

export const recalledMemory = z.object({
  id: z.string(),
  text: z.string(),
  score: z.number(),
  kind: memoryKind,
  provenance,
  hash: z.string(),
  /** Present where asked for. */
  why: recallReason.optional(),
});
export type RecalledMemory = z.infer<typeof recalledMemory>;

/** What was asked for and could not be done: the hits are those of what could. */
export const recallNotice = z.enum([
  'index_degraded',
  'rerank_unavailable',
  'tampered_left_out',
  'embedder_unavailable',
  'embedding_behind',
]);
export type RecallNotice = z.infer<typeof recallNotice>;

export const recallResult = z.object({
  object: z.literal('list'),
  data: z.array(recalledMemory),
  has_more: z.literal(false),
  next_cursor: z.null(),
  /** False where the embedding space is lexical. */
  semantic: z.boolean(),
  embedding_space: z.string(),
  notices: z.array(recallNotice),
});

/** What became of an agent's memories since then. */
export const changesQuery = z.strictObject({
  since: z.iso.datetime().default('1970-01-01T00:00:00.000Z').describe('Changes at this time or later.'),
  limit: z.coerce.number().int().min(1).max(MaxMemoriesPerBatch).default(100),
  cursor: z.string().min(1).max(200).optional(),
});
export const memoryChange = z.object({
  object: z.literal('memory.change'),
  memory: z.string(),
  /** `forgotten` outweighs `closed`, and that `written`: what holds now. */
  change: z.enum(['written', 'closed', 'forgotten']),
  at: z.iso.datetime(),
  sequence: z.number().int(),
  kind: memoryKind,
  /** Null where it is forgotten. */
  text: z.string().nullable(),
  closed_by: z.string().nullable(),
});
export type MemoryChange = z.infer<typeof memoryChange>;

/** Since the counting began. */
export const memoryCounters = z.object({
  object: z.literal('memory.counters'),
  agent: z.string(),
  live: z.number().int().describe('What takes room under the quota.'),
  written: z.number().int(),
  refused: z.number().int(),
  forgotten: z.number().int(),
  waiting: z.number().int().describe('In the chain, and not yet in D1 and the index.'),
  head: z.object({ sequence: z.number().int(), hash: z.string() }),
});
export type MemoryCounters = z.infer<typeof memoryCounters>;

export const MemoryExportMedia = 'application/x-ndjson';
export const exportQuery = z.strictObject({
  vectors: z.enum(['true', 'false']).default('false').describe('With the vector of each memory.'),
});

export const memoryImport = z.object({
  object: z.literal('memory.import'),
  agent: z.string(),
  entries: z.number().int(),
  memories: z.number().int().describe('Those that are there: neither forgotten nor a checkpoint.'),
  head: z.string(),
});
export type MemoryImport = z.infer<typeof memoryImport>;

/** A run of consolidation: what it has made, by reason, out of how many memories that are closed since. */
export const consolidation = z.object({
  object: z.literal('memory.consolidation'),
  id: z.string(),
  agent: z.string(),
  author: z.string(),
  near_duplicates: z.number().int().describe('Memories that stand for several that say the same.'),
  episodes: z.number().int().describe('Summaries of what happened within days of each other, a month ago or longer.'),
  decayed: z.number().int().describe('Summaries of what counted least, where there was too much.'),
  closed: z.number().int(),
  /** False: there is more than one run takes. Run it again. */
  whole: z.boolean(),
  created_at: z.iso.datetime(),
  undone_at: z.iso.datetime().nullable(),
});
export type Consolidation = z.infer<typeof consolidation>;

export const chainVerification = z.object({
  valid: z.boolean(),
  entries: z.number().int(),
  head: z.string(),
  /** The first memory whose row, order or hash does not hold; null when all hold. */
  first_invalid: z.object({ sequence: z.number().int(), id: z.string(), reason: z.string() }).nullable(),
});
export type ChainVerification = z.infer<typeof chainVerification>;

/** Where a memory stands in what a checkpoint has sealed; before the next checkpoint, in what is open yet. */
export const inclusionProof = z.object({
  object: z.literal('memory.proof'),
  memory: z.string(),
  /** The hash of the memory's link in the chain: hashed after 0x00 it is the leaf. */
  hash: z.string(),
  leaf_index: z.number().int(),
  tree_size: z.number().int(),
  /** From the leaf up (RFC 9162). */
  path: z.array(z.string()),
  root: z.string(),
  /** The entry of the chain that holds the root; null: not sealed yet. */
  checkpoint: z.object({ sequence: z.number().int(), hash: z.string() }).nullable(),
});
export type InclusionProof = z.infer<typeof inclusionProof>;

/** Exactly one way of naming what is to be forgotten. */
export const forgetRequest = z
  .strictObject({
    ids: z.array(z.string().min(1).max(64)).min(1).max(500).optional(),
    subject: subject.optional(),
    visitor: z.string().min(1).max(64).optional(),
    filter: memoryFilter
      .refine((filter) => Object.keys(filter).length > 0, { error: 'An empty filter would name everything.' })
      .optional(),
    all: z.literal(true).optional(),
  })
  .refine((request) => Object.values(request).filter((each) => each !== undefined).length === 1, {
    error: 'Name exactly one of ids, subject, visitor, filter and all.',
  });
export type ForgetRequest = z.infer<typeof forgetRequest>;

export const ForgetCertificateType = 'freehold-forgotten+jwt';
export const forgetCertificate = z.object({
  object: z.literal('memory.certificate'),
  tenant: z.string(),
  agent: z.string(),
  forgotten: z.array(z.string()).describe('The ids, those of memories that were made from them included.'),
  forgotten_at: z.iso.datetime(),
  /** The head of the chain: it still verifies. */
  head: z.object({ sequence: z.number().int(), hash: z.string() }),
  /** What was asked again afterwards, and how often one of them was found. */
  found_again: z.object({ rows: z.literal(0), index: z.literal(0), pending: z.literal(0) }),
});
export type ForgetCertificate = z.infer<typeof forgetCertificate>;
export const signedForgetting = forgetCertificate.extend({
  signature: z
    .string()
    .describe(
      "The same as a JWS by the platform's key (/.well-known/jwks.json); for the ids, `count` and the SHA-256 of their lines.",
    ),
});
