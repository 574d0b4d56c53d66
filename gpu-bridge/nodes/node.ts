/**
 * What the bridge asks of an inference node. A node speaks OpenAI's shapes but need not conform to them: `normalise.ts`
 * makes its answers conform, `run-job.ts` meters and retries. A node throws `NodeError` for what it can name; any other
 * error counts as the node being broken. It never sees a job token, and stops its work when `signal` aborts.
 */
import type { AnnouncedModel } from '../../shared/contracts/inference.ts';
import type { Failure } from '../../shared/core/failure.ts';
import type { JsonObject } from '../json-object.ts';

export const nodeKinds = ['vllm', 'ollama', 'openai-compatible', 'gguf', 'extractive'] as const;
export type NodeKind = (typeof nodeKinds)[number];

/**
 * A chat answer: one body, or a stream of batches of `data` payloads (JSON texts, and perhaps `[DONE]`), one batch for
 * each read. A node may stream although one body was asked for; the bridge puts the pieces together.
 */
export type ChatAnswer =
  | { readonly kind: 'body'; readonly body: unknown }
  | { readonly kind: 'stream'; readonly batches: AsyncIterable<readonly string[]> };

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

export type InferenceNode = {
  readonly name: string;
  readonly kind: NodeKind;
  /** Runs on hardware that is not the operator's own. */
  readonly external: boolean;
  /** What the node serves now. Answering is being ready. */
  listModels(signal: AbortSignal): Promise<readonly AnnouncedModel[]>;
  /** Why this node cannot honour a request, where it would otherwise ignore a part of it. */
  findUnsupported(operation: 'chat' | 'embeddings', body: JsonObject): Failure | undefined;
  chat(body: JsonObject, call: NodeCall): Promise<ChatAnswer>;
  embed(body: JsonObject, call: NodeCall): Promise<unknown>;
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
