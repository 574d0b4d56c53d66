/**
 * The byte stream of an event log for one listener. It is pulled: a slow reader holds a place in the log, never a
 * growing buffer. Silence is filled with comments, so that no proxy takes the connection for dead.
 */
import { keepAliveFrame } from '../../shared/core/sse.ts';

export type FrameSource = {
  readonly isOver: boolean;
  read(from: number): readonly string[];
  changed(): Promise<void>;
};

/** Turns stored frames (JSON of one event each) into the text of a protocol's stream. */
export type FrameEncoder = (frame: string) => string;

/** Also how soon a reader who left a silent stream is noticed: the runtime learns it by writing. */
const KeepAliveMs = 5_000;
const encoder = new TextEncoder();

/** The Responses API's own form; every frame starts with its `type`. */
export const encodeResponseFrame: FrameEncoder = (frame) => {
  const start = '{"type":"'.length;
  return `event: ${frame.slice(start, frame.indexOf('"', start))}\ndata: ${frame}\n\n`;
};

export function streamFrames(
  source: FrameSource,
  from: number,
  encode: FrameEncoder,
  onLeave: () => void = () => {},
): ReadableStream<Uint8Array> {
  let next = from;
  return new ReadableStream<Uint8Array>({
    type: 'bytes' as '',
    async pull(controller) {
      for (;;) {
        const frames = source.read(next);
        const over = source.isOver;
        if (frames.length > 0) {
          next += frames.length;
          const text = frames.map(encode).join('');
          if (text === '') continue;
          controller.enqueue(encoder.encode(text));
          return;
        }
        if (over) {
          controller.close();
          return;
        }
        if (!(await changedWithin(source, KeepAliveMs))) {
          controller.enqueue(encoder.encode(keepAliveFrame));
          return;
        }
      }
    },
    cancel: onLeave,
  });
}

async function changedWithin(source: FrameSource, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([source.changed().then(() => true), silence]);
  } finally {
    clearTimeout(timer);
  }
}
