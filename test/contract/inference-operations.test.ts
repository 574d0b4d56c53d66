/**
 * What there is besides chats and embeddings, asked for by OpenAI's own client, through the tunnel, of one node that does
 * it all: every one is admitted, answered in its own shape, and in the ledger in its own unit.
 */
import { toFile, type OpenAI } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CacheHeader } from '../../shared/contracts/inference.ts';
import { makeWav } from '../support/make-wav.ts';
import { PlainModel, startPlatformWithNode, type PlatformWithNode } from '../support/platform-with-node.ts';

let world: PlatformWithNode;
let client: OpenAI;

type Row = { readonly sku: string; readonly quantity: number; readonly cost_micros: number };

beforeAll(async () => {
  world = await startPlatformWithNode({
    transport: 'tunnel',
    script: { models: [PlainModel, 'bge-reranker', 'whisper-1', 'kokoro', 'tokens'] },
    operations: { tokens: ['tokenize'] },
  });
  client = world.platform.openai(world.tenant);
});
afterAll(() => world.stop());

function call(path: string, body: object): Promise<unknown> {
  return world.platform.client(world.tenant).require('POST', path, body);
}

describe('by the official client', () => {
  test('a completion is one text, as a body and as a stream', async () => {
    const whole = await client.completions.create({ model: PlainModel, prompt: 'Say', max_tokens: 2 });
    expect(whole.choices[0]?.text).toBe('one two');
    const stream = await client.completions.create({ model: PlainModel, prompt: 'Say', max_tokens: 9, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
    expect(text).toBe('one two three four five');
  });

  test('a file is transcribed, as JSON and as text', async () => {
    const file = () => toFile(makeWav(2_500), 'a.wav', { type: 'audio/wav' });
    const written = await client.audio.transcriptions.create({
      model: 'whisper-1',
      file: await file(),
      temperature: 0.2,
    });
    expect(written.text).toBe('hello there');
    const sent = world.node.requests.at(-1)!.body;
    expect(sent).toMatchObject({ model: 'whisper-1', temperature: '0.2' });
    expect(sent['file']).toMatchObject({ name: 'a.wav', type: 'audio/wav', size: 44 + 2_500 * 32 });
    const text = await client.audio.transcriptions.create({
      model: 'whisper-1',
      file: await file(),
      response_format: 'text',
    });
    expect(text).toBe('hello there');
  });

  test('a text is spoken, byte for byte as the node spoke it', async () => {
    const spoken = await client.audio.speech.create({ model: 'kokoro', input: 'Hello', voice: 'af_heart' });
    expect(spoken.headers.get('content-type')).toBe('audio/mpeg');
    expect([...new Uint8Array(await spoken.arrayBuffer())]).toEqual([0xff, 0xfb, 0, 0x80]);
  });

  test('a model that is not for it is refused as a 400 that says what it is for', async () => {
    const refused = client.audio.speech.create({ model: PlainModel, input: 'Hello', voice: 'x' });
    await expect(refused).rejects.toMatchObject({ status: 400, code: 'unsupported_parameter', param: 'model' });
    await expect(refused).rejects.toThrow('it serves chat, completions');
  });
});

test('texts are ordered for a query, and tokens told', async () => {
  const ranked = await call('/v1/rerank', { model: 'bge-reranker', query: 'q', documents: ['a', 'b'], top_n: 1 });
  expect(ranked).toMatchObject({ object: 'rerank', results: [{ index: 0 }], usage: { total_tokens: 9 } });
  expect(await call('/v1/tokenize', { model: 'tokens', prompt: 'abc' })).toMatchObject({ count: 3, tokens: [0, 1, 2] });
});

test('an answer that may be an earlier one is, where the caller asks for it, and says so', async () => {
  const asked = { model: PlainModel, prompt: 'Again', max_tokens: 2, temperature: 0 };
  const ask = () => client.completions.create(asked, { headers: { [CacheHeader]: '1' } }).withResponse();
  const [first, again] = [await ask(), await ask()];
  expect([first, again].map(({ response }) => response.headers.get(CacheHeader))).toEqual(['miss', 'hit']);
  expect(again.data).toEqual(first.data);
});

test('each of them is in the ledger, in the unit of its kind', async () => {
  await world.settle();
  const usage = await world.platform.client(world.tenant).require<{ data: Row[] }>('GET', '/v1/usage?group_by=sku');
  const bySku = Object.fromEntries(usage.data.map(({ sku, quantity, cost_micros: cost }) => [sku, [quantity, cost]]));
  // Priced for a million of each: the input 100,000 micros, the output 400,000; every run is rounded up.
  expect(bySku).toMatchObject({
    input_tokens: [7 + 7 + 9 + 0 + 7, expect.any(Number)],
    output_tokens: [2 + 5 + 2, expect.any(Number)],
    audio_seconds: [2_500 + 2_500, 250 + 250],
    speech_characters: [5, 1],
  });
});
