/**
 * Searches what was said in a turn for memories, once its response has completed: a model finds them, the agent's gate
 * judges them. A duty of the conversation's alarm, planned in the transaction that ends the turn; the run on the model is
 * admitted and metered like every other, for the principal whose turn it was.
 */
import { computeBackoffMs } from '../../shared/core/backoff.ts';
import { mintId } from '../../shared/core/ids.ts';
import { describeError } from '../../shared/core/log.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { readSse } from '../../shared/core/sse.ts';
import type { ChatCompletionChunk } from '../../shared/contracts/chat-completions.ts';
import { ExtractiveModel } from '../../shared/contracts/inference.ts';
import { createMemory, type NewMemory, type WriteOutcome } from '../../shared/contracts/memories.ts';
import type { Response as ResponseBody } from '../../shared/contracts/responses.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';
import type { ConversationStore } from './conversation-store.ts';
import { askForMemories, listSaid, readFindings } from './extraction.ts';
import type { ExtractionStore } from './extraction-store.ts';
import { askModel, type ModelWays } from './model-call.ts';

export type ExtractionWays = ModelWays & {
  writeMemories(start: TurnStart, memories: readonly NewMemory[]): Promise<Result<WriteOutcome[]>>;
};

const MaxAttempts = 6;
const backoff = { baseMs: 5_000, capMs: 10 * 60_000 };
const TimeoutMs = 60_000;
const MaxOutputTokens = 1_024;
/** Found by a model, not said by anybody in these words. */
const Confidence = 0.8;

export class MemoryExtractor {
  readonly #ways: ExtractionWays;
  readonly #store: ExtractionStore;
  readonly #conversation: ConversationStore;

  constructor(ways: ExtractionWays, store: ExtractionStore, conversation: ConversationStore) {
    this.#ways = ways;
    this.#store = store;
    this.#conversation = conversation;
  }

  /** In the transaction that ends the turn. What nobody asked to store is not searched either. */
  plan({ agent, responseId, input }: TurnStart, { status, store }: ResponseBody): void {
    const wanted = agent?.definition.memory?.extract === true && status === 'completed' && store;
    if (wanted && input.kind === 'items') this.#store.plan(responseId, this.#ways.clock.now());
  }

  dueAt(): number | undefined {
    return this.#store.nextDueAt();
  }

  /** The next one that is due. Never throws: what fails comes back later, and not for ever. */
  async run(): Promise<void> {
    const now = this.#ways.clock.now();
    const planned = this.#store.due(now);
    if (!planned) return;
    const { responseId, attempts } = planned;
    const turn = this.#conversation.findResponse(responseId);
    const done = turn ? await this.#extract(turn.start, planned.found) : ok();
    if (done.ok || attempts + 1 >= MaxAttempts) this.#store.delete(responseId);
    else this.#store.tryAgainAt(responseId, now + computeBackoffMs(attempts, { ...backoff, random: Math.random }));
    if (!done.ok) {
      const { code, message, reason } = done.failure;
      const event = { level: 'warn', event: 'extraction_failed', response: responseId, attempts, code };
      console.error(JSON.stringify({ ...event, reason: reason ?? message }));
    }
  }

  async #extract(start: TurnStart, found: readonly NewMemory[] | null): Promise<Result<unknown>> {
    try {
      const asked = found ? ok(found) : await this.#find(start);
      if (!asked.ok || asked.value.length === 0) return asked;
      return await this.#ways.writeMemories(start, asked.value);
    } catch (error) {
      return err('internal_error', undefined, { reason: describeError(error) });
    }
  }

  async #find(start: TurnStart): Promise<Result<readonly NewMemory[]>> {
    const said = listSaid(this.#conversation.itemsOf(start.responseId, 'input'));
    if (said.length === 0) return ok([]);
    const route = await this.#ways.findRoute(start, start.model);
    if (!route.ok) return route;
    // It quotes; it cannot say what is worth remembering.
    if (route.value.model.id === ExtractiveModel) return ok([]);
    const answer = await askModel(this.#ways, {
      start: { ...start, sampling: { temperature: 0 }, timeoutMs: TimeoutMs },
      messages: askForMemories(said, start.agent?.definition.memory_schema),
      tools: [],
      isFirst: false,
      maxOutputTokens: MaxOutputTokens,
      lane: 'batch',
      patienceMs: 0,
      signal: AbortSignal.timeout(TimeoutMs),
      degraded: () => {},
      mayAsk: () => Promise.resolve(true),
    });
    if (!answer.ok) return answer;
    const text = await readText(answer.value);
    if (!text.ok) return text;
    const found = readFindings(text.value, said).map((finding) => this.#toMemory(start, finding));
    return ok(this.#store.keepFound(start.responseId, found) ? found : []);
  }

  #toMemory({ principal }: TurnStart, { item, kind, text }: ReturnType<typeof readFindings>[number]): NewMemory {
    const source = { type: 'conversation', ref: item };
    const visitor = principal.kind === 'visitor' ? principal.id : null;
    return {
      ...createMemory.parse({ text, kind, source, visitor, confidence: Confidence }),
      id: mintId('memory', this.#ways.clock.now()),
      author: principal.id,
    };
  }
}

async function readText(answer: Response | undefined): Promise<Result<string>> {
  if (!answer?.body) return err('upstream_cut');
  let text = '';
  for await (const { data } of readSse(answer.body as unknown as AsyncIterable<Uint8Array>)) {
    if (data === '[DONE]') return ok(text);
    const chunk = JSON.parse(data) as ChatCompletionChunk & { readonly error?: { readonly message: string } };
    if (chunk.error) return err('upstream_cut', chunk.error.message);
    text += chunk.choices[0]?.delta.content ?? '';
  }
  return err('upstream_cut');
}
