/**
 * Passes an answer that streams on, and ends it in words where it breaks or where its caller may no longer act: left
 * alone, the runtime would end it as if it were whole. The pipe runs inside the runtime; only where nobody else counts
 * the bytes do chunks come by here. Every route's stream goes this way, so a suspension ends them all.
 */
import { fail, type Failure } from '../../shared/core/failure.ts';
import { endingFrames } from '../../shared/core/sse.ts';
import { raw, type Reply } from '../http/reply.ts';

/** Called when the stream is over; `why` where it was cut off. */
export type OnStreamEnd = (why: Failure | undefined) => void;

/** Calls back once when the caller may no longer act; what it returns stops the watch. */
export type WatchCaller = (onFall: (why: Failure) => void) => () => void;

/** `count`: told of the bytes of each chunk that nobody else counts. */
export function guardReply(
  reply: Reply,
  watch: WatchCaller,
  count: (bytes: number) => void,
  onEnd: OnStreamEnd,
): Reply {
  if (reply.kind !== 'raw') return reply;
  const { body, headers, status } = reply.response;
  const type = headers.get('content-type') ?? '';
  if (!body || !(type.startsWith('text/event-stream') || type.startsWith('application/x-ndjson'))) return reply;
  const counted = reply.bytesCountedBy === 'edge' ? body.pipeThrough(counting(count)) : body;
  const guarded = guardStream(counted, watch, type.startsWith('text/event-stream'), onEnd);
  return raw(new Response(guarded, { status, headers }), reply.bytesCountedBy);
}

function counting(count: (bytes: number) => void): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      count(chunk.byteLength);
      controller.enqueue(chunk);
    },
  });
}

/** `tells`: a reader of events is told why; lines of JSON just break off. */
function guardStream(
  stream: ReadableStream<Uint8Array>,
  watch: WatchCaller,
  tells: boolean,
  onEnd: OnStreamEnd,
): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  void pass(stream, writable, watch, tells).then(onEnd);
  return readable;
}

async function pass(
  stream: ReadableStream<Uint8Array>,
  to: WritableStream<Uint8Array>,
  watch: WatchCaller,
  tells: boolean,
): Promise<Failure | undefined> {
  const abort = new AbortController();
  let why = fail('upstream_cut');
  const unwatch = watch((fallen) => {
    why = fallen;
    abort.abort();
  });
  try {
    await stream.pipeTo(to, { preventAbort: tells, signal: abort.signal });
    return undefined;
  } catch {
    // Where the reader has left there is nobody to tell, and nothing was cut off.
    if (!tells) return why;
    return await writeEnd(to, why).then(
      () => why,
      () => undefined,
    );
  } finally {
    unwatch();
  }
}

async function writeEnd(to: WritableStream<Uint8Array>, why: Failure): Promise<void> {
  const writer = to.getWriter();
  await writer.write(endingFrames(why));
  await writer.close();
}
