/**
 * The contract between the edge and a bridge. The edge sends an OpenAI-shaped body with a job token; the bridge answers
 * in OpenAI's shapes, normalised, and later delivers a signed receipt of what was produced.
 *
 * edge -> bridge   POST {bridge}/v1/chat/completions | … (operationPaths)    Authorization: Bearer <job token>
 * bridge -> edge   POST {platform}/bridge/v1/announce | /bridge/v1/receipts    body: a compact JWS by the bridge's key
 * bridge -> edge   GET  {platform}/bridge/tunnel, a WebSocket: the same jobs without an address of the bridge's own
 *                  (shared/contracts/tunnel.ts)
 *
 * All tokens are compact JWS with an explicit `typ`, so that none can stand in for another: `alg: EdDSA`, and for jobs also
 * HS256 by a key that the platform gives each bridge, since a signature for every run costs more than all else about it.
 */
import { z } from 'zod';
import { MaxUnheardChanges, nodeChange, nodeReport } from './nodes.ts';

export const TokenTypes = {
  job: 'freehold-job+jwt',
  receipts: 'freehold-receipts+jwt',
  announce: 'freehold-announce+jwt',
  tunnel: 'freehold-tunnel+jwt',
  /** By the platform, for an operator to hand to a machine. */
  enrolment: 'freehold-enrolment+jwt',
  /** By the machine that enrols, with the key that it enrols with. */
  enrol: 'freehold-enrol+jwt',
  rotate: 'freehold-rotate+jwt',
  /** By the new key, inside a rotation: whoever asks for it holds it. */
  nextKey: 'freehold-next-key+jwt',
} as const;
export const JobIssuer = 'freehold';

/** How far the clocks of platform and bridge may be apart. */
export const MaxClockSkewSeconds = 60;

export const jobOperation = z.enum([
  'chat',
  'completions',
  'embeddings',
  'rerank',
  'tokenize',
  'transcription',
  'speech',
]);
export type JobOperation = z.infer<typeof jobOperation>;

/** Where an operation is asked for: of the edge, of a bridge, and of most nodes. */
export const operationPaths = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  embeddings: '/v1/embeddings',
  rerank: '/v1/rerank',
  tokenize: '/v1/tokenize',
  transcription: '/v1/audio/transcriptions',
  speech: '/v1/audio/speech',
} as const satisfies Record<JobOperation, string>;

/** Whether what a receipt calls input are tokens: of a transcription it is milliseconds of audio, of speech characters. */
export function countsTokens(operation: JobOperation): boolean {
  return operation !== 'transcription' && operation !== 'speech';
}

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
  /** The bridge clamps `max_tokens` to this. 0 where nothing is written. */
  max_output_tokens: z.number().int().min(0),
  /** Whether a node marked `external` may serve the job. */
  allow_external: z.boolean(),
  /** The one node that may serve it, where the registry of models names one. */
  node: z.string().min(1).max(64).optional(),
  /** The longest the job may run, in milliseconds; the bridge ends it then with an error. */
  timeout_ms: z.number().int().positive(),
  /** Whose turn it is where jobs have to wait: those that a person waits for go first. Without one, `standard`. */
  lane: z.enum(['interactive', 'standard', 'batch']).optional(),
  /** What belongs together, such as the turns of a conversation: best served where its beginning is in the cache. */
  affinity: z.string().min(1).max(200).optional(),
  /** The answer goes on to the caller as it is: the receipt is to say how long it was. */
  count_answer: z.boolean().optional(),
  /** The caller takes the answer that its tenant got before to the very same question. */
  cache: z.boolean().optional(),
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
  /** Or what else the operation counts: see `countsTokens`. */
  input_tokens: z.number().int().min(0),
  cached_input_tokens: z.number().int().min(0),
  output_tokens: z.number().int().min(0),
  /** `node`: the node's own usage; `bridge`: counted by the bridge because the node's count never came. */
  counted_by: z.enum(['node', 'bridge']),
  outcome: receiptOutcome,
  /** Milliseconds of GPU that the run took, summed over GPUs, where the node tells. */
  gpu_ms: z.number().int().min(0).optional(),
  /** Bytes of the answer that were sent, where the job asked for them to be counted. */
  answer_bytes: z.number().int().min(0).optional(),
  /** Whether the answer was one that was given before, where the caller would take one. */
  cache: z.enum(['hit', 'miss']).optional(),
  /** From the start to the first token, of an answer that its node streamed. */
  first_token_ms: z.number().int().min(0).optional(),
  started_at: z.number().int(),
  finished_at: z.number().int(),
  /** The job's own ticket. */
  ticket: z.string().min(1).max(4_096),
});
export type Receipt = z.infer<typeof receipt>;

/** How many of what a receipt calls input are tokens. */
export function inputTokensOf({ operation, input_tokens: input }: Pick<Receipt, 'operation' | 'input_tokens'>): number {
  return countsTokens(operation) ? input : 0;
}

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
  /** Whether messages may hold images; absent where the node does not tell. */
  images: z.boolean().optional(),
  /** Of the model's file, where the node tells. */
  digest: z.string().max(200).optional(),
});
export type AnnouncedModel = z.infer<typeof announcedModel>;

/** Payload of the JWS by which a bridge says, every few seconds, that it lives and what it can serve now. */
export const announcement = z.object({
  iss: z.string(),
  iat: z.number().int(),
  models: z.array(announcedModel).max(1000),
  /** The chat model that the alias `default` names: the first ready real model, else the extractive engine. */
  default_model: z.string().nullable(),
  /** The id of the job key that it holds; without one, its job tokens are signed with the platform's own key. */
  job_key: z.string().min(1).max(64).optional(),
  nodes: z.array(nodeReport).max(200).optional(),
  /** Repeated until an announcement that held them was answered. */
  node_changes: z.array(nodeChange).max(MaxUnheardChanges).optional(),
});
export type Announcement = z.infer<typeof announcement>;

/** The symmetric key of one bridge, for its job tokens (HS256), with 32 random-looking bytes in base64url. */
export const givenJobKey = z.object({ kid: z.string().min(1).max(64), k: z.string().length(43) });
export type GivenJobKey = z.infer<typeof givenJobKey>;

export const announcementAnswer = z.object({
  object: z.literal('announcement'),
  job_key: givenJobKey,
  /** The nodes of this bridge that are to get no more jobs. */
  draining: z.array(z.string()).default([]),
});

/** Response header of a refusal: the job was not begun and never will be, so another bridge may have it. */
export const NotBegunHeader = 'x-freehold-not-begun';

/** Response header of a tunnel that broke before the answer: nobody knows what has become of the job. */
export const UnreachedHeader = 'x-freehold-unreached';

/** Response header that names the node that serves a run. */
export const NodeHeader = 'x-freehold-node';

/** Of a request, `1`: an earlier answer will do. Of an answer: `hit`, or `miss` where it may be one for the next. */
export const CacheHeader = 'x-freehold-cache';

export const ExtractiveModel = 'freehold/extractive';
/** Heading of the system message part that lists recalled memories, one `[n] text` line each. */
export const RecallHeading = 'What you remember that may help (quote it as [n]):';
