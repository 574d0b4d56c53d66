/**
 * An answer sink whose answer goes through the tunnel: one body, or a stream of texts. What is written in one turn of the
 * event loop travels as one piece; a caller who reads slowly holds the node back; silence is filled with comments.
 */
import { setImmediate } from 'node:timers/promises';
import { keepAliveFrame } from '../shared/core/sse.ts';
import { toTunnelBody, type TunnelAnswer } from '../shared/contracts/tunnel.ts';
import type { AnswerSink, Headers } from './answer-sink.ts';

const HighWaterLength = 64 * 1024;
/** Nobody reads it. */
const ClientGone = 499;

export class TunnelSink implements AnswerSink {
  /** Status and headers with what follows; resolves once there is something to say. */
  readonly answer: Promise<TunnelAnswer>;
  readonly #resolve: (answer: TunnelAnswer) => void;
  readonly #keepAliveMs: number;
  readonly #gone = new AbortController();
  #keepAlive: NodeJS.Timeout | undefined;
  #started = false;
  #ended = false;
  #text = '';
  /** Set while the reader waits for text. */
  #wake: (() => void) | undefined;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(keepAliveMs: number) {
    this.#keepAliveMs = keepAliveMs;
    const { promise, resolve } = Promise.withResolvers<TunnelAnswer>();
    this.answer = promise;
    this.#resolve = resolve;
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get started(): boolean {
    return this.#started;
  }

  /** The caller has left, or the tunnel has broken. */
  leave(): void {
    if (this.#ended) return;
    this.#close();
    this.#gone.abort();
    this.#resolve({ status: ClientGone, headers: {}, body: '' });
  }

  sendJson(status: number, body: string, headers: Headers): void {
    if (this.#started || this.gone.aborted) return;
    this.#started = true;
    this.#close();
    const answer = { 'content-type': 'application/json', ...headers };
    this.#resolve({ status, headers: answer, body: toTunnelBody(body) });
  }

  startStream(headers: Headers): void {
    if (this.#started || this.gone.aborted) return;
    this.#started = true;
    this.#keepAlive = setInterval(() => {
      if (this.#text === '') void this.write(keepAliveFrame);
    }, this.#keepAliveMs);
    const body = new ReadableStream<string>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.leave() },
      { highWaterMark: 0 },
    );
    this.#resolve({ status: 200, headers, body });
  }

  write(text: string): Promise<void> | undefined {
    if (this.#ended) return undefined;
    this.#keepAlive?.refresh();
    this.#text += text;
    this.#wake?.();
    if (this.#text.length < HighWaterLength) return undefined;
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  end(): void {
    this.#close();
  }

  async #pull(controller: ReadableStreamDefaultController<string>): Promise<void> {
    if (this.#text === '' && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
      await setImmediate();
    }
    if (this.gone.aborted) return;
    if (this.#text !== '') controller.enqueue(this.#text);
    else if (this.#ended) controller.close();
    this.#text = '';
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #close(): void {
    this.#ended = true;
    clearInterval(this.#keepAlive);
    this.#drained?.resolve();
    this.#wake?.();
  }
}
