import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { chatCompletion } from '../../../shared/contracts/chat-completions.ts';
import { embeddingResponse } from '../../../shared/contracts/embeddings.ts';
import { ExtractiveModel, NodeHeader, RecallHeading } from '../../../shared/contracts/inference.ts';
import { HashEmbeddingModel } from '../../../shared/core/hash-embedding.ts';
import { joinText, readEvents, startFakeNode, startHarness, startWithFake } from '../../support/bridge-harness.ts';

describe('a whole answer', () => {
  it('of a stream ends in [DONE], conforms, and names its node', async () => {
    const { harness } = await startWithFake();
    const answer = await harness.chat({ stream: true });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.headers['x-accel-buffering']).toBe('no');
    expect(answer.headers['cache-control']).toBe('no-cache');
    expect(answer.headers[NodeHeader]).toBe('fake');
    const { chunks, done } = readEvents(answer.text);
    expect(done).toBe(true);
    expect(joinText(chunks)).toBe('one two three four five');
    expect(new Set(chunks.map((chunk) => `${chunk['id']} ${chunk['created']} ${chunk['model']}`)).size).toBe(1);
    expect(chunks.every((chunk) => !('usage' in chunk))).toBe(true);
  });

  it('of a stream has usage once, in a chunk of its own, when it was asked for', async () => {
    const { harness } = await startWithFake({ usage: 'last-choice' });
    const answer = await harness.chat({ stream: true, stream_options: { include_usage: true } });
    const { chunks } = readEvents(answer.text);
    const last = chunks.at(-1)!;
    expect(last['choices']).toEqual([]);
    expect(last['usage']).toEqual({ prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 });
    expect(chunks.slice(0, -1).every((chunk) => chunk['usage'] === null)).toBe(true);
  });

  it('of a body conforms to the contract, and its receipt holds the count of the node', async () => {
    const { harness } = await startWithFake();
    const answer = await harness.chatAndReceipt();
    expect(chatCompletion.parse(JSON.parse(answer.text)).choices[0]?.message.content).toBe('one two three four five');
    expect(answer.receipt).toMatchObject({
      node: 'fake',
      node_kind: 'openai-compatible',
      outcome: 'completed',
      counted_by: 'node',
      input_tokens: 7,
      output_tokens: 5,
      external: false,
    });
  });

  it('of a body without usage is counted by the bridge, for the caller and the receipt alike', async () => {
    const choices = [{ index: 0, message: { role: 'assistant', content: 'one two!' }, finish_reason: 'stop' }];
    const { harness } = await startWithFake({ body: () => ({ choices }) });
    const answer = await harness.chatAndReceipt();
    expect(chatCompletion.parse(JSON.parse(answer.text)).usage).toMatchObject({
      prompt_tokens: 2,
      completion_tokens: 3,
    });
    expect(answer.receipt).toMatchObject({ counted_by: 'bridge', input_tokens: 2, output_tokens: 3 });
  });

  it('of a node that streams where a body was asked for is put together', async () => {
    const { harness, node } = await startWithFake({}, { node: { always_stream: true } });
    const answer = await harness.chatAndReceipt();
    expect(node.requests[0]?.body['stream']).toBe(true);
    const completion = chatCompletion.parse(JSON.parse(answer.text));
    expect(completion.choices[0]?.message.content).toBe('one two three four five');
    expect(completion.usage.completion_tokens).toBe(5);
  });

  it('is counted to the byte where the job asks for it, as a stream, a body or one put together, and else not at all', async () => {
    const claims = { count_answer: true };
    for (const settings of [{}, { node: { always_stream: true } }]) {
      const { harness } = await startWithFake({ usage: 'last-choice' }, settings);
      for (const body of [{}, { stream: true }, { stream: true, stream_options: { include_usage: true } }]) {
        const { text, receipt } = await harness.chatAndReceipt(body, claims);
        expect(receipt.answer_bytes).toBe(Buffer.byteLength(text));
      }
      expect((await harness.chatAndReceipt()).receipt).not.toHaveProperty('answer_bytes');
    }
  });

  it('of embeddings comes in the format that was asked for, and is metered', async () => {
    const { harness } = await startWithFake({ models: ['nomic-embed-text'] });
    const claims = { operation: 'embeddings', model: 'nomic-embed-text', max_output_tokens: 0, jti: 'run_e' } as const;
    const body = { model: 'nomic-embed-text', input: ['a', 'bcd'], encoding_format: 'base64' };
    const answer = await harness.post('/v1/embeddings', body, await harness.token(claims));
    const parsed = embeddingResponse.parse(JSON.parse(answer.text));
    expect(Buffer.from(String(parsed.data[1]?.embedding), 'base64').readFloatLE(0)).toBe(3);
    expect(await harness.platform.waitForReceipt('run_e')).toMatchObject({
      input_tokens: 3,
      output_tokens: 0,
      outcome: 'completed',
    });
  });
});

