/**
 * Server-sent events (WHATWG HTML, "Server-sent events"): formatting, and a parser that takes bytes in any slices.
 */
import { fail, toErrorObject, type Failure } from './failure.ts';

export type ServerSentEvent = { readonly event?: string; readonly data: string; readonly id?: string };

const encoder = new TextEncoder();

/** One frame. `data` must hold no line break, which JSON.stringify guarantees. */
export function formatSse(event: ServerSentEvent): string {
  return `${event.event === undefined ? '' : `event: ${event.event}\n`}${event.id === undefined ? '' : `id: ${event.id}\n`}data: ${event.data}\n\n`;
}

export function encodeSse(event: ServerSentEvent): Uint8Array {
  return encoder.encode(formatSse(event));
}

/**
 * What follows when a stream breaks: an end of the frame that may have been cut in its middle, and the error. Left alone,
 * a runtime may end the answer as if it were whole.
 */
export function endingFrames(why: Failure): Uint8Array {
  return encoder.encode(`\n\n${formatSse({ data: JSON.stringify({ error: toErrorObject(why) }) })}`);
}

export const cutFrames = endingFrames(fail('upstream_cut'));

export const keepAliveFrame = ': keep-alive\n\n';

/** Feed text in any slices, get whole events out. Comments are dropped; `\r\n`, `\r` and `\n` all end a line. */
export class SseParser {
  #rest = '';
  #hasReturn = false;
  #data: string[] = [];
  #event: string | undefined;
  #id: string | undefined;

  push(text: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    this.#rest += text;
    this.#hasReturn = this.#rest.includes('\r');
    let start = 0;
    for (;;) {
      const end = this.#findLineEnd(start);
      if (end < 0) break;
      const line = this.#rest.slice(start, end);
      start = this.#rest[end] === '\r' && this.#rest[end + 1] === '\n' ? end + 2 : end + 1;
      const event = this.#takeLine(line);
      if (event) events.push(event);
    }
    this.#rest = this.#rest.slice(start);
    return events;
  }

  /** A lone `\r` at the very end may be half of `\r\n`: wait for what follows. */
  #findLineEnd(from: number): number {
    const lf = this.#rest.indexOf('\n', from);
    const cr = this.#hasReturn ? this.#rest.indexOf('\r', from) : -1;
    if (cr >= 0 && (lf < 0 || cr < lf)) return cr === this.#rest.length - 1 ? -1 : cr;
    return lf;
  }

  #takeLine(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#takeEvent();
    if (line.startsWith(':')) return undefined;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id') this.#id = value;
    return undefined;
  }

  #takeEvent(): ServerSentEvent | undefined {
    const event =
      this.#data.length === 0
        ? undefined
        : {
            data: this.#data.join('\n'),
            ...(this.#event === undefined ? {} : { event: this.#event }),
            ...(this.#id === undefined ? {} : { id: this.#id }),
          };
    this.#data = [];
    this.#event = undefined;
    return event;
  }
}

/** The events of a byte stream. Ends when the stream ends; an unfinished last frame is dropped, as the standard says. */
export async function* readSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  const parser = new SseParser();
  for await (const bytes of body) yield* parser.push(decoder.decode(bytes, { stream: true }));
}
