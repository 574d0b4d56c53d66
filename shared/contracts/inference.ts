/**
 * The contract between the edge and a bridge. The edge sends an OpenAI-shaped body with a job token; the bridge answers
 * in OpenAI's shapes, normalised, and later delivers a signed receipt of what was produced.
 *
 * edge -> bridge   POST {bridge}/v1/chat/completions | /v1/embeddings    Authorization: Bearer <job token>
 * bridge -> edge   POST {platform}/bridge/v1/announce | /bridge/v1/receipts    body: a compact JWS by the bridge's key
 *
 * All tokens are compact JWS with `alg: EdDSA` and an explicit `typ`, so that none can stand in for another.
 */
import { z } from 'zod';

export const TokenTypes = {
  job: 'freehold-job+jwt',
  receipts: 'freehold-receipts+jwt',
  announce: 'freehold-announce+jwt',
} as const;
export const JobIssuer = 'freehold';

export const jobOperation = z.enum(['chat', 'embeddings']);

/** What the platform permits one call to do. `jti` is the run's id, which is also the reservation's. */
export const jobClaims = z.object({
  iss: z.literal(JobIssuer),
  /** The bridge's id. */
  aud: z.string(),
  jti: z.string(),
  /** Unix seconds. A job must start before `exp`. */
  iat: z.number().int(),
  exp: z.number().int(),
  tenant: z.string(),
  operation: jobOperation,
  /** The model's id as the bridge announced it. */
  model: z.string(),
  /** The bridge clamps `max_tokens` to this. 0 for embeddings. */
  max_output_tokens: z.number().int().min(0),
  /** Whether a node marked `external` may serve the job. */
  allow_external: z.boolean(),
  /** The longest the job may run, in milliseconds; the bridge ends it then with an error. */
  timeout_ms: z.number().int().positive(),
  /** What the run was admitted with, sealed by the platform. Opaque to the bridge; every receipt brings it back. */
  ticket: z.string().min(1).max(4_096),
});
export type JobClaims = z.infer<typeof jobClaims>;

export const receiptOutcome = z.enum(['completed', 'cancelled', 'failed', 'interrupted']);

/** What one run produced, counted where it was produced. */
export const receipt = z.object({
  id: z.string(),
  run: z.string(),
  tenant: z.string(),
  bridge: z.string(),
  node: z.string(),
  node_kind: z.string(),
  external: z.boolean(),
  operation: jobOperation,
  model: z.string(),
  input_tokens: z.number().int().min(0),
  cached_input_tokens: z.number().int().min(0),
  output_tokens: z.number().int().min(0),
  /** `node`: the node's own usage; `bridge`: counted by the bridge because the node's count never came. */
  counted_by: z.enum(['node', 'bridge']),
  outcome: receiptOutcome,
  started_at: z.number().int(),
  finished_at: z.number().int(),
  /** The job's own ticket. */
  ticket: z.string().min(1).max(4_096),
});
export type Receipt = z.infer<typeof receipt>;

/** Payload of the JWS that a bridge posts: receipts of one tenant only, so that the proof shows nothing of another. */
export const receiptBatch = z.object({
  iss: z.string(),
  iat: z.number().int(),
  tenant: z.string(),
  receipts: z.array(receipt).min(1).max(500),
});
export type ReceiptBatch = z.infer<typeof receiptBatch>;

/** The platform's answer: what it has settled for good, and what it will never take (with why). Both leave the journal. */
export const receiptAck = z.object({
  settled: z.array(z.string()),
  refused: z.array(z.object({ id: z.string(), reason: z.string() })),
});
export type ReceiptAck = z.infer<typeof receiptAck>;

export const modelAbility = z.enum(['chat', 'embeddings', 'tools']);

export const announcedModel = z.object({
  id: z.string().min(1).max(200),
  operations: z.array(jobOperation).min(1),
  /** Tokens of input and output together; null where the node does not tell. */
  context_window: z.number().int().positive().nullable(),
  /** Vector length of an embedding model; null otherwise or where the node does not tell. */
  dimensions: z.number().int().positive().nullable(),
  /** False for a lexical embedder. */
  semantic: z.boolean(),
  external: z.boolean(),
  owned_by: z.string(),
});
export type AnnouncedModel = z.infer<typeof announcedModel>;

/** Payload of the JWS by which a bridge says, every few seconds, that it lives and what it can serve now. */
export const announcement = z.object({
  iss: z.string(),
  iat: z.number().int(),
  models: z.array(announcedModel).max(1000),
  /** The chat model that the alias `default` names: the first ready real model, else the extractive engine. */
  default_model: z.string().nullable(),
});
export type Announcement = z.infer<typeof announcement>;

/** Response header that names the node that serves a run. */
export const NodeHeader = 'x-freehold-node';

export const ExtractiveModel = 'freehold/extractive';
/** Heading of the system message part that lists recalled memories, one `[n] text` line each. */
export const RecallHeading = 'What you remember that may help (quote it as [n]):';
