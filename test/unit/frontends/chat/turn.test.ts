/** What the element makes of a stream, and what a retry has to do. */
import { describe, expect, test } from 'vitest';
import { EventReader } from '../../../../workers/frontends/chat/event-reader.ts';
import { en } from '../../../../workers/frontends/chat/texts/en.ts';
import {
  applyEvent,
  backoffMs,
  describeEnd,
  newTurn,
  planRetry,
  shownCalls,
  textOf,
  type Item,
  type StreamEvent,
  type Turn,
} from '../../../../workers/frontends/chat/turn.ts';

describe('a turn', () => {
  const response = (status: string, change: object = {}) => ({
    id: 'resp_1',
    status,
    output: [],
    recalled_memories: [],
    error: null,
    incomplete_details: null,
    ...change,
  });
  const delta = (sequence: number, text: string) => ({
    type: 'response.output_text.delta',
    sequence_number: sequence,
    item_id: 'msg_1',
    delta: text,
  });
  const begun = [
    { type: 'response.created', sequence_number: 0, response: response('queued') },
    delta(1, 'Hel'),
    delta(2, 'lo'),
  ];
  const after = (events: readonly object[]) =>
    (events as StreamEvent[]).reduce<Turn>((turn, event) => applyEvent(turn, event), newTurn());

  test('an event that comes twice counts once', () => {
    expect(textOf(after([...begun, ...begun, delta(3, '!')]))).toBe('Hello!');
  });

  test('a message that is taken back is no longer shown', () => {
    const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'incomplete', content: [] };
    const gone = { type: 'response.output_item.done', sequence_number: 3, item };
    const next = { ...delta(4, 'Hi.'), item_id: 'msg_2' };
    expect(textOf(after([...begun, gone, next]))).toBe('Hi.');
  });

  test('the last event has the last word, and nothing follows it', () => {
    const output = [
      { id: 'msg_1', type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello.' }] },
    ];
    const done = { type: 'response.completed', sequence_number: 3, response: response('completed', { output }) };
    const turn = after([...begun, done, delta(4, 'late')]);
    expect(textOf(turn)).toBe('Hello.');
    expect(describeEnd(turn, en)).toBe('');
  });

  test.each([
    ['failed', { error: { code: 'upstream_cut', message: 'It broke.' } }, en.errors.upstream_cut],
    ['failed', { error: { code: 'tenant_suspended', message: 'x' } }, en.errors.tenant_suspended],
    ['failed', { error: { code: 'unheard_of', message: 'It broke.' } }, 'It broke.'],
    ['cancelled', {}, 'Stopped'],
    ['incomplete', { incomplete_details: { reason: 'max_output_tokens' } }, 'length limit'],
    ['incomplete', { incomplete_details: { reason: 'content_filter' } }, 'content filter'],
  ])('one that is %s says so', (status, change, expected) => {
    const turn = after([
      ...begun,
      { type: `response.${status}`, sequence_number: 3, response: response(status, change) },
    ]);
    expect(describeEnd(turn, en)).toContain(expected);
  });

  test('an approval that waits is shown until the call that it was for takes its place', () => {
    const asked = { id: 'apr_1', type: 'mcp_approval_request', name: 'refund', arguments: '{"amount":9}' };
    const call = { id: 'mcp_1', type: 'mcp_call', name: 'refund', arguments: '{"amount":9}', status: 'in_progress' };
    const added = (sequence: number, item: object) => ({
      type: 'response.output_item.added',
      sequence_number: sequence,
      item,
    });
    const waiting = after([...begun, added(3, asked)]);
    expect(shownCalls(waiting.calls)).toMatchObject([{ kind: 'approval', name: 'refund', arguments: '{"amount":9}' }]);
    const approved = { ...call, approval_request_id: 'apr_1' };
    const running = after([...begun, added(3, asked), added(4, approved)]);
    expect(shownCalls(running.calls)).toMatchObject([{ kind: 'tool', status: 'in_progress' }]);
    const done = {
      type: 'response.output_item.done',
      sequence_number: 5,
      item: { ...approved, status: 'completed', output: 'ok' },
    };
    expect(shownCalls(applyEvent(running, done).calls)).toMatchObject([{ status: 'completed', result: 'ok' }]);
    const error = { content: [{ text: 'no' }] };
    const failed = {
      type: 'response.output_item.done',
      sequence_number: 5,
      item: { ...approved, status: 'completed', error },
    };
    expect(shownCalls(applyEvent(running, failed).calls)).toMatchObject([{ status: 'failed', result: 'no' }]);
  });

  test('frames arrive in any slices', () => {
    const text = begun
      .map((event) => `event: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`)
      .join(': keep-alive\n\n');
    for (const size of [1, 2, 7, text.length]) {
      const reader = new EventReader();
      const slices = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        text.slice(at * size, (at + 1) * size),
      );
      expect(slices.flatMap((slice) => reader.push(slice))).toEqual(begun);
    }
  });

  test('a wait grows to fifteen seconds and no further', () => {
    expect([0, 1, 2, 20].map((attempt) => backoffMs(attempt, 1))).toEqual([500, 1_000, 2_000, 15_000]);
    expect(backoffMs(20, 0)).toBe(7_500);
  });
});

describe('asking again', () => {
  const message = (id: string, role: string, text: string, status = 'completed'): Item => ({
    id,
    type: 'message',
    role,
    status,
    content: [{ type: role === 'user' ? 'input_text' : 'output_text', text }],
  });
  const hi = message('m1', 'user', 'hi');

  test('sends a message that never arrived', () => {
    expect(planRetry([], 'hi')).toEqual({ kind: 'send', remove: [] });
    expect(planRetry([hi, message('m2', 'assistant', 'yes')], 'more')).toEqual({ kind: 'send', remove: [] });
  });
  test('does not say a message twice that has arrived', () => {
    expect(planRetry([hi], 'hi')).toEqual({ kind: 'again', remove: [] });
  });
  test('lets the part of an answer go', () => {
    const part = message('m2', 'assistant', 'ye', 'incomplete');
    expect(planRetry([hi, part], 'hi')).toEqual({ kind: 'again', remove: ['m2'] });
  });
  test('asks nothing where the answer is there', () => {
    expect(planRetry([hi, message('m2', 'assistant', 'yes')], 'hi')).toEqual({ kind: 'answered', remove: [] });
  });
});
