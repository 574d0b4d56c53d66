/**
 * Where an answer goes, free of any transport: one body, or a stream of server-sent events. `gone` aborts when the
 * caller leaves before the end. A stream is only ever ended on purpose: with `[DONE]`, or after an error event.
 */
export type Headers = Readonly<Record<string, string>>;

export type AnswerSink = {
  readonly gone: AbortSignal;
  /** Whether the status has been sent. */
  readonly started: boolean;
  sendJson(status: number, body: string, headers: Headers): void;
  /** Sends status 200 and the headers now; from here on silence is filled with comments. */
  startStream(headers: Headers): void;
  /** Undefined while the caller keeps up; else resolves when it has, or is gone. */
  write(text: string): Promise<void> | undefined;
  end(): void;
};
