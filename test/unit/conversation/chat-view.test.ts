/** A turn seen as a chat completion: the stream and the whole answer say the same, and a failure never looks like an end. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chatFrameEncoder, toChatCompletion } from '../../../durable-objects/conversation/chat-view.ts';
import { Turn } from '../../../durable-objects/conversation/turn.ts';
import type { TurnEnd } from '../../../durable-objects/conversation/turn-engine.ts';
import {
  chatCompletion,
  type ChatCompletionChunk,
  type FinishReason,
} from '../../../shared/contracts/chat-completions.ts';
import { SseParser } from '../../../shared/core/sse.ts';
import { blankResponse } from '../../support/response-factory.ts';

type Said = {
  readonly content?: string;
  readonly tool_calls?: ChatCompletionChunk['choices'][number]['delta']['tool_calls'];
  readonly finish?: FinishReason;
};

/** As the engine ends a turn without tools. */
function endOf(finish: FinishReason | undefined): TurnEnd {
  if (finish === undefined) return { status: 'failed', code: 'upstream_cut', message: 'cut off' };
  if (finish === 'length') return { status: 'incomplete', reason: 'max_output_tokens' };
  return finish === 'content_filter' ? { status: 'incomplete', reason: 'content_filter' } : { status: 'completed' };
}

const turnUsage = {
  input_tokens: 3,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 4,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 7,
};

function streamOf(parts: readonly Said[], end: 'finished' | 'failed' | 'cancelled', includeUsage: boolean) {
  let serial = 0;
  const turn = new Turn(blankResponse(), (kind) => `${kind}-${serial++}`);
  const chunks = parts.map(
    ({ finish = null, ...delta }) =>
      ({ choices: [{ index: 0, delta, finish_reason: finish }] }) as unknown as ChatCompletionChunk,
  );
  const usage = {
    choices: [],
    usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
  } as unknown as ChatCompletionChunk;
  const last = () =>
    end === 'finished'
      ? turn.end(endOf(turn.answer().finish), turnUsage, 1)
      : end === 'failed'
        ? turn.end({ status: 'failed', code: 'upstream_cut', message: 'cut off' }, null, 1)
        : turn.end({ status: 'cancelled' }, null, 1);
  const events = [
    ...turn.created(),
    ...turn.started([]),
    ...[...chunks, usage].flatMap((chunk) => turn.chunk(chunk)),
    ...last(),
  ];
  const encode = chatFrameEncoder({ id: 'chatcmpl-1', includeUsage });
  const text = events.map((event, at) => encode(JSON.stringify({ ...event, sequence_number: at }))).join('');
  const frames = new SseParser().push(text).map(({ data }) => data);
  return {
    turn,
    text,
    frames,
    chunks: frames
      .filter((data) => data !== '[DONE]')
      .map((data) => JSON.parse(data) as ChatCompletionChunk & { error?: object }),
  };
}

const calls = [
  { content: 'Let me see. ' },
  { tool_calls: [{ index: 0, id: 'call_a', type: 'function', function: { name: 'look', arguments: '{"a"' } }] },
  { tool_calls: [{ index: 1, id: 'call_b', type: 'function', function: { name: 'find', arguments: '' } }] },
  { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
  { finish: 'tool_calls' },
] as const satisfies readonly Said[];

describe('the stream', () => {
  test('put together is the whole answer, for any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), fc.boolean(), (texts, includeUsage) => {
        const { turn, frames, chunks } = streamOf(
          [...texts.map((content) => ({ content })), { finish: 'stop' as const }],
          'finished',
          includeUsage,
        );
        const whole = toChatCompletion('chatcmpl-1', turn.response);
        expect(whole.ok && chatCompletion.safeParse(whole.value).success).toBe(true);
        const said = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
        expect(said).toBe(texts.join(''));
        expect(whole.ok && (whole.value.choices[0]!.message.content ?? '')).toBe(said);
        expect(frames.at(-1)).toBe('[DONE]');
        expect(chunks.filter(({ choices }) => choices[0]?.finish_reason)).toHaveLength(1);
        expect(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`)).size).toBe(1);
      }),
    );
  });

  test('tells usage in one chunk of its own before the end where it is asked for, and null in all others', () => {
    const { chunks } = streamOf([{ content: 'a' }, { finish: 'stop' }], 'finished', true);
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    });
    for (const chunk of chunks.slice(0, -1)) expect(chunk.usage).toBeNull();
    for (const chunk of streamOf([{ finish: 'stop' }], 'finished', false).chunks)
      expect(chunk).not.toHaveProperty('usage');
  });

  test('numbers tool calls from 0 and gives id and name once', () => {
    const { turn, chunks } = streamOf(calls, 'finished', false);
    const deltas = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    expect(deltas.filter(({ id }) => id).map(({ index, id, function: called }) => [index, id, called?.name])).toEqual([
      [0, 'call_a', 'look'],
      [1, 'call_b', 'find'],
    ]);
    expect(
      deltas
        .filter(({ index }) => index === 0)
        .map(({ function: called }) => called?.arguments)
        .join(''),
    ).toBe('{"a":1}');
    const whole = toChatCompletion('x', turn.response);
    expect(whole.ok && whole.value.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: 'Let me see. ', tool_calls: [{ id: 'call_a' }, { id: 'call_b' }] },
    });
  });

  test.each(['failed', 'cancelled'] as const)('of a turn that is %s ends with an error and without [DONE]', (end) => {
    const { turn, frames, chunks } = streamOf([{ content: 'half an' }], end, true);
    expect(frames).not.toContain('[DONE]');
    expect(chunks.at(-1)).toHaveProperty('error.code');
    expect(chunks.some(({ choices }) => choices?.[0]?.finish_reason)).toBe(false);
    expect(toChatCompletion('x', turn.response).ok).toBe(false);
  });

  test.each([
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['stop', 'stop'],
  ] as const)('keeps the finish reason %s', (finish, expected) => {
    expect(streamOf([{ content: 'a' }, { finish }], 'finished', false).chunks.at(-1)?.choices[0]?.finish_reason).toBe(
      expected,
    );
  });
});
