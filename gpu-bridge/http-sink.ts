/**
 * An answer sink over a node:http response. Writes go straight to the socket; a caller who reads slowly holds the node
 * back; silence on a stream is filled with keep-alive comments; a closed socket aborts `gone`.
 */
import type { ServerResponse } from 'node:http';
import { keepAliveFrame } from '../shared/core/sse.ts';
import type { AnswerSink, Headers } from './answer-sink.ts';

export class HttpSink implements AnswerSink {
  readonly #response: ServerResponse;
  readonly #keepAliveMs: number;
  readonly #gone = new AbortController();
  #keepAlive: NodeJS.Timeout | undefined;
  #drained: Promise<void> | undefined;

  constructor(response: ServerResponse, keepAliveMs: number) {
    this.#response = response;
    this.#keepAliveMs = keepAliveMs;
    response.on('close', () => {
      clearInterval(this.#keepAlive);
      if (!response.writableFinished) this.#gone.abort();
    });
    response.on('error', () => this.#gone.abort());
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  sendJson(status: number, body: string, headers: Headers): void {
    if (this.#response.destroyed || this.started) return;
    const bytes = Buffer.from(body);
    this.#response.writeHead(status, {
      'content-type': 'application/json',
      ...headers,
      'content-length': bytes.length,
    });
    this.#response.end(bytes);
  }

  startStream(headers: Headers): void {
    if (this.#response.destroyed || this.started) return;
    this.#response.writeHead(200, { ...headers });
    this.#response.flushHeaders();
    this.#keepAlive = setInterval(() => {
      if (!this.#response.writableNeedDrain) this.#response.write(keepAliveFrame);
    }, this.#keepAliveMs);
  }

  write(text: string): Promise<void> | undefined {
    if (this.#response.destroyed) return undefined;
    this.#keepAlive?.refresh();
    if (this.#response.write(text)) return undefined;
    this.#drained ??= this.#waitForDrain();
    return this.#drained;
  }

  #waitForDrain(): Promise<void> {
    return new Promise((resolve) => {
      const onReady = () => {
        this.#response.off('drain', onReady);
        this.#response.off('close', onReady);
        this.#drained = undefined;
        resolve();
      };
      this.#response.on('drain', onReady);
      this.#response.on('close', onReady);
    });
  }

  end(): void {
    clearInterval(this.#keepAlive);
    this.#response.end();
  }
}
