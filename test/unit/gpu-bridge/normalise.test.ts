import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeVector,
  normaliseCompletion,
  normaliseEmbeddings,
  parseFinishReason,
  parseUsage,
  toNodeError,
} from '../../../gpu-bridge/normalise.ts';
import { StreamNormaliser } from '../../../gpu-bridge/normalise-stream.ts';
import { CompletionCollector } from '../../../gpu-bridge/collect-completion.ts';
import { SseFrameReader } from '../../../gpu-bridge/nodes/sse-frames.ts';
import { chatCompletion } from '../../../shared/contracts/chat-completions.ts';

const names = { id: 'chatcmpl-run_1', created: 1700000000, model: 'asked' };
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const message = { role: 'assistant', content: 'hi' };
const completion = (choice: object = {}, more: object = {}) => ({
  id: 'x',
  created: 5,
  model: 'own-name',
  choices: [{ index: 0, message, finish_reason: 'stop', ...choice }],
  usage,
  ...more,
});

describe('a completion body', () => {
  it('gets what OpenAI requires and a node leaves out, and the name of the model that was asked for', () => {
    const result = normaliseCompletion(completion(), names);
    expect(result.ok && chatCompletion.parse(result.value.body)).toEqual({
      id: 'x',
      object: 'chat.completion',
      created: 5,
      model: 'asked',
      choices: [{ index: 0, message: { ...message, refusal: null }, logprobs: null, finish_reason: 'stop' }],
      usage,
    });
    const bare = normaliseCompletion({ choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }] }, names);
    expect(bare.ok && bare.value).toMatchObject({ usage: undefined, body: { id: names.id, created: names.created } });
  });

  it('keeps tool calls, as text arguments, each with an id', () => {
    const calls = [
      { function: { name: 'find', arguments: { q: 'x' } } },
      { id: 'c2', function: { name: 'go', arguments: '{}' } },
    ];
    const result = normaliseCompletion(
      completion({ message: { role: 'assistant', tool_calls: calls }, finish_reason: 'tool_calls' }),
      names,
    );
    expect(result.ok && (result.value.body['choices'] as object[])[0]).toMatchObject({
      message: {
        content: null,
        tool_calls: [
          { id: 'call_chatcmpl-run_1_0_0', type: 'function', function: { name: 'find', arguments: '{"q":"x"}' } },
          { id: 'c2', type: 'function', function: { name: 'go', arguments: '{}' } },
        ],
      },
    });
  });

  const bad: Record<string, unknown> = {
    'a text': 'hello',
    null: null,
    'a list': [],
    'an error with status 200': { error: { message: 'boom' } },
    'no choices': completion({}, { choices: undefined }),
    'empty choices': completion({}, { choices: [] }),
    'a choice without a message': completion({ message: undefined }),
    'no finish reason': completion({ finish_reason: null }),
    'a finish reason that means an abort': completion({ finish_reason: 'abort' }),
    'content that is a number': completion({ message: { role: 'assistant', content: 5 } }),
    'a tool call without a name': completion({
      message: { role: 'assistant', content: null, tool_calls: [{ id: 'c' }] },
    }),
  };
  for (const [name, body] of Object.entries(bad)) {
    it(`that is ${name} is no valid answer`, () => {
      expect(normaliseCompletion(body, names)).toMatchObject({ ok: false, failure: { code: 'upstream_invalid' } });
    });
  }
});

describe('usage', () => {
  it('accepts an explicit 0, sums the total itself, and drops what is no count', () => {
    expect(parseUsage({ prompt_tokens: 4, completion_tokens: 0, total_tokens: 99 })).toEqual({
      prompt_tokens: 4,
      completion_tokens: 0,
      total_tokens: 4,
    });
    expect(
      parseUsage({ prompt_tokens: 4, completion_tokens: 1, prompt_tokens_details: null })?.prompt_tokens_details,
    ).toBeUndefined();
    expect(
      parseUsage({ prompt_tokens: 4, prompt_tokens_details: { cached_tokens: 9 } })?.prompt_tokens_details,
    ).toEqual({ cached_tokens: 4 });
    for (const value of [null, undefined, {}, { prompt_tokens: -1 }, { prompt_tokens: 1.5 }, { prompt_tokens: '4' }]) {
      expect(parseUsage(value)).toBeUndefined();
    }
  });

  it('finish reasons of other engines become those of OpenAI, unknown ones none', () => {
    expect(['eos', 'end_turn', 'max_tokens', 'tool_use'].map(parseFinishReason)).toEqual([
      'stop',
      'stop',
      'length',
      'tool_calls',
    ]);
    expect(['abort', 'error', '', 'constructor', 3, null].map(parseFinishReason)).toEqual(Array(6).fill(undefined));
  });
});

const chunk = (delta: object, more: object = {}, finish: string | null = null) =>
  JSON.stringify({
    id: 'a',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'own',
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more,
  });

/** As servers written in Python format it. */
const spacedChunk = (content: string) =>
  `{"id": "a", "model": "own", "created": 1, "choices": [{"index": 0, "delta": {"content": ${JSON.stringify(content)}}, "finish_reason": null}], "usage": null}`;

