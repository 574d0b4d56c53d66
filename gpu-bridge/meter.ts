/**
 * Counts what one run produced, and writes its receipt. The node's own count wins; where it never came, the bridge's
 * stands in: the pieces of the input, and one output token for each delta, which no node sends without a token.
 */
import type { CompletionUsage } from '../shared/contracts/chat-completions.ts';
import type { JobClaims, Receipt } from '../shared/contracts/inference.ts';
import { mintId } from '../shared/core/ids.ts';
import type { RunProgress } from './journal.ts';
import { NoNode, type InferenceNode } from './nodes/node.ts';

/** Who answers: a node, or what stands in for one. */
export type AnswerSource = Pick<InferenceNode, 'name' | 'external'> & { readonly kind: string };

export class Meter {
  readonly #claims: JobClaims;
  readonly #bridgeId: string;
  readonly #startedAt: number;
  #node: AnswerSource | undefined;
  #usage: CompletionUsage | undefined;
  #deltas = 0;
  #input = 0;
  #gpuMs: () => number | undefined = () => undefined;
  #whole = false;
  #answerBytes = 0;
  #firstTokenAt: number | undefined;
  #cache: Receipt['cache'];

  constructor(claims: JobClaims, bridgeId: string, startedAt: number) {
    this.#claims = claims;
    this.#bridgeId = bridgeId;
    this.#startedAt = startedAt;
  }

  /** A node is given the job: from here on its input counts. */
  served(node: AnswerSource, input: number, gpuMs: () => number | undefined): void {
    this.#node = node;
    this.#input = input;
    this.#gpuMs = gpuMs;
  }

  /** The node did not take it after all. */
  notServed(): void {
    this.#node = undefined;
    this.#input = 0;
    this.#gpuMs = () => undefined;
  }

  countNode(usage: CompletionUsage | undefined): void {
    this.#usage = usage ?? this.#usage;
  }

  countDeltas(deltas: number): void {
    this.#deltas = deltas;
  }

  /** What goes out of the answer; what only fills silence, or tells of a failure, does not count. */
  countAnswer(text: string): void {
    if (this.#claims.count_answer) this.#answerBytes += Buffer.byteLength(text);
  }

  noteToken(now: number): void {
    this.#firstTokenAt ??= now;
  }

  /** The caller would take an answer of before: there was one, or there was none. */
  noteCache(result: NonNullable<Receipt['cache']>): void {
    this.#cache = result;
  }

  /** The answer came to its end, so the node's count, if there is one, is its last word. */
  markWhole(): void {
    this.#whole = true;
  }

  /** What the caller is told: the node's count, or the bridge's where that is missing or lags behind a broken stream. */
  get usage(): CompletionUsage {
    if (this.#usage && (this.#whole || this.#usage.completion_tokens >= this.#deltas)) return this.#usage;
    const input = this.#usage?.prompt_tokens ?? this.#input;
    return { prompt_tokens: input, completion_tokens: this.#deltas, total_tokens: input + this.#deltas };
  }

  /** Undefined while no node has the job. */
  get progress(): RunProgress | undefined {
    if (!this.#node) return undefined;
    const { prompt_tokens: input, completion_tokens: output } = this.usage;
    const { name, kind, external } = this.#node;
    return { run: this.#claims.jti, node: name, node_kind: kind, external, input_tokens: input, output_tokens: output };
  }

  toReceipt(outcome: Receipt['outcome'], now: number): Receipt {
    const counted = this.usage;
    const gpuMs = this.#gpuMs();
    return {
      id: mintId('receipt', now),
      run: this.#claims.jti,
      tenant: this.#claims.tenant,
      bridge: this.#bridgeId,
      node: this.#node?.name ?? NoNode,
      node_kind: this.#node?.kind ?? NoNode,
      external: this.#node?.external ?? false,
      operation: this.#claims.operation,
      model: this.#claims.model,
      input_tokens: counted.prompt_tokens,
      cached_input_tokens: counted.prompt_tokens_details?.cached_tokens ?? 0,
      output_tokens: counted.completion_tokens,
      counted_by: counted === this.#usage ? 'node' : 'bridge',
      outcome,
      ...(this.#claims.count_answer ? { answer_bytes: this.#answerBytes } : {}),
      ...(this.#firstTokenAt === undefined
        ? {}
        : { first_token_ms: Math.max(0, this.#firstTokenAt - this.#startedAt) }),
      ...(gpuMs === undefined ? {} : { gpu_ms: gpuMs }),
      ...(this.#cache === undefined ? {} : { cache: this.#cache }),
      started_at: this.#startedAt,
      finished_at: now,
      ticket: this.#claims.ticket,
    };
  }
}
