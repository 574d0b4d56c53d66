/**
 * What the bridge asks of an inference node. A node speaks OpenAI's shapes but need not conform to them: `normalise.ts`
 * makes its answers conform, `run-job.ts` meters and retries. A node throws `NodeError` for what it can name; any other
 * error counts as the node being broken. It never sees a job token, and stops its work when `signal` aborts.
 */
import type { AnnouncedModel, JobOperation } from '../../shared/contracts/inference.ts';
import type { Failure } from '../../shared/core/failure.ts';
import type { JsonObject } from '../json-object.ts';

export const nodeKinds = ['vllm', 'ollama', 'openai-compatible', 'gguf', 'extractive'] as const;
export type NodeKind = (typeof nodeKinds)[number];

/**
 * What was written, in a chat or after a prompt: one body, or a stream of batches of `data` payloads (JSON texts, and perhaps `[DONE]`), one batch for
 * each read. A node may stream although one body was asked for; the bridge puts the pieces together.
 */
export type TextAnswer =
  | { readonly kind: 'body'; readonly body: unknown }
  | { readonly kind: 'stream'; readonly batches: AsyncIterable<readonly string[]> };

/** What a server is asked for in its own words, and answers with one body. */
export type ForwardedOperation = 'rerank' | 'tokenize' | 'transcription';
/** As it came. */
export type ForwardedAnswer = { readonly type: string; readonly bytes: Uint8Array };
/** Spoken audio, as it comes. */
export type SpokenAnswer = { readonly type: string; readonly pieces: AsyncIterable<Uint8Array> };

/** What goes with one call besides its body. */
export type NodeCall = {
  /** Aborts when the answer is no longer wanted. */
  readonly signal: AbortSignal;
  /** The run's id: it names the answer where the node does not, and is sent to the node as `x-request-id`. */
  readonly run: string;
  /** Unix seconds. */
  readonly created: number;
  readonly traceparent?: string;
};

/** What a node says of its own load; null where it does not tell. */
export type NodeLoad = {
  readonly running: number | null;
  readonly waiting: number | null;
  /** Mean time to the first token since it was last asked. */
  readonly firstTokenMs: number | null;
  /** The models that are in memory; null where all that it lists are. */
  readonly loaded: readonly string[] | null;
};

/** When a canary may be sent: at any time, only while the node has nothing to do, or never (it costs, or proves nothing). */
export type CanaryHabit = 'any' | 'idle' | 'never';

export type InferenceNode = {
  readonly name: string;
  readonly kind: NodeKind;
  /** Runs on hardware that is not the operator's own. */
  readonly external: boolean;
  /** Jobs that it is given at once; the others wait. Null for any number. */
  readonly capacity: number | null;
  /** How many GPUs it computes with, where that is known. */
  readonly gpus?: number | undefined;
  readonly canary: CanaryHabit;
  /** Models that it is to have in memory. */
  readonly keepWarm?: readonly string[];
  /** What the node serves now. */
  listModels(signal: AbortSignal): Promise<readonly AnnouncedModel[]>;
  readLoad(signal: AbortSignal): Promise<NodeLoad | undefined>;
  /** Has the model loaded for good, where the node would let it go after a while. */
  keepLoaded?(model: AnnouncedModel, call: NodeCall): Promise<void>;
  /** Why this node cannot honour a request, where it would otherwise ignore a part of it. */
  findUnsupported(operation: JobOperation, body: JsonObject): Failure | undefined;
  chat(body: JsonObject, call: NodeCall): Promise<TextAnswer>;
  embed(body: JsonObject, call: NodeCall): Promise<unknown>;
  /** There where one of its models is announced for it. */
  complete?(body: JsonObject, call: NodeCall): Promise<TextAnswer>;
  /** The same, for what else there is. */
  forward?(operation: ForwardedOperation, body: JsonObject, call: NodeCall): Promise<ForwardedAnswer>;
  speak?(body: JsonObject, call: NodeCall): Promise<SpokenAnswer>;
  close(): Promise<void>;
};

/** What stands in a receipt where no node ever served the run. */
export const NoNode = 'none';

/** How a failed attempt is to be taken. */
export const nodeErrorKinds = {
  /** The request is at fault: no other node is asked, the circuit stays as it is. */
  rejected: 'rejected',
  /** Too busy: another node may be asked, the circuit stays as it is. */
  busy: 'busy',
  /** Not reached, or refused us before any answer: another node may be asked, counts against the circuit. */
  unreachable: 'unreachable',
  /** Answered with something that is no answer: counts against the circuit. */
  invalid: 'invalid',
  /** Stopped in the middle of its answer: counts against the circuit. */
  cut: 'cut',
} as const;
export type NodeErrorKind = keyof typeof nodeErrorKinds;

export class NodeError extends Error {
  override readonly name = 'NodeError';
  readonly kind: NodeErrorKind;
  readonly failure: Failure;
  constructor(kind: NodeErrorKind, failure: Failure) {
    super(failure.reason ?? failure.message);
    this.kind = kind;
    this.failure = failure;
  }
}