function run(chunks: readonly string[], includeUsage = false) {
  const normaliser = new StreamNormaliser(names, includeUsage);
  const out = chunks
    .flatMap((each) => normaliser.accept(each) ?? [])
    .map((each) => JSON.parse(each) as Record<string, unknown>);
  return { out, normaliser };
}

describe('a stream of chunks', () => {
  it('has the id, time and model of the first chunk throughout, whatever the node changes', () => {
    const { out } = run([
      chunk({ content: 'a' }),
      chunk({ content: 'b' }, { id: 'other', created: 9, model: 'z' }),
      chunk({}, {}, 'stop'),
    ]);
    for (const each of out)
      expect(each).toMatchObject({ id: 'a', created: 1, model: 'asked', object: 'chat.completion.chunk' });
  });

  it('begins with the role, once', () => {
    const { out } = run([chunk({ content: 'a' }), chunk({ content: 'b' })]);
    const deltas = out.map((each) => (each['choices'] as { delta: object }[])[0]?.delta);
    expect(deltas).toEqual([{ role: 'assistant', content: 'a' }, { content: 'b' }]);
  });

  it('has usage: null on every chunk when usage was asked for, no usage at all when not', () => {
    const chunks = [
      chunk({ content: 'a' }, { usage }),
      chunk({ content: 'b' }),
      chunk({ content: 'c' }),
      chunk({}, { usage }, 'stop'),
    ];
    expect(run(chunks, true).out.map((each) => each['usage'])).toEqual([null, null, null, null]);
    expect(run(chunks, false).out.some((each) => 'usage' in each)).toBe(false);
    expect(run(chunks, false).normaliser.usage).toEqual(usage);
  });

  it('takes usage from a chunk of its own and does not send that on', () => {
    const { out, normaliser } = run([chunk({ content: 'a' }), JSON.stringify({ choices: [], usage })]);
    expect(out).toHaveLength(1);
    expect(normaliser.usage).toEqual(usage);
    expect(normaliser.formatUsage(usage)).toBeUndefined();
  });

  it('is whole only when every choice has a finish reason', () => {
    expect(run([]).normaliser.isWhole).toBe(false);
    expect(run([chunk({ content: 'a' })]).normaliser.isWhole).toBe(false);
    expect(run([chunk({ content: 'a' }), chunk({}, {}, 'length')]).normaliser.isWhole).toBe(true);
  });

  it('with a chunk that is no chunk is refused', () => {
    for (const bad of [
      '{',
      '5',
      'null',
      '{}',
      '{"choices":5}',
      '{"choices":[5]}',
      '{"choices":[{"delta":"x"}]}',
      chunk({ content: [] }),
    ]) {
      expect(() => run([chunk({ content: 'a' }), bad]), bad).toThrow();
    }
    expect(() => run([JSON.stringify({ error: { message: 'x' }, choices: [] })])).toThrow('error in the stream');
  });

  it('is the same by the short way as by parsing every chunk, for any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom('"', '\\', '","usage":{"x":1', '\u2028', '</s>', '\ud800'),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 12 }), fc.boolean(), fc.boolean(), (texts, includeUsage, spaced) => {
        const chunks = texts.map((content) => (spaced ? spacedChunk(content) : chunk({ content })));
        const { out, normaliser } = run(chunks, includeUsage);
        expect(out.map((each) => (each['choices'] as { delta: { content: string } }[])[0]?.delta.content)).toEqual(
          texts,
        );
        expect(normaliser.deltas).toBe(texts.filter((each) => each !== '').length);
        for (const each of out) {
          expect(each['model']).toBe('asked');
          expect('usage' in each).toBe(includeUsage);
        }
      }),
    );
  });

  it('is never taken the short way where more than the text differs', () => {
    const choice = (index: number, content: string, finish: string | null) => ({
      index,
      delta: { content },
      finish_reason: finish,
    });
    const names = { id: 'a', object: 'chat.completion.chunk', created: 1, model: 'own' };
    // Begins and ends as the chunk before it, and holds the end of one choice and the beginning of another.
    const two = JSON.stringify({ ...names, choices: [choice(0, 'b', 'stop'), { ...choice(1, 'c', null), index: 0 }] });
    const { normaliser } = run([chunk({ content: 'a' }), chunk({ content: 'a' }), two]);
    expect(normaliser.isWhole).toBe(true);
    const longer = JSON.stringify({
      ...names,
      choices: [{ index: 0, delta: { content: 'x', refusal: 'no' }, finish_reason: null }],
    });
    expect(run([chunk({ content: 'a' }), chunk({ content: 'a' }), longer]).normaliser.deltas).toBe(3);
  });

  it('put together gives the completion that a body would have been', () => {
    const collector = new CompletionCollector();
    const call = (index: number, target: object, id?: string) =>
      chunk({ tool_calls: [{ index, ...(id ? { id, type: 'function' } : {}), function: target }] });
    const chunks = [
      chunk({ content: 'Let me ' }),
      chunk({ content: 'look.' }),
      call(0, { name: 'find', arguments: '' }, 'c1'),
      call(0, { arguments: '{"q":' }),
      call(1, { name: 'go', arguments: '{}' }, 'c2'),
      call(0, { arguments: '"x"}' }),
      chunk({}, {}, 'tool_calls'),
    ];
    const normaliser = new StreamNormaliser(names, false);
    for (const each of chunks) collector.add(normaliser.accept(each)!);
    const body = chatCompletion.parse(collector.finish(usage));
    expect(body).toMatchObject({ id: 'a', model: 'asked', usage });
    expect(body.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: 'Let me look.',
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'find', arguments: '{"q":"x"}' } },
          { id: 'c2', type: 'function', function: { name: 'go', arguments: '{}' } },
        ],
      },
    });
  });
});

