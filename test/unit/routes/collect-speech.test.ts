/** Speech put together at the edge: whole, or a failure. */
import { describe, expect, test } from 'vitest';
import { formatSpeech, SpeechDone } from '../../../shared/contracts/audio.ts';
import { cutFrames, keepAliveFrame } from '../../../shared/core/sse.ts';
import { collectSpeech } from '../../../workers/routes/inference/collect-speech.ts';

const one = Buffer.from([0, 255, 10]);
const two = Buffer.from([13, 10, 0]);
const said = formatSpeech(one) + keepAliveFrame + formatSpeech(two);

/** The text in slices of seven bytes, and an error after them where `breaks`. */
function answer(text: string, breaks = false): Response {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, (at += 7)));
      else if (breaks) controller.error(new Error('reset'));
      else controller.close();
    },
  });
  return new Response(body);
}

describe('speech as one audio', () => {
  test('is every byte of its events, with its length and the type that was asked for', async () => {
    const collected = await collectSpeech(answer(said + SpeechDone), 'audio/wav');
    if (!collected.ok || collected.value.kind !== 'raw') throw new Error('no audio');
    const { headers } = collected.value.response;
    expect([headers.get('content-type'), headers.get('content-length')]).toEqual(['audio/wav', '6']);
    expect([...new Uint8Array(await collected.value.response.arrayBuffer())]).toEqual([...one, ...two]);
  });

  const failing = `${said}data: {"error":{"message":"No disk.","type":"server_error","code":"service_unavailable","param":null}}\n\n`;
  test.each([
    ['ends without its last event', answer(said), 'upstream_cut'],
    ['breaks off', answer(said, true), 'upstream_cut'],
    ['says that it was cut', answer(said + new TextDecoder().decode(cutFrames)), 'upstream_cut'],
    ['says why it failed', answer(failing), 'service_unavailable'],
    ['is no events', answer('data: hello\n\n'), 'upstream_cut'],
    ['has no body', new Response(), 'upstream_cut'],
  ])('that %s is a failure', async (_, given, code) => {
    expect(await collectSpeech(given, 'audio/mpeg')).toMatchObject({ ok: false, failure: { code } });
  });
});
