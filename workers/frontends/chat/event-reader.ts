/** Server-sent events of a response: text in any slices in, whole events out (WHATWG HTML, "Server-sent events"). */
import { PlatformError } from './platform-error.ts';
import type { StreamEvent } from './turn.ts';

const SilenceMs = 45_000;

export class EventReader {
  #rest = '';
  #data: string[] = [];

  push(text: string): StreamEvent[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const events: StreamEvent[] = [];
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line.startsWith('data:')) this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
      else if (line === '' && this.#data.length > 0) {
        events.push(JSON.parse(this.#data.join('\n')) as StreamEvent);
        this.#data = [];
      }
    }
    return events;
  }
}

/** The events of a stream. Ends where the connection ends, breaks, or stays silent for longer than a keep-alive takes. */
export async function* readEvents(response: Response): AsyncGenerator<StreamEvent> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  const events = new EventReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      const silence = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new PlatformError('lost')), SilenceMs);
      });
      const { done, value } = await Promise.race([reader.read(), silence]);
      clearTimeout(timer);
      if (done) return;
      yield* events.push(decoder.decode(value, { stream: true }));
    }
  } catch (error) {
    throw error instanceof PlatformError ? error : new PlatformError('lost');
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
}
