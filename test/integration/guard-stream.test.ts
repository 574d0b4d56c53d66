/** What goes by the guard of a stream, inside workerd: every byte counted once, by whoever is to count it. */
import { expect, test } from 'vitest';
import { raw, readJsonReply, type BytesCountedBy } from '../../workers/http/reply.ts';
import { guardReply } from '../../workers/edge/guard-stream.ts';

const pieces = ['data: one\n\n', 'data: zwölf\n\n', 'data: [DONE]\n\n'];
const encoder = new TextEncoder();

function streamOf(texts: readonly string[], breaks = false): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < texts.length) controller.enqueue(encoder.encode(texts[at++]));
      else if (breaks) controller.error(new Error('cut'));
      else controller.close();
    },
  });
}

async function pass(stream: ReadableStream<Uint8Array>, countedBy?: BytesCountedBy) {
  let counted = 0;
  const reply = raw(new Response(stream, { headers: { 'content-type': 'text/event-stream' } }), countedBy);
  const guarded = guardReply(
    reply,
    () => () => {},
    (bytes) => (counted += bytes),
    () => {},
  );
  if (guarded.kind !== 'raw') throw new Error('not a stream');
  return { text: await guarded.response.text(), counted: () => counted };
}

test('a stream that the edge counts is counted to the byte, and passes as it is', async () => {
  const { text, counted } = await pass(streamOf(pieces));
  expect(text).toBe(pieces.join(''));
  expect(counted()).toBe(encoder.encode(pieces.join('')).byteLength);
});

test('a stream that its bridge counts is not counted again', async () => {
  const { text, counted } = await pass(streamOf(pieces), 'bridge');
  expect(text).toBe(pieces.join(''));
  expect(counted()).toBe(0);
});

test('a stream that breaks ends in an error, counted as far as it came', async () => {
  const { text, counted } = await pass(streamOf(pieces.slice(0, 2), true));
  expect(text.startsWith(pieces.slice(0, 2).join(''))).toBe(true);
  expect(text).toContain('upstream_cut');
  expect(counted()).toBe(encoder.encode(pieces.slice(0, 2).join('')).byteLength);
});

test('an answer that its bridge counts stays so when it is kept for its idempotency key', async () => {
  for (const countedBy of ['bridge', 'edge'] as const) {
    const kept = await readJsonReply(raw(Response.json({ id: 'chatcmpl-1' }), countedBy));
    expect(kept).toMatchObject({ ok: true, value: { kind: 'json', bytesCountedBy: countedBy } });
  }
});
