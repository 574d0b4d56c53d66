/** What a node can do besides chats and embeddings: forwarded in its own words, checked, and metered in its own units. */
import { describe, expect, it } from 'vitest';
import { completion } from '../../../shared/contracts/completions.ts';
import { operationPaths, type JobOperation, type Receipt } from '../../../shared/contracts/inference.ts';
import { rerankResponse } from '../../../shared/contracts/rerank.ts';
import { mintId } from '../../../shared/core/ids.ts';
import {
  readEvents,
  startFakeNode,
  startHarness,
  startWithFake,
  type BridgeHarness,
} from '../../support/bridge-harness.ts';
import { makeWav } from '../../support/make-wav.ts';

type Asked = { readonly status: number; readonly text: string; readonly receipt: Receipt };

async function ask(harness: BridgeHarness, operation: JobOperation, body: Record<string, unknown>): Promise<Asked> {
  const run = mintId('run', Date.now());
  const writes = operation === 'chat' || operation === 'completions';
  const claims = { operation, model: String(body['model']), max_output_tokens: writes ? 100 : 0, jti: run };
  const answer = await harness.post(operationPaths[operation], body, await harness.token(claims));
  return { ...answer, receipt: await harness.platform.waitForReceipt(run) };
}

describe('a completion', () => {
  it('is one text, streamed or whole, with the count of the node', async () => {
    const { harness, node } = await startWithFake();
    const whole = await ask(harness, 'completions', { model: 'tiny', prompt: 'Say', max_tokens: 3 });
    expect(completion.parse(JSON.parse(whole.text))).toMatchObject({
      id: 'chatcmpl-fake',
      choices: [{ text: 'one two three', finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 3 },
    });
    expect(whole.receipt).toMatchObject({ operation: 'completions', input_tokens: 7, output_tokens: 3 });
    const streamed = await ask(harness, 'completions', { model: 'tiny', prompt: [1, 2], stream: true });
    const { chunks, done } = readEvents(streamed.text);
    const texts = chunks.flatMap((chunk) => chunk['choices'] as { text: string; delta?: object }[]);
    expect(texts.map(({ text }) => text).join('')).toBe('one two three four five');
    expect(chunks.every((chunk) => chunk['object'] === 'text_completion')).toBe(true);
    expect(texts.every((choice) => !('delta' in choice))).toBe(true);
    expect(done).toBe(true);
    expect(streamed.receipt.output_tokens).toBe(5);
    expect(node.requests.map(({ path }) => path)).toEqual(['/v1/completions', '/v1/completions']);
    expect(node.requests[1]?.body).toMatchObject({ max_tokens: 100, stream_options: { include_usage: true } });
  });

  it('that a node writes on and on is stopped at its limit', async () => {
    const { harness } = await startWithFake({ ignoreLimit: true });
    const { text, receipt } = await ask(harness, 'completions', {
      model: 'tiny',
      prompt: 'Say',
      max_tokens: 2,
      stream: true,
    });
    const choices = readEvents(text).chunks.flatMap((chunk) => chunk['choices'] as { finish_reason: unknown }[]);
    expect(choices.at(-1)).toMatchObject({ text: '', finish_reason: 'length' });
    expect(receipt.output_tokens).toBe(2);
  });

  it.each([
    { prompt: ['one', 'two'] },
    { prompt: [[1], [2]] },
    { prompt: '' },
    { prompt: 'a', echo: true },
    { prompt: 'a', n: 2 },
    { prompt: 'a', best_of: 2 },
  ])('that would produce more than one text is refused: %j', async (body) => {
    const { harness, node } = await startWithFake();
    expect((await ask(harness, 'completions', { model: 'tiny', ...body })).status).toBe(400);
    expect(node.requests).toEqual([]);
  });
});

describe('reranking', () => {
  const documents = ['b', 'a', 'c'];
  const model = 'bge-reranker';

  it('gives the most relevant first, no more than were asked for, and counts what was read', async () => {
    const scores = [0.1, 0.9, 0.5];
    const results = scores.map((relevance_score, index) => ({ index, relevance_score }));
    const { harness } = await startWithFake({
      models: [model],
      forwarded: () => ({ type: 'application/json', body: JSON.stringify({ results, usage: { total_tokens: 9 } }) }),
    });
    const { text, receipt } = await ask(harness, 'rerank', {
      model,
      query: 'q',
      documents,
      top_n: 2,
      return_documents: true,
    });
    expect(rerankResponse.parse(JSON.parse(text))).toMatchObject({
      results: [
        { index: 1, relevance_score: 0.9, document: { text: 'a' } },
        { index: 2, relevance_score: 0.5, document: { text: 'c' } },
      ],
      usage: { total_tokens: 9 },
    });
    expect(receipt).toMatchObject({ input_tokens: 9, output_tokens: 0, counted_by: 'node', outcome: 'completed' });
  });

  it('without a count of the node is counted with the query read anew for each text', async () => {
    const results = documents.map((_, index) => ({ index, relevance_score: 0 }));
    const forwarded = () => ({ type: 'application/json', body: JSON.stringify({ results }) });
    const { harness } = await startWithFake({ models: [model], forwarded });
    const { receipt } = await ask(harness, 'rerank', { model, query: 'two words', documents });
    expect(receipt).toMatchObject({ input_tokens: 3 + 3 * 2, counted_by: 'bridge' });
  });

  it.each([
    [[{ index: 0, relevance_score: 1 }]],
    [[0, 1, 3].map((index) => ({ index, relevance_score: 1 }))],
    [[0, 1, 1].map((index) => ({ index, relevance_score: 1 }))],
    [[0, 1, 2].map((index) => ({ index, relevance_score: 'high' }))],
  ])('that leaves a text without a score of its own is no answer', async (results) => {
    const forwarded = () => ({ type: 'application/json', body: JSON.stringify({ results }) });
    const { harness } = await startWithFake({ models: [model], forwarded });
    expect((await ask(harness, 'rerank', { model, query: 'q', documents })).status).toBe(502);
  });
});

describe('tokenising', () => {
  it('is asked of vLLM at its own path, and costs nothing', async () => {
    const node = await startFakeNode({ metrics: '' });
    const harness = await startHarness({ nodes: [{ kind: 'vllm', name: 'v', url: node.url }] });
    const { text, receipt } = await ask(harness, 'tokenize', { model: 'tiny', prompt: 'abc' });
    expect(JSON.parse(text)).toEqual({
      object: 'tokens',
      model: 'tiny',
      count: 3,
      max_model_len: 4096,
      tokens: [0, 1, 2],
    });
    expect(receipt).toMatchObject({ operation: 'tokenize', input_tokens: 0, output_tokens: 0, outcome: 'completed' });
  });
});

describe('audio', () => {
  const file = { name: 'a.wav', type: 'audio/wav', data: Buffer.from(makeWav(1_200)).toString('base64') };

  it('goes to the node as a form, and is metered by the length that the node tells', async () => {
    const { harness, node } = await startWithFake({ models: ['whisper-1'] });
    const { text, receipt } = await ask(harness, 'transcription', { model: 'whisper-1', file, language: 'en' });
    expect(JSON.parse(text)).toEqual({ text: 'hello there', usage: { type: 'duration', seconds: 2.5 } });
    expect(receipt).toMatchObject({ operation: 'transcription', input_tokens: 2_500, counted_by: 'node' });
    const sent = node.requests[0]!.body;
    expect(sent).toMatchObject({ model: 'whisper-1', language: 'en' });
    expect(sent['file']).toMatchObject({ name: 'a.wav', type: 'audio/wav', size: 44 + 1_200 * 32 });
  });

  it('as bare text is carried as text, and metered by what the file says', async () => {
    const { harness } = await startWithFake({ models: ['whisper-1'] });
    const { text, receipt } = await ask(harness, 'transcription', { model: 'whisper-1', file, response_format: 'srt' });
    const { media, data } = JSON.parse(text) as { media: string; data: string };
    expect([media, Buffer.from(data, 'base64').toString()]).toEqual(['text/plain; charset=utf-8', 'hello there']);
    expect(receipt).toMatchObject({ input_tokens: 1_200, counted_by: 'bridge' });
  });

  it('is spoken in events, and metered by its characters', async () => {
    const { harness } = await startWithFake({ models: ['kokoro'] });
    const body = { model: 'kokoro', input: 'Héllo 👋', voice: 'af', response_format: 'wav' };
    const { text, receipt } = await ask(harness, 'speech', body);
    const { chunks } = readEvents(text);
    expect(chunks).toEqual([
      { type: 'speech.audio.delta', audio: Buffer.from([0xff, 0xfb, 0, 0x80]).toString('base64') },
      { type: 'speech.audio.done' },
    ]);
    expect(receipt).toMatchObject({ operation: 'speech', input_tokens: 7, output_tokens: 0, outcome: 'completed' });
  });

  it.each(['fin', 'rst', 'stall'] as const)(
    'that is spoken and breaks off by %s ends with an error, and has cost its characters',
    async (how) => {
      const speech = [Buffer.from('one'), Buffer.from('two')];
      const { harness } = await startWithFake(
        { models: ['kokoro'], speech, fault: { at: 1, how } },
        { timings: { idleTimeoutMs: 300 } },
      );
      const { text, receipt } = await ask(harness, 'speech', { model: 'kokoro', input: 'Hello', voice: 'af' });
      expect(text).toContain('"code":"upstream_cut"');
      expect(text).not.toContain('speech.audio.done');
      expect(receipt).toMatchObject({ operation: 'speech', input_tokens: 5, outcome: 'failed' });
    },
  );

  it.each([
    ['speech', { type: 'text/html', body: '<html>' }],
    ['speech', { type: 'audio/mpeg', body: '' }],
    ['transcription', { type: 'application/json', body: '{"error":"out of memory"}' }],
    ['transcription', { type: 'application/json', body: '{}' }],
    ['transcription', { type: 'text/html', body: '<html>' }],
  ] as const)('that is no %s is no answer: %j', async (operation, forwarded) => {
    const model = operation === 'speech' ? 'kokoro' : 'whisper-1';
    const { harness } = await startWithFake({ models: [model], forwarded: () => forwarded });
    const asked = await ask(harness, operation, { model, file, input: 'a', voice: 'b' });
    expect([asked.status, asked.receipt.outcome]).toEqual([502, 'failed']);
  });
});

describe('what a model is for', () => {
  it('is told by its name, by the kind of its server, and before both by the configuration', async () => {
    const models = ['llama', 'bge-reranker', 'nomic-embed', 'whisper-1', 'kokoro', 'parrot'];
    const node = await startFakeNode({ models, metrics: '' });
    const { platform } = await startHarness({
      nodes: [{ kind: 'vllm', name: 'v', url: node.url, operations: { parrot: ['speech'] } }],
    });
    await platform.waitFor(() => platform.announcements.some((each) => each.models.length > 2));
    const announced = platform.announcements.at(-1)!.models;
    expect(Object.fromEntries(announced.map(({ id, operations }) => [id, operations.join(' ')]))).toMatchObject({
      llama: 'chat completions tokenize',
      'bge-reranker': 'rerank tokenize',
      'nomic-embed': 'embeddings tokenize',
      'whisper-1': 'transcription',
      kokoro: 'speech',
      parrot: 'speech',
    });
  });

  it('is nothing that Ollama does not do, whatever the model is called', async () => {
    const node = await startFakeNode({ models: ['whisper-chat', 'nomic-embed-text'] });
    const { platform } = await startHarness({ nodes: [{ kind: 'ollama', name: 'o', url: node.url }] });
    await platform.waitFor(() => platform.announcements.some((each) => each.models.length > 2));
    const byId = new Map(platform.announcements.at(-1)!.models.map(({ id, operations }) => [id, operations]));
    expect(byId.get('whisper-chat')).toEqual(['chat', 'completions']);
    expect(byId.get('nomic-embed-text')).toEqual(['embeddings']);
  });
});