describe('the token limits', () => {
  it('of the job token reaches the node, whatever the request says', async () => {
    const { harness, node } = await startWithFake();
    await harness.chat({ max_tokens: 5000 }, { max_output_tokens: 3 });
    await harness.chat({ max_completion_tokens: 2 }, { max_output_tokens: 3 });
    await harness.chat({}, { max_output_tokens: 3 });
    expect(node.requests.map((request) => request.body['max_tokens'])).toEqual([3, 2, 3]);
    expect(node.requests.every((request) => !('max_completion_tokens' in request.body))).toBe(true);
  });

  it('holds for a node that ignores it: the answer ends for length, and the receipt is within the reservation', async () => {
    const { harness, node } = await startWithFake({ ignoreLimit: true, usage: 'none', pauseAt: 4 });
    const answer = await harness.chatAndReceipt({ stream: true }, { max_output_tokens: 3 });
    const { chunks, done } = readEvents(answer.text);
    expect(done).toBe(true);
    expect(joinText(chunks)).toBe('one two three');
    expect((chunks.at(-1)!['choices'] as { finish_reason: string }[])[0]?.finish_reason).toBe('length');
    expect(answer.receipt.output_tokens).toBe(3);
    await node.waitForAbort();
  });

  it('cannot be multiplied by asking for several choices', async () => {
    const { harness, node } = await startWithFake();
    for (const param of ['n', 'best_of']) {
      const answer = await harness.chatAndReceipt({ [param]: 4 });
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'unsupported_parameter', param } });
      expect(answer.receipt).toMatchObject({ outcome: 'failed', output_tokens: 0, input_tokens: 0, node: 'none' });
    }
    expect(node.requests).toHaveLength(0);
  });
});

describe('the surface', () => {
  it('answers health and models without a token, and everything else with the error object', async () => {
    const { harness } = await startWithFake();
    const get = async (path: string, method = 'GET') => {
      const answer = await fetch(harness.bridge.url + path, { method });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    expect((await get('/healthz')).status).toBe(200);
    const models = (await get('/v1/models')).body['data'] as { id: string }[];
    expect(models.map((model) => model.id)).toEqual(['tiny', ExtractiveModel, HashEmbeddingModel]);
    expect(await get('/v1/nothing')).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found', param: null } },
    });
    expect(await get('/v1/chat/completions')).toMatchObject({
      status: 405,
      body: { error: { code: 'method_not_allowed' } },
    });
    expect(await get('/healthz', 'DELETE')).toMatchObject({ status: 405 });
  });

  it('refuses a body that is too large, is no JSON or no object, and still sends the receipt of the run', async () => {
    const { harness } = await startWithFake({}, { timings: { maxBodyBytes: 2000 } });
    const send = async (body: string) => {
      const run = `run_${body.length}`;
      const answer = await harness.post('/v1/chat/completions', body, await harness.token({ jti: run }));
      const { error } = JSON.parse(answer.text) as { error: { code: string } };
      return [answer.status, error.code, (await harness.platform.waitForReceipt(run)).outcome];
    };
    expect(await send(`{"model":"${'x'.repeat(3000)}"}`)).toEqual([413, 'payload_too_large', 'failed']);
    expect(await send('{"model":')).toEqual([400, 'invalid_json', 'failed']);
    expect(await send('[]')).toEqual([400, 'invalid_request', 'failed']);
  });

  it('announces the models, with a real model as the default, and on closing that it serves nothing', async () => {
    const { harness, node } = await startWithFake();
    await harness.platform.waitFor(() => harness.platform.announcements.length > 0);
    const [first] = harness.platform.announcements;
    expect(first?.iss).toBe(harness.bridge.id);
    expect(first?.default_model).toBe('tiny');
    expect(first?.models.map((model) => [model.id, model.semantic])).toEqual([
      ['tiny', true],
      [ExtractiveModel, false],
      [HashEmbeddingModel, false],
    ]);
    node.script = { models: ['tiny', 'bigger'] };
    await harness.bridge.refresh();
    await harness.platform.waitFor(() => harness.platform.announcements.at(-1)!.models.length === 4);
    await harness.bridge.close();
    expect(harness.platform.announcements.at(-1)?.models).toEqual([]);
  });

  it('serves the extractive engine alone on a machine without a model', async () => {
    const harness = await startHarness();
    await harness.platform.waitFor(() => harness.platform.announcements.length > 0);
    expect(harness.platform.announcements[0]?.default_model).toBe(ExtractiveModel);
    const messages = [
      { role: 'system', content: `You help newcomers.\n\n${RecallHeading}\n[1] Freehold is a platform for AI agents.` },
      { role: 'user', content: 'What is Freehold?' },
    ];
    const answer = await harness.chatAndReceipt({ model: ExtractiveModel, messages });
    expect(JSON.parse(answer.text)).toMatchObject({
      choices: [{ message: { content: 'Freehold is a platform for AI agents. [1]' }, finish_reason: 'stop' }],
    });
    expect(answer.receipt).toMatchObject({ node_kind: 'extractive', counted_by: 'node', output_tokens: 11 });
  });
});