describe('the frames of an event stream', () => {
  it('are the same for every way of slicing the bytes, with every kind of line end', () => {
    const frames = ['{"a":"é😀"}', '{"b":2}', '[DONE]'];
    const bytes = (end: string) => Buffer.from(frames.map((each) => `: note${end}data: ${each}${end}${end}`).join(''));
    const plain = Buffer.from(frames.map((each) => `data: ${each}\n\n`).join(''));
    fc.assert(
      fc.property(fc.constantFrom(plain, bytes('\n'), bytes('\r\n')), fc.array(fc.nat({ max: 90 })), (whole, cuts) => {
        const reader = new SseFrameReader();
        const edges = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
        const read = edges.slice(1).flatMap((edge, index) => reader.push(whole.subarray(edges[index]!, edge)));
        expect(read).toEqual(frames);
      }),
    );
  });
});

describe('embeddings', () => {
  const answer = (...vectors: unknown[]) => ({
    data: vectors.map((embedding, index) => ({ index, embedding })),
    usage: { prompt_tokens: 4 },
  });
  const ask = { count: 2, format: 'float', dimensions: undefined } as const;

  it('come in the order of the inputs and in the format asked for, whichever the node chose', () => {
    const base64 = encodeVector(Float32Array.of(0.5, -1));
    const shuffled = { data: answer([1, 2], base64).data.reverse() };
    const floats = normaliseEmbeddings(shuffled, ask, 'm');
    expect(floats.ok && floats.value.data.map((each) => each['embedding'])).toEqual([
      [1, 2],
      [0.5, -1],
    ]);
    const encoded = normaliseEmbeddings(answer([0.5, -1], base64), { ...ask, format: 'base64' }, 'm');
    expect(encoded.ok && encoded.value.data.map((each) => each['embedding'])).toEqual([base64, base64]);
    expect(encoded.ok && encoded.value.promptTokens).toBe(4);
  });

  it('that are too few, of different lengths, not numbers, or repeated are no valid answer', () => {
    const repeated = { data: [0, 0].map((index) => ({ index, embedding: [1] })) };
    for (const bad of [
      {},
      null,
      answer([1]),
      answer([1], [1, 2]),
      answer([1], [null]),
      answer([], []),
      answer('AAA=', [1]),
      repeated,
    ]) {
      expect(normaliseEmbeddings(bad, ask, 'm')).toMatchObject({ ok: false, failure: { code: 'upstream_invalid' } });
    }
  });

  it('of another length than was asked for are refused, not cut', () => {
    const result = normaliseEmbeddings(answer([1, 2], [3, 4]), { ...ask, dimensions: 1 }, 'm');
    expect(result).toMatchObject({ ok: false, failure: { code: 'unsupported_parameter', param: 'dimensions' } });
  });
});

describe("a node's error", () => {
  const table: [number, unknown, string, string][] = [
    [400, { error: { message: 'bad temperature', code: 400, param: 'temperature' } }, 'rejected', 'invalid_request'],
    [
      400,
      { error: { message: "This model's maximum context length is 4096 tokens" } },
      'rejected',
      'context_length_exceeded',
    ],
    [422, { detail: 'nope' }, 'rejected', 'invalid_request'],
    [404, { error: 'model "x" not found' }, 'rejected', 'model_not_found'],
    [401, {}, 'unreachable', 'node_unavailable'],
    [429, {}, 'busy', 'node_unavailable'],
    [503, undefined, 'busy', 'node_unavailable'],
    [500, { error: { message: 'CUDA at /home/x' } }, 'invalid', 'upstream_invalid'],
    [302, undefined, 'invalid', 'upstream_invalid'],
  ];
  for (const [status, body, kind, code] of table) {
    it(`${status} ${JSON.stringify(body)} becomes ${code}`, () => {
      expect(toNodeError(status, body)).toMatchObject({ kind, failure: { code } });
    });
  }

  it('passes its words on only where the request is at fault', () => {
    expect(toNodeError(400, { error: { message: 'bad temperature' } }).failure.message).toBe('bad temperature');
    expect(toNodeError(500, { error: { message: 'CUDA at /home/x' } }).failure.message).not.toContain('CUDA');
  });
});
