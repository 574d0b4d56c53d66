/**
 * Passes a bridge's event stream on, and tells its reader when it breaks: left alone, the runtime would end the answer as
 * if it were whole. The pipe runs inside the runtime; no chunk of it comes by here.
 */
import { fail, toErrorObject } from '../../../shared/core/failure.ts';
import { encodeSse } from '../../../shared/core/sse.ts';

/** Ends the frame that may have been cut in its middle. */
const frameEnd = new TextEncoder().encode('\n\n');

export function guardStream(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  void pass(stream, writable);
  return readable;
}

async function pass(stream: ReadableStream<Uint8Array>, to: WritableStream<Uint8Array>): Promise<void> {
  try {
    await stream.pipeTo(to, { preventAbort: true });
  } catch {
    await writeCut(to).catch(() => {
      // The reader has left: there is nobody to tell.
    });
  }
}

async function writeCut(to: WritableStream<Uint8Array>): Promise<void> {
  const writer = to.getWriter();
  await writer.write(frameEnd);
  await writer.write(encodeSse({ data: JSON.stringify({ error: toErrorObject(fail('upstream_cut')) }) }));
  await writer.close();
}