describe('several nodes', () => {
  it('a node that cannot be reached is passed over, before the first byte', async () => {
    const [dead, alive] = [await startFakeNode(), await startFakeNode()];
    const harness = await startHarness({
      nodes: [
        { kind: 'openai-compatible', name: 'dead', url: dead.url },
        { kind: 'openai-compatible', name: 'alive', url: alive.url },
      ],
    });
    await dead.close();
    const answer = await harness.chatAndReceipt({ stream: true });
    expect(readEvents(answer.text).done).toBe(true);
    expect(answer.receipt.node).toBe('alive');
  });

  it('a node that is too busy is passed over; when all are, the answer is 503', async () => {
    const refuse = { status: 429, body: { error: { message: 'queue full' } } };
    const [one, two] = [await startFakeNode({ refuse }), await startFakeNode()];
    const harness = await startHarness({
      nodes: [
        { kind: 'openai-compatible', name: 'one', url: one.url },
        { kind: 'openai-compatible', name: 'two', url: two.url },
      ],
    });
    expect((await harness.chat()).headers[NodeHeader]).toBe('two');
    two.script = { refuse };
    const answer = await harness.chatAndReceipt();
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([503, 'node_unavailable']);
    expect(answer.receipt).toMatchObject({ outcome: 'failed', input_tokens: 0, output_tokens: 0 });
  });

  it('an answer that has begun is never begun again on another node', async () => {
    const fault = { at: 0, how: 'fin' } as const;
    const [one, two] = [await startFakeNode({ fault }), await startFakeNode({ fault })];
    const harness = await startHarness({
      nodes: [
        { kind: 'openai-compatible', name: 'one', url: one.url },
        { kind: 'openai-compatible', name: 'two', url: two.url },
      ],
    });
    await harness.chat({ stream: true });
    expect(one.requests.length + two.requests.length).toBe(1);
    for (const node of [one, two]) node.script = { body: () => ({ choices: 'half' }) };
    expect((await harness.chatAndReceipt()).status).toBe(502);
    expect(one.requests.length + two.requests.length).toBe(2);
    for (const node of [one, two]) node.script = { refuse: { status: 500, body: {} } };
    expect((await harness.chat()).status).toBe(502);
    expect(one.requests.length + two.requests.length).toBe(3);
  });

  it('a model whose only node is down is unavailable, not unknown, and is announced no more', async () => {
    const { harness, node } = await startWithFake();
    await node.close();
    await harness.bridge.refresh();
    const answer = await harness.chat();
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([503, 'node_unavailable']);
    const unknown = await harness.chat({ model: 'nobody-has-it' });
    expect([unknown.status, JSON.parse(unknown.text).error.code]).toEqual([404, 'model_not_found']);
    await harness.platform.waitFor(() => harness.platform.announcements.at(-1)?.default_model === ExtractiveModel);
  });

  it('an external node serves only jobs that allow it', async () => {
    const { harness } = await startWithFake({}, { node: { external: true } });
    const refused = await harness.chat();
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([403, 'permission_denied']);
    const allowed = await harness.chatAndReceipt({}, { allow_external: true });
    expect([allowed.status, allowed.receipt.external]).toEqual([200, true]);
  });
});

describe('the official client', () => {
  it('works against the bridge with a job token as its key: body, stream, embeddings', async () => {
    const { harness } = await startWithFake();
    const client = async (claims = {}) =>
      new OpenAI({ apiKey: await harness.token(claims), baseURL: `${harness.bridge.url}/v1`, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'hi' }];
    const completion = await (await client()).chat.completions.create({ model: 'tiny', messages });
    expect(completion.choices[0]?.message.content).toBe('one two three four five');
    const stream = (await client()).chat.completions.stream({
      model: 'tiny',
      messages,
      stream_options: { include_usage: true },
    });
    expect((await stream.finalChatCompletion()).usage?.completion_tokens).toBe(5);
    const claims = { operation: 'embeddings', model: HashEmbeddingModel, max_output_tokens: 0 };
    const embeddings = await (await client(claims)).embeddings.create({ model: HashEmbeddingModel, input: 'hello' });
    expect(embeddings.data[0]?.embedding).toHaveLength(768);
  });

  it('gets an exception from a stream that was cut, never a short answer', async () => {
    const { harness } = await startWithFake({ fault: { at: 2, how: 'fin' } });
    const client = new OpenAI({ apiKey: await harness.token(), baseURL: `${harness.bridge.url}/v1`, maxRetries: 0 });
    const stream = await client.chat.completions.create({
      model: 'tiny',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
    });
    let text = '';
    const read = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    };
    await expect(read()).rejects.toThrow('stopped in the middle');
    expect(text).toBe('one two');
  });
});
