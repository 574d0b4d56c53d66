/**
 * Carries what a node writes, in a chat or after a prompt, to the caller: a stream as a stream, written once for each read of the node; a body as a
 * body; a stream put together into a body where the caller asked for one. Throws a NodeError for anything but a whole
 * answer. The last byte goes out after the receipt is in the journal.
 */
import { toUnixSeconds } from '../shared/core/clock.ts';
import { fail } from '../shared/core/failure.ts';
import { CompletionCollector } from './collect-completion.ts';
import { countPieces } from './extractive/pieces.ts';
import type { JobRun } from './job-run.ts';
import { findObject, isJsonObject, type JsonObject } from './json-object.ts';
import { normaliseCompletion, type AnswerNames } from './normalise.ts';
import { StreamNormaliser } from './normalise-stream.ts';
import { NodeError, type TextAnswer, type InferenceNode } from './nodes/node.ts';
import { streamHeaders } from './send-failure.ts';
import { SilenceWatch } from './silence-watch.ts';
import { chatShape, completionShape, type TextShape } from './text-shapes.ts';

export async function answerText(
  run: JobRun,
  node: InferenceNode,
  body: JsonObject,
  answer: TextAnswer,
  /** Called with every read of the node's stream. */
  heard: () => void,
): Promise<void> {
  const { claims, operation } = run.job;
  const shape = operation === 'completions' ? completionShape : chatShape;
  const names = {
    id: `${shape.idPrefix}${claims.jti}`,
    created: toUnixSeconds(run.deps.clock.now()),
    model: claims.model,
  };
  const wantsStream = body['stream'] === true;
  if (answer.kind === 'body') {
    if (!wantsStream) return sendBody(run, node, answer.body, names, shape);
    throw new NodeError(
      'invalid',
      fail('upstream_invalid', undefined, { reason: 'a body where a stream was asked for' }),
    );
  }
  const includeUsage = wantsStream && findObject(body, 'stream_options')?.['include_usage'] === true;
  const pump = new Pump(run, new StreamNormaliser(names, includeUsage, shape), Number(body['max_tokens']), heard);
  if (wantsStream) await sendStream(run, node, answer.batches, pump);
  else await sendCollected(run, node, answer.batches, pump);
}

type Batches = AsyncIterable<readonly string[]>;

async function sendStream(run: JobRun, node: InferenceNode, batches: Batches, pump: Pump): Promise<void> {
  run.sink.startStream({ ...streamHeaders(run.job.claims.jti), ...run.answerHeaders(node) });
  await pump.run(batches, (chunks) => {
    let text = '';
    for (const chunk of chunks) text += `data: ${chunk}\n\n`;
    run.noteSaid(text);
    return run.sink.write(text);
  });
  const usage = pump.normaliser.formatUsage(run.meter.usage);
  const end = `${usage === undefined ? '' : `data: ${usage}\n\n`}data: [DONE]\n\n`;
  run.noteSaid(end);
  await run.settle('completed');
  void run.sink.write(end);
  run.sink.end();
}

async function sendCollected(run: JobRun, node: InferenceNode, batches: Batches, pump: Pump): Promise<void> {
  const collector = new CompletionCollector();
  await pump.run(batches, (chunks) => {
    for (const chunk of chunks) collector.add(chunk);
    return undefined;
  });
  await run.settleAndSend(node, collector.finish(run.meter.usage));
}

async function sendBody(
  run: JobRun,
  node: InferenceNode,
  given: unknown,
  names: AnswerNames,
  shape: TextShape,
): Promise<void> {
  const completion = normaliseCompletion(given, names, shape);
  if (!completion.ok) throw new NodeError('invalid', completion.failure);
  const { body, usage } = completion.value;
  run.meter.countNode(usage);
  if (!usage) run.meter.countDeltas(countProduced(body, shape));
  run.meter.markWhole();
  await run.settleAndSend(node, { ...body, usage: run.meter.usage });
}

/** The pieces of everything the model wrote. */
function countProduced(completion: JsonObject, { written }: TextShape): number {
  const count = (value: unknown): number => {
    if (typeof value === 'string') return countPieces(value);
    if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + count(item), 0);
    if (!isJsonObject(value)) return 0;
    return Object.entries(value).reduce((sum, [key, item]) => (key === 'role' ? sum : sum + count(item)), 0);
  };
  const choices = completion['choices'];
  return Array.isArray(choices) ? choices.reduce<number>((sum, each) => sum + count(written(each)), 0) : 0;
}

/** Sends chunks on; a promise where the receiver needs time. */
type Send = (chunks: readonly string[]) => Promise<void> | undefined;

/** Reads a node's stream to its end through the normaliser, watching for silence and for the limit of output. */
class Pump {
  readonly normaliser: StreamNormaliser;
  readonly #run: JobRun;
  readonly #limit: number;
  readonly #heard: () => void;
  /** The caller reads slowly: the node's silence is not its own. */
  #held = false;

  constructor(run: JobRun, normaliser: StreamNormaliser, limit: number, heard: () => void) {
    this.#run = run;
    this.normaliser = normaliser;
    this.#limit = limit;
    this.#heard = heard;
  }

  async run(batches: Batches, send: Send): Promise<void> {
    const { meter, stopped, deps } = this.#run;
    const watch = new SilenceWatch(
      deps.limits,
      () => this.#held,
      (reason) => this.#run.stop({ failure: fail('upstream_cut', undefined, { reason }), blamesNode: true }),
    );
    try {
      for await (const batch of batches) {
        watch.heard();
        const ended = await this.#pass(batch, send);
        if (this.normaliser.deltas > 0) this.#heard();
        this.#count();
        if (ended || stopped.aborted) break;
      }
    } finally {
      watch.end();
      this.#count();
    }
    if (stopped.aborted || !this.normaliser.isWhole) {
      throw new NodeError(
        'cut',
        fail('upstream_cut', undefined, { reason: 'the stream ended without a finish_reason' }),
      );
    }
    meter.markWhole();
  }

  #count(): void {
    this.#run.meter.countNode(this.normaliser.usage);
    this.#run.meter.countDeltas(Math.min(this.normaliser.deltas, this.#limit));
    if (this.normaliser.deltas > 0) this.#run.meter.noteToken(this.#run.deps.clock.now());
  }

  /** Sends what is good also when what follows it is not. True when the answer is over. */
  async #pass(batch: readonly string[], send: Send): Promise<boolean> {
    const chunks: string[] = [];
    let ended = false;
    let broken: unknown;
    try {
      for (const data of batch) {
        ended = data === '[DONE]' || this.#accept(data, chunks);
        if (ended) break;
      }
    } catch (error) {
      broken = error;
    }
    const waits = chunks.length > 0 ? send(chunks) : undefined;
    if (waits) {
      this.#held = true;
      await waits;
      this.#held = false;
    }
    if (broken !== undefined) throw broken;
    return ended;
  }

  /** A node that ignores its limit is stopped there, because the reservation covers no more. */
  #accept(data: string, chunks: string[]): boolean {
    const chunk = this.normaliser.accept(data);
    const over = this.normaliser.deltas > this.#limit;
    if (over) chunks.push(this.normaliser.formatLengthStop());
    else if (chunk !== undefined) chunks.push(chunk);
    return over;
  }
}
