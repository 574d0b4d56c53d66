/**
 * The `data` payloads of an event stream, from bytes in any slices. A read that holds whole frames of one `data:` line
 * each, as every inference server sends them, is split directly; anything else goes through the full parser.
 */
import { SseParser } from '../../shared/core/sse.ts';

export class SseFrameReader {
  readonly #decoder = new TextDecoder();
  readonly #parser = new SseParser();
  /** The full parser holds the beginning of a frame. */
  #inside = false;

  push(bytes: Uint8Array): string[] {
    const text = this.#decoder.decode(bytes, { stream: true });
    if (!this.#inside && text.endsWith('\n\n')) {
      const frames = splitFrames(text);
      if (frames) return frames;
    }
    if (text !== '') this.#inside = !text.endsWith('\n\n');
    return this.#parser.push(text).map((event) => event.data);
  }
}

function splitFrames(text: string): string[] | undefined {
  if (text.includes('\r')) return undefined;
  const frames: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n\n', start);
    if (!text.startsWith('data: ', start)) return undefined;
    const frame = text.slice(start + 6, end);
    if (frame.includes('\n')) return undefined;
    frames.push(frame);
    start = end + 2;
  }
  return frames;
}
