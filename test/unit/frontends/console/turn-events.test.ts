/** A stream's events as the playground shows them. */
import { describe, expect, test } from 'vitest';
import type { Item } from '../../../../shared/contracts/conversations.ts';
import type { SequencedResponseEvent } from '../../../../shared/contracts/responses.ts';
import { getAt, setAt } from '../../../../workers/frontends/console/src/pages/tenant/definition-paths.ts';
import {
  applyToThread,
  applyToTurn,
  freshTurn,
} from '../../../../workers/frontends/console/src/pages/tenant/turn-events.ts';

const delta = (text: string) =>
  ({
    type: 'response.output_text.delta',
    item_id: 'msg_1',
    output_index: 0,
    content_index: 0,
    delta: text,
    logprobs: [],
    sequence_number: 0,
  }) satisfies SequencedResponseEvent;
const message = (text: string, status: 'in_progress' | 'completed'): Item => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status,
  content: text === '' ? [] : [{ type: 'output_text', text, annotations: [], logprobs: [] }],
});

describe('a thread', () => {
  test('grows by what is streamed, and an item that is done takes the place of what was streamed of it', () => {
    const done = message('Good morning.', 'completed');
    const added = {
      type: 'response.output_item.added',
      output_index: 0,
      item: message('', 'in_progress'),
    } as SequencedResponseEvent;
    const ended = { type: 'response.output_item.done', output_index: 0, item: done } as SequencedResponseEvent;
    const streamed = [added, delta('Good '), delta('morning')].reduce(applyToThread, [] as readonly Item[]);
    expect(streamed).toEqual([message('Good morning', 'in_progress')]);
    expect(applyToThread(streamed, ended)).toEqual([done]);
  });
});

describe('a turn', () => {
  test('has the time of its first token, and one line for events of a kind in a row', () => {
    const first = applyToTurn(freshTurn, delta('a'), 120);
    const second = applyToTurn(first, delta('b'), 180);
    expect(second.firstTokenMs).toBe(120);
    expect(second.events).toEqual([{ type: 'response.output_text.delta', atMs: 120, count: 2 }]);
  });

  test('says what went wrong in the words of the stream', () => {
    const event = {
      type: 'error',
      code: 'upstream_cut',
      message: 'The node went away.',
      param: null,
      sequence_number: 3,
    } as const;
    expect(applyToTurn(freshTurn, event, 5).fault).toBe('The node went away.');
  });
});

describe('a definition', () => {
  test('is changed at a path without changing the one before, and an emptied part goes', () => {
    const before = { persona: { tone: 'dry' }, model: 'default' };
    expect(setAt(before, 'limits.recall', 3)).toEqual({ ...before, limits: { recall: 3 } });
    expect(setAt(before, 'persona.tone', undefined)).toEqual({ model: 'default' });
    expect(getAt(before, 'persona.tone')).toBe('dry');
    expect(getAt(before, 'limits.recall')).toBeUndefined();
  });
});
