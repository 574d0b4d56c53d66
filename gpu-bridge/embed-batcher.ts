/**
 * Embeddings that are asked for while a node is at work are sent to it as one call. Nothing waits for company: a job that
 * comes to an idle node goes at once. Each job gets its own vectors back and its share of the tokens, and the shares add
 * up to what the node counted; an answer that does not say which vector is whose is nobody's.
 */
import { fail } from '../shared/core/failure.ts';
import { countPieces } from './extractive/pieces.ts';
import { findCount, isJsonObject, type JsonObject } from './json-object.ts';
import { NodeError, type InferenceNode, type NodeCall } from './nodes/node.ts';

const MaxCallsAtOnce = 2;
const MaxTexts = 256;
const MaxLength = 500_000;

type Member = {
  readonly texts: readonly string[];
  readonly body: JsonObject;
  readonly call: NodeCall;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
};

export class EmbedBatcher {
  readonly #node: Pick<InferenceNode, 'embed'>;
  /** By all of the body but its texts. */
  readonly #lines = new Map<string, { running: number; waiting: Member[] }>();

  constructor(node: Pick<InferenceNode, 'embed'>) {
    this.#node = node;
  }

  embed(body: JsonObject, call: NodeCall): Promise<unknown> {
    const texts = findTexts(body['input']);
    if (!texts) return this.#node.embed(body, call);
    const { input: _, ...rest } = body;
    const key = JSON.stringify(rest);
    const line = this.#lines.get(key) ?? { running: 0, waiting: [] };
    this.#lines.set(key, line);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const onAbort = () => reject(call.signal.reason);
    call.signal.addEventListener('abort', onAbort);
    line.waiting.push({ texts, body, call, resolve, reject });
    this.#send(key);
    return promise.finally(() => call.signal.removeEventListener('abort', onAbort));
  }

  #send(key: string): void {
    const line = this.#lines.get(key);
    if (!line) return;
    line.waiting = line.waiting.filter((each) => !each.call.signal.aborted);
    if (line.waiting.length === 0 && line.running === 0) this.#lines.delete(key);
    if (line.waiting.length === 0 || line.running >= MaxCallsAtOnce) return;
    const members = line.waiting.splice(0, countFitting(line.waiting));
    line.running++;
    void this.#serve(members).finally(() => {
      line.running--;
      this.#send(key);
    });
  }

  async #serve(members: readonly Member[]): Promise<void> {
    const [only] = members;
    if (only && members.length === 1) return this.#serveAlone(only);
    try {
      const answer = await this.#callFor(members);
      splitAnswer(members, answer).forEach((part, at) => members[at]!.resolve(part));
    } catch (error) {
      // Whose text it was that the node refused, only a call of its own can tell.
      const isRefused = error instanceof NodeError && error.kind === 'rejected';
      if (isRefused) await Promise.all(members.map((member) => this.#serveAlone(member)));
      else for (const member of members) member.reject(error);
    }
  }

  #serveAlone(member: Member): Promise<void> {
    return this.#node.embed(member.body, member.call).then(member.resolve, member.reject);
  }

  /** The call goes on as long as anybody wants its answer. */
  async #callFor(members: readonly Member[]): Promise<unknown> {
    const [first] = members;
    const stop = new AbortController();
    const onAbort = () => {
      if (members.every(({ call }) => call.signal.aborted)) stop.abort(first?.call.signal.reason);
    };
    for (const { call } of members) call.signal.addEventListener('abort', onAbort);
    try {
      const body = { ...first?.body, input: members.flatMap(({ texts }) => texts) };
      return await this.#node.embed(body, {
        signal: stop.signal,
        run: `batch-${first?.call.run}`,
        created: first?.call.created ?? 0,
      });
    } finally {
      for (const { call } of members) call.signal.removeEventListener('abort', onAbort);
    }
  }
}

/** Undefined for tokens and whatever else is not text: such a job goes alone. */
function findTexts(input: unknown): readonly string[] | undefined {
  const texts: readonly unknown[] = Array.isArray(input) ? input : [input];
  return texts.length > 0 && texts.every((text) => typeof text === 'string') ? texts : undefined;
}

/** How many of the first members fit into one call; at least one. */
function countFitting(waiting: readonly Member[]): number {
  let [texts, length, count] = [0, 0, 0];
  for (const member of waiting) {
    texts += member.texts.length;
    length += member.texts.reduce((sum, text) => sum + text.length, 0);
    if (count > 0 && (texts > MaxTexts || length > MaxLength)) break;
    count++;
  }
  return count;
}

function splitAnswer(members: readonly Member[], answer: unknown): object[] {
  const vectors = readVectors(answer, members.flatMap(({ texts }) => texts).length);
  const promptTokens = findCount(isJsonObject(answer) ? answer['usage'] : undefined, 'prompt_tokens');
  const weights = members.map(({ texts }) => texts.reduce((sum, text) => sum + countPieces(text), 0));
  const shares = promptTokens === undefined ? undefined : shareTokens(promptTokens, weights);
  let at = 0;
  return members.map(({ texts }, member) => ({
    object: 'list',
    data: texts.map((_, index) => ({ object: 'embedding', index, embedding: vectors[at++] })),
    ...(shares ? { usage: { prompt_tokens: shares[member], total_tokens: shares[member] } } : {}),
  }));
}

/** The vectors in the order of the texts: every one there, once, under its own index. */
function readVectors(answer: unknown, count: number): unknown[] {
  const data: readonly unknown[] = isJsonObject(answer) && Array.isArray(answer['data']) ? answer['data'] : [];
  const vectors = new Map<unknown, unknown>(
    data.map((item) => (isJsonObject(item) ? [item['index'], item['embedding']] : [undefined, undefined])),
  );
  const ordered = Array.from({ length: count }, (_, index) => vectors.get(index));
  if (data.length === count && !ordered.includes(undefined)) return ordered;
  throw new NodeError('invalid', fail('upstream_invalid', undefined, { reason: 'not one vector for each text' }));
}

/** Shares by weight in whole tokens that add up to the total: what is over goes to the largest remainders. */
export function shareTokens(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const exact = weights.map((weight) => (sum === 0 ? total / weights.length : (total * weight) / sum));
  const shares = exact.map(Math.floor);
  const left = total - shares.reduce((all, share) => all + share, 0);
  const byRemainder = exact
    .map((share, at) => ({ at, remainder: share - Math.floor(share) }))
    .sort((one, other) => other.remainder - one.remainder || one.at - other.at);
  for (const { at } of byRemainder.slice(0, left)) shares[at]!++;
  return shares;
}
